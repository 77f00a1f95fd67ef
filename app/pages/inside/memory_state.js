// What the Memory page shows, for its player, its strip and its figures.

import * as bus from "../shared/bus.js";
import * as format from "../shared/format.js";
import { fill } from "../shared/words.js";

export const state = {
  view: null, // the answer on view
  pickedClip: null, // number of a clip; null: the strongest
};

export const clipOf = (index) => state.view.clips.find((clip) => clip.index === index);
export const clockOf = (seconds) =>
  format.clock(seconds, { hasTenths: (bus.last.source?.duration_seconds ?? 0) < 600 });
export const ago = (clip) =>
  clip.age_seconds === null ? fill("mem_clips_ago", { count: clip.age_clips }) : format.age(clip.age_seconds);

// A map `[times][rows][columns]` summed over its times, and the largest number in a list of maps.
export const summed = (map) =>
  map[0].map((row, y) => row.map((_, x) => map.reduce((sum, time) => sum + time[y][x], 0)));
export const largest = (maps) => Math.max(...maps.flat(2));

export function fitCanvas(canvas, image) {
  const height = Math.round((canvas.width * image.naturalHeight) / image.naturalWidth);
  if (height && canvas.height !== height) canvas.height = height;
}
