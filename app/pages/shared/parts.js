// Starts the parts of the page, each when a page that has it is first on view: until then its scripts are not even fetched.
// Scripts arrive in any order: nothing is asked of the server before all parts listen that are there from the beginning.

import { pause } from "./ask.js";
import { partPages } from "./words.js";

const LATE = 20000; // milliseconds after which nobody waits for a part any more

const missing = new Set(Object.keys(partPages).filter((name) => !partPages[name].length));
const shown = new Set(); // pages that were on view
const waiting = []; // { name, go } of parts that wait to be on view
let allStarted;
const all = new Promise((done) => {
  allStarted = done;
});
export const started = Promise.race([all, pause(LATE)]);

// A page is on view.
export function showPage(page) {
  shown.add(page);
  for (const { name, go } of waiting) if (isDue(name)) go();
}
function isDue(name) {
  return !partPages[name].length || partPages[name].some((page) => shown.has(page));
}

// A part that cannot start is missed alone: the others go on, and the browser's console says why.
export async function start(name, element, ...more) {
  element.inert = true; // what is pressed before it listens would be lost
  if (!isDue(name)) await new Promise((go) => waiting.push({ name, go }));
  try {
    const part = await import(`../${name}.js`);
    part.start(element, ...more);
    element.inert = false;
  } finally {
    missing.delete(name);
    if (!missing.size) allStarted();
  }
}
