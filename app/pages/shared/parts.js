// Starts the parts of the page. Scripts arrive in any order: nothing is asked of the server before all parts listen.

import { pause } from "./ask.js";
import { partNames } from "./words.js";

const LATE = 20000; // milliseconds after which nobody waits for a part any more

const missing = new Set(partNames);
let allStarted;
const all = new Promise((done) => {
  allStarted = done;
});
export const started = Promise.race([all, pause(LATE)]);

// A part that cannot start is missed alone: the others go on, and the browser's console says why.
export async function start(name, element, ...more) {
  try {
    const part = await import(`../${name}.js`);
    part.start(element, ...more);
  } finally {
    missing.delete(name);
    if (!missing.size) allStarted();
  }
}
