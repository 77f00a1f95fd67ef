// What an edit makes of the labels of a video, drawn before the server has done it: the same operations as in
// `app/pages/label/edits.py` and `vidmem.labels`, on plain values. What the server answers always counts.

const TICKS = 1e6; // per second: times are kept to a microsecond
const INSTANT = 1.5e-6; // seconds: two times no further apart are one

export const NO_LABELS = { bouts: [], scored: [], notScored: [] };

// An edit that cannot be done; `why` is a key of the words.
export class Refusal extends Error {
  constructor(why, values = {}) {
    super(why);
    this.why = why;
    this.values = values;
  }
}

export const toGrid = (seconds) => Math.round(seconds * TICKS) / TICKS;
export const lasts = (start, end) => end - start >= INSTANT;
export const isPoint = (bout) => bout.start === bout.end;

// One text for each bout; two bouts of one text are the same.
export function keyOf({ behaviour, start, end, subject, author, comment, source, score }) {
  return JSON.stringify([start, end, subject, behaviour, source, author, comment, score ?? null]);
}
export function inOrder(one, other) {
  return (
    one.start - other.start ||
    one.end - other.end ||
    compared(one.subject, other.subject) ||
    compared(one.behaviour, other.behaviour)
  );
}
const compared = (one, other) => (one < other ? -1 : Number(one > other));

// The first place in a list sorted by `value` at which it is not below.
export function firstFrom(list, least, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(list[middle]) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
const startOf = (one) => one.start;

// Labels after an edit; throws a Refusal. `axes` is a Map from a behaviour to its axis.
export function applied(labels, edit, axes) {
  const step = STEPS[edit.do];
  if (!step) throw new Refusal("label_unknown_edit");
  return step(labels, edit, axes);
}

const STEPS = {
  begin(labels, { bout, ends = [] }, axes) {
    const rest = ends.reduce((before, one) => ended(before, one, bout.start, axes), labels);
    return add(rest, bout, axes);
  },
  end: (labels, { bout, at }, axes) => ended(labels, bout, at, axes),
  keep: (labels, { bouts, at }, axes) =>
    bouts.reduce((before, one) => replaced(before, one, { ...one, end: at }, axes), labels),
  add: (labels, { bout }, axes) => add(labels, bout, axes),
  change: (labels, { old, new: other }, axes) => replaced(labels, old, { ...other, source: "human" }, axes),
  reclassify: (labels, { old, behaviour }, axes) => replaced(labels, old, { ...old, behaviour, source: "human" }, axes),
  note: (labels, { old, comment }, axes) => replaced(labels, old, { ...old, comment }, axes),
  confirm: (labels, { bout, author }, axes) => confirmed(labels, { ...bout, author, source: "human" }, axes),
  split(labels, { bout, at }, axes) {
    if (!lasts(bout.start, at) || !lasts(at, bout.end)) throw new Refusal("label_split_where");
    const rest = remove(labels, [bout]);
    return add(add(rest, { ...bout, end: at }, axes), { ...bout, start: at }, axes);
  },
  join(labels, { first: one, second: other }, axes) {
    const [first, second] = [one, other].sort(inOrder);
    const rest = remove(labels, [first, second]);
    const score = first.score === second.score ? first.score : meanScore(first, second);
    const source = [first, second].some((bout) => bout.source === "human") ? "human" : "model";
    const comment = [...new Set([first.comment, second.comment].filter(Boolean))].join("\n");
    const author = first.author || second.author;
    const whole = { ...first, end: Math.max(first.end, second.end), score, source, comment, author };
    const busy = overlapping(rest, whole, axes);
    if (busy.length) throw new Refusal("label_join_between");
    return add(rest, whole, axes);
  },
  remove: (labels, { bouts }) => remove(labels, bouts),
  mark(labels, { what, start, end, subject, axis }, axes) {
    const wanted = axis ? [axis] : [...new Set(axes.values())];
    return wanted.reduce((before, one) => marked(before, what, { start, end, subject, axis: one }, axes), labels);
  },
};

// A prediction fills what a person left free.
function confirmed(labels, bout, axes) {
  if (isPoint(bout)) {
    if (labels.bouts.some((one) => isSamePoint(one, bout))) throw new Refusal("label_nothing_free");
    return add(labels, bout, axes);
  }
  const track = { subject: bout.subject, axis: axes.get(bout.behaviour) };
  const busy = [...overlapping(labels, bout, axes), ...labels.notScored.filter((one) => isOf(one, track))];
  const free = without(
    [[bout.start, bout.end]],
    busy.map(({ start, end }) => [start, end]),
  );
  if (!free.length) throw new Refusal("label_nothing_free");
  return free.reduce((before, [start, end]) => add(before, { ...bout, start, end }, axes), labels);
}
function meanScore(first, second) {
  if (first.score === null || second.score === null) return null;
  const [one, other] = [first.end - first.start, second.end - second.start];
  return (first.score * one + second.score * other) / (one + other);
}

function ended(labels, bout, at, axes) {
  return at <= bout.start ? remove(labels, [bout]) : replaced(labels, bout, { ...bout, end: at }, axes);
}
function replaced(labels, old, other, axes) {
  return add(remove(labels, [old]), other, axes);
}

export function remove(labels, bouts) {
  const gone = new Set(bouts.map(keyOf));
  const [from, to] = [Math.min(...bouts.map(startOf)), Math.max(...bouts.map(startOf))];
  // Only those that start there are compared by their text.
  const kept = labels.bouts.filter((one) => one.start < from || one.start > to || !gone.delete(keyOf(one)));
  if (gone.size) throw new Refusal("label_gone");
  return { ...labels, bouts: kept };
}

export function add(labels, bout, axes) {
  if (!axes.has(bout.behaviour)) throw new Refusal("label_no_behaviour", { behaviour: bout.behaviour });
  if (isPoint(bout)) {
    const others = labels.bouts.filter((one) => !isSamePoint(one, bout));
    return { ...labels, bouts: inserted(others, bout) };
  }
  const under = new Set(overlapping(labels, bout, axes));
  let bouts = labels.bouts;
  if (under.size) {
    bouts = bouts.filter((one) => !under.has(one));
    for (const one of under) {
      for (const [start, end] of without([[one.start, one.end]], [[bout.start, bout.end]]))
        bouts = inserted(bouts, { ...one, start, end });
    }
  }
  const track = { subject: bout.subject, axis: axes.get(bout.behaviour) };
  const notScored = spansWithout(labels.notScored, track, [bout.start, bout.end]);
  return { ...labels, bouts: inserted(bouts, bout), notScored };
}
const isSamePoint = (one, other) =>
  isPoint(one) &&
  one.behaviour === other.behaviour &&
  one.subject === other.subject &&
  Math.abs(one.start - other.start) < INSTANT;

// States of a bout's track that it overlaps.
function overlapping(labels, bout, axes) {
  const axis = axes.get(bout.behaviour);
  const found = [];
  for (const one of labels.bouts) {
    if (one.start >= bout.end) break;
    const isMeant = one.end > bout.start && one.subject === bout.subject && axes.get(one.behaviour) === axis;
    if (isMeant && !isPoint(one) && lasts(Math.max(one.start, bout.start), Math.min(one.end, bout.end)))
      found.push(one);
  }
  return found;
}
function inserted(bouts, bout) {
  const list = bouts.slice();
  let at = firstFrom(list, bout.start, startOf);
  while (at < list.length && inOrder(list[at], bout) < 0) at += 1;
  list.splice(at, 0, bout);
  return list;
}

function marked(labels, what, span, axes) {
  const interval = [span.start, span.end];
  const scored = spansWithout(labels.scored, span, interval);
  const notScored = spansWithout(labels.notScored, span, interval);
  if (what === "nothing") return { ...labels, scored, notScored };
  if (what === "scored") return { ...labels, scored: withSpan(scored, span), notScored };
  let bouts = labels.bouts;
  const isUnder = (one) =>
    !isPoint(one) &&
    one.subject === span.subject &&
    axes.get(one.behaviour) === span.axis &&
    lasts(Math.max(one.start, span.start), Math.min(one.end, span.end));
  for (const one of labels.bouts.filter(isUnder)) {
    bouts = bouts.filter((other) => other !== one);
    for (const [start, end] of without([[one.start, one.end]], [interval]))
      bouts = inserted(bouts, { ...one, start, end });
  }
  return { bouts, scored, notScored: withSpan(notScored, span) };
}

// Spans of marks: by subject and axis, in order and apart.
const isOf = (span, { subject, axis }) => span.subject === subject && span.axis === axis;
function spansWithout(spans, track, interval) {
  if (!spans.some((one) => isOf(one, track) && one.start < interval[1] && one.end > interval[0])) return spans;
  return spans.flatMap((one) =>
    isOf(one, track)
      ? without([[one.start, one.end]], [interval]).map(([start, end]) => ({ ...one, start, end }))
      : [one],
  );
}
function withSpan(spans, span) {
  const { subject, axis } = span;
  const mine = spans.filter((one) => isOf(one, span)).map((one) => [one.start, one.end]);
  const joined = united([...mine, [span.start, span.end]]).map(([start, end]) => ({ start, end, subject, axis }));
  return [...spans.filter((one) => !isOf(one, span)), ...joined];
}

// In order, those that touch or overlap made one.
export function united(intervals) {
  const joined = [];
  for (const [start, end] of intervals.toSorted((one, other) => one[0] - other[0])) {
    const last = joined.at(-1);
    if (last && start - last[1] < INSTANT) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}
// What of intervals, in order and apart, lies in no hole.
export function without(intervals, holes) {
  const rest = [];
  for (let [start, end] of intervals) {
    for (const [from, to] of united(holes)) {
      if (to <= start || from >= end) continue;
      if (lasts(start, from)) rest.push([start, from]);
      start = to;
    }
    if (lasts(start, end)) rest.push([start, end]);
  }
  return rest;
}

export const NO_EFFECT = JSON.stringify([[], []]);

// What differs between two states of the labels of a video: the same text for the same difference.
export function effectOf(before, after) {
  const [old, now] = [new Set(before.bouts), new Set(after.bouts)];
  const removed = new Set(before.bouts.filter((one) => !now.has(one)).map(keyOf));
  const added = new Set(after.bouts.filter((one) => !old.has(one)).map(keyOf));
  const [gone, come] = [[...removed].filter((one) => !added.has(one)), [...added].filter((one) => !removed.has(one))];
  return JSON.stringify([gone.sort(), come.sort()]);
}

// Labels with what a server says is new.
export function withChanges(labels, { removed, added, scored, not_scored: notScored }) {
  const gone = new Set(removed.map(keyOf));
  const starts = new Set(removed.map(startOf)); // only those that start there are compared by their text
  let bouts = labels.bouts;
  if (gone.size) bouts = bouts.filter((one) => !starts.has(one.start) || !gone.has(keyOf(one)));
  if (added.length > 20) bouts = [...bouts, ...added].sort(inOrder);
  else for (const one of added) bouts = inserted(bouts, one);
  return { bouts, scored: scored ?? labels.scored, notScored: notScored ?? labels.notScored };
}
