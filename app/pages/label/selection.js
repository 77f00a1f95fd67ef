// The bout that is chosen: keys and buttons are about it. It may be a person's or a model's.

import { keyOf } from "./editing/edits.js";

export function makeSelection(store, model) {
  const listeners = [];
  const selection = {
    bout: null,
    isModel: false,
    on: (listener) => listeners.push(listener),
    set(bout, isModel = false) {
      if (bout === selection.bout) return;
      Object.assign(selection, { bout, isModel: Boolean(bout) && isModel });
      for (const listener of listeners) listener();
    },
    is: (bout, isModel = false) =>
      Boolean(selection.bout) && selection.isModel === isModel && isSame(bout, selection.bout),
    // Of a person, to be edited; null: none, or a model's.
    get own() {
      return selection.isModel ? null : selection.bout;
    },
  };
  const isSame = (one, other) => one === other || (one.start === other.start && keyOf(one) === keyOf(other));

  // What was chosen may have another edge now, or be gone.
  function follow() {
    const { bout, isModel } = selection;
    if (!bout) return;
    const list = isModel ? model.bouts : store.bouts;
    const alike = list.filter((one) => one.behaviour === bout.behaviour && one.subject === bout.subject);
    const found =
      alike.find((one) => isSame(one, bout)) ??
      alike.find((one) => one.start === bout.start) ??
      alike.find((one) => one.end === bout.end);
    selection.set(found ?? null, isModel);
  }
  store.on("changed", follow);
  store.on("loaded", () => selection.set(null));
  model.on(follow);
  return selection;
}
