// What the Results page shows: whose labels, of which video, and how bouts are made of a run's predictions.

import { queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { theme } from "../shared/dom.js";
import { keepFresh } from "../shared/keep_fresh.js";

export const VIEW = "results";
export const RAW = { threshold: "", fill_gap: "", join: "", min_bout: "" };

export const shown = { video: "", of: "labels", post: { ...RAW } };
let isChosen = false; // whether anybody knows yet whose labels there are

// A card asks anew whenever something else is shown; before anybody knows what, there is nothing to ask for.
export function keepShown(load) {
  const loadChosen = async () => {
    if (isChosen) await load();
  };
  keepFresh({ view: VIEW, load: loadChosen, anew: ["results_shown"] });
}

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
