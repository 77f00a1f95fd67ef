// What the timeline draws: a range of at most 1,500 buckets from the server, and the points that came after it.

// Both kinds as { start, end, column, values, isFinal }, in order of time; a newer point hides the buckets under it.
export function visibleItems(range, tail) {
  const items = [];
  let at = 0;
  const points = [...tail].sort((a, b) => a[1] - b[1]);
  const count = range ? range.start.length : 0;
  const provisional = new Set(range?.provisional);
  for (let i = 0; i < count; i++) {
    const start = range.start[i];
    const end = range.end[i];
    while (at < points.length && points[at][2] <= start + 1e-6) at += 1;
    if (at < points.length && points[at][1] < end - 1e-6) continue;
    items.push({ start, end, column: range.column[i], values: range.values[i], isFinal: !provisional.has(i) });
  }
  for (const [, start, end, column, values, isFinal] of points)
    items.push({ start, end, column, values, isFinal: Boolean(isFinal) });
  return items.sort((a, b) => a.start - b.start);
}

// The most probable of some rows: of one axis of the model.
const bestOf = (item, rows) => rows.reduce((best, row) => (item.values[row] > item.values[best] ? row : best));

// The row of an item on each axis, the first one first.
export const columnsOf = (item, axes) => [item.column, ...axes.slice(1).map((rows) => bestOf(item, rows))];

// The bands of the first axis, then those of each other one, which are none where the timeline is one lane.
export function bandsOfAll(items, axes) {
  const others = axes.slice(1).flatMap((rows) => bandsOf(items, (item) => bestOf(item, rows)));
  return [...bandsOf(items, (item) => item.column), ...others.map((band) => ({ ...band, isOther: true }))];
}

// Neighbours with one label become one band; what is provisional is a band of its own.
function bandsOf(items, columnOf) {
  const bands = [];
  for (const item of items) {
    const newest = bands.at(-1);
    const column = columnOf(item);
    const reach = Math.max(0.05, (item.end - item.start) * 0.51);
    const goesOn =
      newest && newest.column === column && newest.isFinal === item.isFinal && item.start - newest.end <= reach;
    if (goesOn) newest.end = Math.max(newest.end, item.end);
    else bands.push({ start: item.start, end: item.end, column, isFinal: item.isFinal });
  }
  return bands;
}

// Where nothing was judged: not yet, jumped over, or left out by a wide stride. [from, to] in seconds.
export function unjudgedSpans(items, range, duration) {
  const spans = [];
  let reached = range?.from ?? 0;
  for (const { start, end } of items) {
    if (start - reached > (end - start) * 0.1) spans.push([reached, start]);
    reached = Math.max(reached, end);
  }
  if (duration > reached) spans.push([reached, duration]);
  return spans;
}

export function itemAt(items, seconds) {
  let low = 0;
  let high = items.length - 1;
  let result = null;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (items[middle].start <= seconds) {
      result = items[middle];
      low = middle + 1;
    } else high = middle - 1;
  }
  return result && seconds <= result.end + 1e-6 ? result : null;
}
