// When the frames of a video are shown, on the time line of predictions: fetched in blocks as they are needed.

import { fetchReady, queryOf } from "../ask.js";

const BLOCK = 120; // seconds asked for at a time
const MAX_SPANS = 60; // kept: two hours at usual rates
const NEAR = 0.0005; // seconds: a frame this close to a time is the frame of that time

// Of a record. `frameAt(seconds)` is the frame on display, `{ start, end, previous, next }` (null: there is none), or
// null where its block is not here yet; `need(seconds)` fetches that. Without times, they are worked out from the rate.
export function makeFrameTimes(record) {
  const spans = []; // { from, to, times, before, after, end }, the one used last at the end
  const underWay = new Map(); // block -> promise
  let failure = null;
  let offset = null; // the container's time of the first frame
  let end = null;

  function find(seconds) {
    const place = spans.findLastIndex((one) => one.from <= seconds && (seconds < one.to || one.end !== null));
    if (place < 0) return null;
    const [span] = spans.splice(place, 1);
    spans.push(span);
    return span;
  }
  function frameAt(seconds) {
    const time = Math.max(0, seconds) + NEAR;
    if (failure) return byRate(time);
    const span = find(time);
    if (!span) return null;
    const { times, before, after } = span;
    let index = lastUpTo(times, time);
    if (index < 0 && before === null) index = 0; // before the first frame that is there: it stands for that
    if (!times.length) {
      const start = before ?? 0;
      return { start, end: after ?? span.end ?? start, previous: null, next: after, isAtEdge: before !== null };
    }
    const start = index < 0 ? before : times[index];
    const next = times[index + 1] ?? after;
    const previous = index < 0 ? null : (times[index - 1] ?? before);
    return { start, end: next ?? span.end, previous, next, isAtEdge: index < 0 };
  }
  function byRate(time) {
    const step = 1 / (record.fps || 25);
    const last = Math.max(0, Math.ceil((record.duration_seconds ?? Number.POSITIVE_INFINITY) / step - 1e-6) - 1);
    const index = Math.min(last, Math.floor(time / step));
    return {
      start: index * step,
      end: (index + 1) * step,
      previous: index ? (index - 1) * step : null,
      next: index < last ? (index + 1) * step : null,
    };
  }
  async function need(seconds) {
    let frame = frameAt(seconds);
    while (frame === null || frame.isAtEdge) {
      // A frame on display since before the block: the one before that is in the block before.
      const place = frame ? Math.max(0, frame.start) : Math.max(0, seconds) + NEAR;
      if (frame && find(place + NEAR)) return frameAt(place);
      await fetchBlock(place + (frame ? NEAR : 0));
      frame = frameAt(frame ? place : seconds);
    }
    return frame;
  }
  // From the start of the block, or from where an answer that was cut ended.
  async function fetchBlock(seconds) {
    const begin = Math.floor(seconds / BLOCK) * BLOCK;
    const reached = spans.filter((one) => one.from >= begin && one.to <= seconds && one.from < begin + BLOCK);
    const from = Math.max(begin, ...reached.map((one) => one.to));
    if (!underWay.has(from)) underWay.set(from, fetchSpan(from, begin + BLOCK));
    await underWay.get(from);
    underWay.delete(from);
  }
  async function fetchSpan(from, to) {
    const answer = await fetchReady(`media/${record.id}/times?${queryOf({ from, to })}`);
    if (answer.error) {
      failure = answer.error;
      return;
    }
    offset = answer.container_seconds;
    if (answer.end !== null) end = answer.end;
    spans.push(answer);
    if (spans.length > MAX_SPANS) spans.shift();
  }
  return {
    frameAt,
    need,
    get containerSeconds() {
      return offset;
    },
    get endSeconds() {
      return end;
    },
    get failure() {
      return failure;
    },
  };
}

// The place of the last time up to one; -1: there is none.
function lastUpTo(times, time) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
