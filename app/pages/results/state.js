// What the Results page shows: whose labels, of which video, and how bouts are made of a run's predictions.

import { queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { theme } from "../shared/dom.js";

export const VIEW = "results";
export const RAW = { threshold: "", fill_gap: "", join: "", min_bout: "" };

export const shown = { video: "", of: "labels", post: { ...RAW } };
let isChosen = false; // whether anybody knows yet whose labels there are

// A card that asks before that asks again at once: `load` when there is something to ask for.
export const onceChosen = (load) => async () => {
  if (isChosen) await load();
};

// Tells all cards that what is shown is another, or new.
export function change(values = {}) {
  Object.assign(shown, values);
  isChosen = true;
  bus.emit("results_shown", shown);
}

// The fields of a request for what is shown; null leaves one out.
export function queryOfShown(more = {}) {
  return queryOf({ run: bus.run, video: shown.video, of: shown.of, ...shown.post, theme: theme(), ...more });
}

// By name: colour, kind and axis, as answers have them.
export const factsOf = (behaviours) =>
  Object.fromEntries(behaviours.map(([name, colour, kind, axis]) => [name, { colour, kind, axis }]));
