// Colours by their names in base.css: behaviours have one each, and light and dark differ.

const NUM_COLOURS = 12;
const cssValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// For CSS; -1 is no behaviour.
export function behaviourColour(index) {
  return index < 0 ? "var(--dim)" : `var(--c${index % NUM_COLOURS})`;
}

// For a canvas, which knows no variables of CSS.
export function paint(index) {
  return cssValue(`--c${index % NUM_COLOURS}`);
}
export function token(name) {
  return cssValue(`--${name}`);
}
