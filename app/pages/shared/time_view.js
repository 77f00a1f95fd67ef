// The part of a time line that is on view, { from, to } in seconds: zoomed and moved; and the steps of its axis.

// Around a time, which stays where it is; never narrower than `least` nor wider than `most`.
export function zoomAround(view, factor, around, { least, most }) {
  const width = Math.min(most, Math.max(least, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  view.from = around - width * share;
  view.to = view.from + width;
  keepInside(view, most);
}

export function keepInside(view, most) {
  const width = view.to - view.from;
  view.from = Math.max(0, Math.min(view.from, most - width));
  view.to = view.from + width;
}

const STEPS = [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];

// Seconds from one tick to the next, of which so many have room; never less than `least`.
export function tickStep({ from, to }, room, least = 0.5) {
  return STEPS.find((seconds) => seconds >= least && (to - from) / seconds <= room) ?? 43200;
}
