// The part of the video on the timeline: "fit" is all of it, "grow" grows by steps with what is analysed, "follow"
// slides, "free" stays put.

import * as bus from "../shared/bus.js";
import * as timeView from "../shared/time_view.js";

const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
export const view = { mode: "fit", from: 0, to: 60 };

// Of a live video nobody knows the end: it grows in both modes.
export function fitView(analysed, duration) {
  const step = STEPS.find((seconds) => seconds > analysed * 1.02) ?? Infinity;
  view.from = 0;
  if (!duration) view.to = step;
  else view.to = Math.max(1, view.mode === "grow" ? Math.min(duration, step) : duration);
}
export function followView(seconds) {
  const width = view.to - view.from;
  view.to = Math.max(width, seconds + width * 0.06);
  view.from = view.to - width;
}
export function zoomView(factor, around, duration) {
  timeView.zoomAround(view, factor, around, { least: 2, most: Math.max(duration || 60, 1) });
}
export function keepInside(most) {
  timeView.keepInside(view, most);
}

// A span outside the view, or too narrow in it to be seen, is brought to its middle; whether that was needed.
const WIDE_ENOUGH = 12; // pixels
export function bringIntoView({ start, end }, pixels, duration) {
  const seconds = Math.max(end - start, 0.1);
  const isInside = start >= view.from && end <= view.to;
  const width = Math.min(view.to - view.from, (seconds * pixels) / WIDE_ENOUGH);
  if (isInside && width === view.to - view.from) return false;
  Object.assign(view, { mode: "free", from: (start + end - width) / 2, to: (start + end + width) / 2 });
  keepInside(Math.max(duration, width));
  return true;
}

// The server is asked for a range a little wider than the view, so that panning has something to show.
const BUCKETS = 1500;
let askTimer = 0;
let requested = null;
export function askRange(delay = 140) {
  clearTimeout(askTimer);
  askTimer = setTimeout(() => {
    const margin = (view.to - view.from) / 4;
    requested = { from: Math.max(0, view.from - margin), to: view.to + margin };
    bus.act("view", { ...requested, buckets: BUCKETS });
  }, delay);
}
export function rangeIsEnough() {
  if (!requested) return false;
  const wide = requested.to - requested.from;
  const width = view.to - view.from;
  return requested.from <= view.from && requested.to >= view.to && wide < width * 3;
}
