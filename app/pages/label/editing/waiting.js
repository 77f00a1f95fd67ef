// Edits that the server has not answered for yet, kept in this browser too: a page that is closed, or an app that is
// gone, loses none of them. An edit has an id and is done once, however often it is sent.

export const MAX_WAITING = 500; // beyond so many nothing more is taken: the app is gone for long
const PREFIX = "vidmem-label-waiting:";
const CAUTIOUS_BYTES = 1_000_000;

const letters = () => Math.random().toString(36).slice(2, 12);
const mine = letters(); // of this page: two pages keep theirs apart

export const newId = () => `${Date.now().toString(36)}-${letters()}`;

// Writes down what waits, for a project.
export function keepWaiting(project, edits) {
  const name = `${PREFIX}${project}:${mine}`;
  try {
    const text = JSON.stringify(edits);
    if (!edits.length) localStorage.removeItem(name);
    else if (text.length < CAUTIOUS_BYTES) localStorage.setItem(name, text);
  } catch {
    // storage is full or switched off: they are in memory still
  }
}

// What earlier pages of this browser left waiting, the oldest first. A page that is open still sends its own too, which
// does no harm.
export function takeOver(project) {
  const found = [];
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`${PREFIX}${project}:`));
    for (const name of names.filter((one) => !one.endsWith(`:${mine}`))) {
      found.push(...JSON.parse(localStorage.getItem(name)));
      localStorage.removeItem(name);
    }
  } catch {
    // nothing to read there, or nothing of ours
  }
  const isWhole = (one) => one && typeof one.id === "string" && typeof one.video === "string";
  return found.filter(isWhole).sort((one, other) => (one.id < other.id ? -1 : 1));
}
