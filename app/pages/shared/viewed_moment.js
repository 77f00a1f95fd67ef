// The moment that the Memory and the Heads page look at: the newest, or one picked on the timeline.

import { ask, queryOf } from "./ask.js";
import * as bus from "./bus.js";
import { theme } from "./dom.js";
import { keepFresh } from "./keep_fresh.js";

export const NEWEST = "newest";
const PACE = 500; // milliseconds between two looks at the newest moment

// NEWEST, or seconds. Everybody hears of it by "inside_at".
export let at = NEWEST;

export function setAt(value) {
  bus.act("look", value === NEWEST ? null : { seconds: value });
  change(value);
}
function change(value) {
  if (value === at) return;
  at = value;
  bus.emit("inside_at", at);
}
bus.on("look", (value) => change(value?.seconds ?? NEWEST));

// By its time a moment is found again, also when the stream has moved on.
export function middle({ start_seconds: start, end_seconds: end }) {
  return (start + end) / 2;
}

export function query(values = {}) {
  return queryOf({ run: bus.run, at, theme: theme(), ...values });
}

// The name that this document gives itself: whatever moment it asks for, it does not want the one before any more.
const asker = `page-${Math.random().toString(36).slice(2)}`;

// What a page shows of the moment; null if something newer was asked for meanwhile.
// While the server is on its way to a past moment, "inside_waiting" says how far it is.
export async function get(path, values = {}) {
  const request = query({ asker, ...values });
  const answer = await ask(path, () => `${path}?${request}`, {
    onWaiting: (waiting) => bus.emit("inside_waiting", waiting),
  });
  if (answer) bus.emit("inside_waiting", null);
  return answer;
}

// Calls `load` whenever what the page shows of the moment may be old.
export function keepMomentFresh(view, load) {
  return keepFresh({
    view,
    load,
    anew: ["inside_at", "epoch", "model"],
    moved: ["now"],
    pace: PACE,
    isFollowing: () => at === NEWEST,
  });
}
