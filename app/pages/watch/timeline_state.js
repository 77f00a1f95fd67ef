// What the timeline knows, for those who draw it and those who move it.

import { view } from "./timeline_view.js";

export const state = {
  items: [],
  bands: [],
  classes: [],
  axes: [], // the rows of each axis, of a model of several
  memory: null, // [from, to] in seconds: what the model holds
  gaps: [], // [from, to, why]
  unjudged: [], // [from, to]
  duration: 0,
  analysed: 0,
  playhead: null,
  looking: null,
  marked: null,
  hover: null,
  focusColumn: -1,
  width: 0, // pixels
  height: 0,
  gutter: 118,
};

// Of a live video nobody knows the end.
export const reach = () => state.duration || Math.max(state.analysed, 60);

const perSecond = () => (state.width - state.gutter - 1) / (view.to - view.from);
export const x = (seconds) => state.gutter + (seconds - view.from) * perSecond();
export const timeAt = (pixel) => view.from + (pixel - state.gutter) / perSecond();
