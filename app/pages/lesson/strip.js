// The examples on the time of the source: all of a video, or of a camera what was shown so far.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill } from "../shared/words.js";

const LEAST = 60; // seconds that the strip of a camera is long

// `held`: { number, start } of what is being shown, or null.
export function drawStrip(strip, { behaviours, examples }, { until, held, now }) {
  const first = until ? 0 : (examples[0]?.[1] ?? held?.start ?? now);
  const last = until || Math.max(first + LEAST, now);
  const x = (seconds) => `${((100 * (seconds - first)) / (last - first)).toFixed(3)}%`;
  const shown = held ? [...examples, [held.number, held.start, Math.max(held.start, now)]] : examples;
  strip.replaceChildren(
    ...shown.map(([number, start, end]) => {
      const piece = make("i");
      piece.style.left = x(start);
      piece.style.width = `${((100 * (end - start)) / (last - first)).toFixed(3)}%`;
      piece.style.background = behaviours[number].colour;
      return piece;
    }),
    ...(now >= first && now <= last ? [playhead(x(now))] : []),
  );
  const key = examples.length === 1 ? "lesson_strip_one" : "lesson_strip";
  strip.ariaLabel = fill(key, { count: examples.length, seconds: format.span(Math.round(last - first)) });
}
function playhead(left) {
  const mark = make("b");
  mark.style.left = left;
  return mark;
}
