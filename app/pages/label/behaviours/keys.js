// Keys of behaviours: which may be, and how one is recorded by pressing it.

import { fill, words } from "../../shared/words.js";

// What else keys do on this page, as it says so itself: { key, words }, kept up to date by `setPageKeys`.
let pageKeys = [];
export function setPageKeys(keys) {
  pageKeys = keys;
}
export const usesOf = (key) => pageKeys.filter((one) => one.key === key).map((one) => one.words);

// What a pressed key means: { key } of one that can be a behaviour's, { refused } with a sentence, or {} of none,
// such as Shift alone. Tab is left to the browser: it goes on to the next control.
export function readKey(event) {
  const { key } = event;
  if (["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Tab", "Process"].includes(key)) return {};
  const isTyped = [...key].length === 1;
  // On some keyboards AltGr is Ctrl and Alt together, and types signs.
  if ((event.ctrlKey || event.altKey || event.metaKey) && !(isTyped && event.getModifierState("AltGraph"))) {
    return { refused: fill("eth_key_with", { key: shownPress(event) }) };
  }
  if (key === " ") return { refused: words.eth_key_space };
  if (!isTyped) return { refused: fill("eth_key_browser", { key }) };
  return { key };
}
function shownPress({ key, ctrlKey, altKey, metaKey }) {
  const held = [ctrlKey && "Ctrl", altKey && "Alt", metaKey && "⌘"].filter(Boolean);
  return [...held, [...key].length === 1 ? key.toUpperCase() : key].join("+");
}

// For people: a capital is typed with Shift.
export function shownKey(key) {
  if (!key) return words.eth_key_none;
  return key !== key.toLowerCase() ? `Shift ${key}` : key;
}

// The first letter of a name that neither a behaviour nor the page has; empty: there is none.
export function freeKey(name, behaviours) {
  const taken = new Set(behaviours.map((one) => one.key));
  const letters = [...name.toLowerCase()].filter((letter) => /^[a-z0-9]$/.test(letter));
  return letters.find((letter) => !taken.has(letter) && !usesOf(letter).length) ?? "";
}
