// The words of all pages, by key. The server writes them into the page's head, beside what it has of parts.

const { words: allWords, parts } = JSON.parse(document.getElementById("vidmem-page").textContent);

export const words = allWords;

// By the script that starts a part, as in its address (`label/page`): the pages that have it. None: it starts at once.
export const partPages = parts;

// words.remembers = "remembers the last {span}" -> fill("remembers", { span: "3 min" })
export function fill(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
