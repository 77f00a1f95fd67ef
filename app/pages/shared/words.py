"""The words that are on every page, by key: in the markup `[[key]]`, in scripts by `words.js`."""

WORDS = {
    "pages": "Pages",
    "running_with": "Running with",
}
