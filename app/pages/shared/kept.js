// Small texts that a browser keeps for the next visit. Where its storage is full or switched off, nothing is kept.

// The text of a name; null: there is none.
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
export function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // it holds until the page is closed
  }
}

// Who edits, as it was typed on Label; empty: nobody in particular.
export const AUTHOR = "vidmem-label-author";
export const authorOf = () => kept(AUTHOR) ?? "";

// The value that was kept as JSON; null: there is none.
export function keptValue(name) {
  try {
    return JSON.parse(kept(name));
  } catch {
    return null;
  }
}
