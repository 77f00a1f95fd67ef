// Frames of the video between two times, as pictures.

import { fetchReady, queryOf } from "./ask.js";
import * as bus from "./bus.js";

const MAX_KEPT = 240; // requests whose frames are kept

const kept = new Map(); // request -> promise of its frames, the longest unused first

// Evenly spread: [{ seconds, image }]; none where the video cannot be read there.
export function clipFrames(start, end, count) {
  const key = [bus.last.source?.key, start, end, count].join();
  const frames = kept.get(key) ?? load(start, end, count, key);
  kept.delete(key);
  kept.set(key, frames);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value);
  return frames;
}

async function load(start, end, count, key) {
  const answer = await fetchReady(`inside/frames?${queryOf({ run: bus.run, start, end, count })}`);
  if (!answer.frames) kept.delete(key); // it may be there another time
  return Promise.all((answer.frames ?? []).map(withImage));
}
async function withImage({ seconds, jpeg }) {
  return { seconds, image: await decoded(jpeg) };
}

// An image of a JPEG in base 64; it can be drawn at once, unless it is broken.
export async function decoded(jpeg) {
  const image = new Image();
  image.src = `data:image/jpeg;base64,${jpeg}`;
  try {
    await image.decode();
  } catch {
    // it is drawn when it has loaded, or not at all
  }
  return image;
}
