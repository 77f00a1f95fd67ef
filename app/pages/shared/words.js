// The words of all pages, by key. The server writes them into the page's head, beside the names of its parts.

const { words: allWords, parts } = JSON.parse(document.getElementById("vidmem-page").textContent);

export const words = allWords;

// Of the scripts that start a part of the page, as in their addresses: `watch/player`.
export const partNames = parts;

// words.remembers = "remembers the last {span}" -> fill("remembers", { span: "3 min" })
export function fill(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
