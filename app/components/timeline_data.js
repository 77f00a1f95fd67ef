// What the timeline draws: a range of at most 1,500 buckets from the server, and the points that came after it.
// Runs inside the timeline's part, before timeline.js.
const vm = window.vidmem;
const BUCKETS = 1500;

// Both kinds as { start, end, column, values, isFinal }, in order of time; a newer point hides the buckets under it.
function visibleItems(range, tail) {
  const items = [];
  let at = 0;
  tail = [...tail].sort((a, b) => a[1] - b[1]);
  const count = range ? range.start.length : 0;
  const provisional = new Set(range?.provisional);
  for (let i = 0; i < count; i++) {
    const start = range.start[i], end = range.end[i];
    while (at < tail.length && tail[at][2] <= start + 1e-6) at += 1;
    if (at < tail.length && tail[at][1] < end - 1e-6) continue;
    items.push({ start, end, column: range.column[i], values: range.values[i], isFinal: !provisional.has(i) });
  }
  for (const [, start, end, column, values, isFinal] of tail) items.push({ start, end, column, values, isFinal: Boolean(isFinal) });
  return items.sort((a, b) => a.start - b.start);
}

// Neighbours with one label become one band; what is provisional is a band of its own.
function bandsOf(items) {
  const bands = [];
  for (const item of items) {
    const newest = bands.at(-1);
    const reach = Math.max(0.05, (item.end - item.start) * 0.51);
    const goesOn = newest && newest.column === item.column && newest.isFinal === item.isFinal && item.start - newest.end <= reach;
    if (goesOn) newest.end = Math.max(newest.end, item.end);
    else bands.push({ start: item.start, end: item.end, column: item.column, isFinal: item.isFinal });
  }
  return bands;
}

function itemAt(items, seconds) {
  let low = 0, high = items.length - 1, found = null;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (items[middle].start <= seconds) { found = items[middle]; low = middle + 1; } else high = middle - 1;
  }
  return found && seconds <= found.end + 1e-6 ? found : null;
}

// The part of the video on view: "fit" grows by steps with what is analysed, "follow" slides, "free" stays put.
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const view = { mode: "fit", from: 0, to: 60 };

function fitView(analysed, duration) {
  const step = STEPS.find((seconds) => seconds > analysed * 1.02) ?? Infinity;
  view.from = 0;
  view.to = Math.max(1, duration ? Math.min(duration, step) : step);
}
function followView(seconds) {
  const width = view.to - view.from;
  view.to = Math.max(width, seconds + width * 0.06);
  view.from = view.to - width;
}
function zoomView(factor, around, duration) {
  const most = Math.max(duration || 60, 1);
  const width = Math.min(most, Math.max(2, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  view.from = around - width * share;
  view.to = view.from + width;
  keepInside(most);
}
function keepInside(most) {
  const width = view.to - view.from;
  view.from = Math.max(0, Math.min(view.from, most - width));
  view.to = view.from + width;
}

// A span outside the view, or too narrow in it to be seen, is brought to its middle; whether that was needed.
const WIDE_ENOUGH = 12; // pixels
function bringIntoView({ start, end }, pixels, duration) {
  const seconds = Math.max(end - start, 0.1), isInside = start >= view.from && end <= view.to;
  const width = Math.min(view.to - view.from, (seconds * pixels) / WIDE_ENOUGH);
  if (isInside && width === view.to - view.from) return false;
  Object.assign(view, { mode: "free", from: (start + end - width) / 2, to: (start + end + width) / 2 });
  keepInside(Math.max(duration, width));
  return true;
}

// The server is asked for a range a little wider than the view, so that panning has something to show.
let askTimer = 0, asked = null;
function askRange(delay = 140) {
  clearTimeout(askTimer);
  askTimer = setTimeout(() => {
    const margin = (view.to - view.from) / 4;
    asked = { from: Math.max(0, view.from - margin), to: view.to + margin };
    vm.act("view", { ...asked, buckets: BUCKETS });
  }, delay);
}
function rangeIsEnough() {
  if (!asked) return false;
  const wide = asked.to - asked.from, width = view.to - view.from;
  return asked.from <= view.from && asked.to >= view.to && wide < width * 3;
}
