// The clip that was picked, played with its map over it, beside the most looked-at other one.

import * as bus from "../shared/bus.js";
import { clipFrames } from "../shared/clip_frames.js";
import { calm, PAUSE, PLAY } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { paintMap } from "../shared/maps.js";
import { fill, words } from "../shared/words.js";
import { ago, clipOf, clockOf, fitCanvas, largest, state, summed } from "./memory_state.js";

const MAX_FRAMES = 16;

// Left: what was picked, or the strongest. Right: the strongest of the others.
function placed() {
  const first = clipOf(state.pickedClip) ?? clipOf(state.view.strongest[0]);
  return [first, clipOf(state.view.strongest.find((index) => index !== first?.index))];
}

// `pickedChanged()`: another clip was picked, or none.
export function makeClipPlayer(element, pickedChanged) {
  const find = (selector) => element.querySelector(selector);
  const pair = [...element.querySelectorAll(".vm-mem-pair button")];
  const player = find(".vm-mem-player");
  const reel = { frames: [], at: 0, timer: 0, clip: null }; // of the clip at the left, once its frames were asked for
  let isPlaying = false;

  async function drawStill(canvas, clip) {
    const wanted = `${clip.index}`;
    canvas.vmWanted = wanted;
    const [frame] = await clipFrames(clip.start_seconds, clip.end_seconds, 1);
    const image = frame?.image ?? null;
    if (canvas.vmWanted !== wanted || !state.view || !clipOf(clip.index)) return;
    if (image) fitCanvas(canvas, image);
    paintMap(canvas, image, summed(clipOf(clip.index).map), { box: state.view.drawn_box, max: state.view.brightest });
  }
  function drawFrame(clip) {
    const canvas = pair[0].firstElementChild;
    const { image } = reel.frames[reel.at];
    const times = clip.map.length;
    canvas.vmWanted = "";
    fitCanvas(canvas, image);
    const time = Math.floor((reel.at * times) / reel.frames.length);
    paintMap(canvas, image, clip.map[time], { box: state.view.drawn_box, max: largest(clip.map) });
  }

  function drawPair() {
    const clips = placed();
    pair.forEach((button, place) => {
      const clip = clips[place];
      button.hidden = !clip;
      if (!clip) return;
      sayClip(button, clip, place);
      if (place === 1 || reel.clip !== clip.index || !reel.frames.length) drawStill(button.firstElementChild, clip);
      else drawFrame(clip);
    });
    drawPlayer(clips[0]);
  }
  function sayClip(button, clip, place) {
    const rank = state.view.strongest.indexOf(clip.index);
    const key = rank === 0 ? "mem_most" : rank === 1 ? "mem_second" : "mem_rank";
    const order = fill(key, { rank: rank + 1 });
    const strong = Object.assign(document.createElement("b"), { textContent: ago(clip) });
    button.dataset.index = clip.index;
    button.classList.toggle("vm-picked", clip.index === state.pickedClip);
    button.lastElementChild.replaceChildren(
      `${order}: `,
      strong,
      ` (${clockOf(clip.start_seconds)}), ${format.percent(clip.share)}`,
    );
    const hint = place === 0 && isPlaying ? words.mem_pause : words.mem_play;
    button.setAttribute("aria-label", `${button.lastElementChild.textContent}. ${hint}`);
    button.title = hint;
  }
  function drawPlayer(clip) {
    player.hidden = !clip;
    if (!clip) return;
    const toggle = player.querySelector("[data-clip=toggle]");
    const { frames, at } = reel;
    toggle.querySelector("path").setAttribute("d", isPlaying ? PAUSE : PLAY);
    toggle.lastElementChild.textContent = words[isPlaying ? "mem_pause" : "mem_play"];
    player.querySelector("[data-clip=close]").hidden = state.pickedClip === null;
    const isOwn = reel.clip === clip.index && frames.length > 0;
    player.dataset.frame = isOwn ? at : "";
    player.querySelector(".vm-mem-frame").textContent = isOwn
      ? fill("mem_frame", {
          at: at + 1,
          count: frames.length,
          time: format.clock(frames[at].seconds, { hasTenths: true }),
        })
      : `${clockOf(clip.start_seconds)} – ${clockOf(clip.end_seconds)}`;
    const most = isOwn ? largest(clip.map) : state.view.brightest;
    find(".vm-mem-brightest").textContent = fill(isOwn ? "mem_scale_time" : "mem_scale", {
      share: format.percent(most),
    });
  }

  // The frames of the clip at the left; they are asked for when it is played or stepped through.
  async function loadReel() {
    const [clip] = placed();
    if (!clip) return false;
    if (reel.clip === clip.index && reel.frames.length) return true;
    Object.assign(reel, { clip: clip.index, frames: [], at: 0 });
    const count = Math.min(MAX_FRAMES, bus.last.settings?.values.clip_frames ?? MAX_FRAMES);
    const frames = await clipFrames(clip.start_seconds, clip.end_seconds, count);
    if (reel.clip !== clip.index || !frames.length) return false;
    reel.frames = frames;
    return true;
  }
  async function play() {
    const { index } = placed()[0];
    isPlaying = true;
    drawPair();
    const isLoaded = await loadReel();
    if (!isPlaying || !state.view || placed()[0]?.index !== index) return; // another was picked meanwhile
    if (!isLoaded) {
      stop();
      return;
    }
    clearInterval(reel.timer);
    const clip = clipOf(index);
    const pace = (1000 * (clip.end_seconds - clip.start_seconds)) / reel.frames.length;
    reel.timer = setInterval(() => step(1), Math.max(80, Math.min(500, pace)));
    drawPair();
  }
  function stop() {
    isPlaying = false;
    clearInterval(reel.timer);
    if (state.view?.clips.length) drawPair();
  }
  function step(by) {
    const clip = state.view && clipOf(reel.clip);
    if (!clip || !reel.frames.length) return;
    reel.at = (reel.at + by + reel.frames.length) % reel.frames.length;
    drawFrame(clip);
    drawPlayer(clip);
  }

  // A clip is picked: it plays, and the timeline goes to its time. null: none, the strongest is shown again.
  function pick(index) {
    stop();
    state.pickedClip = index;
    Object.assign(reel, { clip: null, frames: [], at: 0 });
    markPicked();
    drawPair();
    pickedChanged();
    if (index === null) return;
    if (calm.matches) loadReel().then(drawPair);
    else play();
  }
  // Of the clips that are there now: one that was evicted cannot stay picked.
  function keepPicked() {
    if (state.pickedClip !== null && !clipOf(state.pickedClip)) pick(null);
    else if (reel.clip !== null && reel.clip !== placed()[0]?.index) {
      Object.assign(reel, { clip: null, frames: [], at: 0 });
      stop();
    }
  }

  for (const button of pair) {
    button.addEventListener("click", () => {
      const index = Number(button.dataset.index);
      if (index !== state.pickedClip) pick(index);
      else if (isPlaying) stop();
      else play();
    });
  }
  const byHand = {
    toggle: () => (isPlaying ? stop() : state.pickedClip === null ? pickAndPlay() : play()),
    back: () => stepByHand(-1),
    on: () => stepByHand(1),
    close: () => {
      pick(null);
      player.querySelector("[data-clip=toggle]").focus();
    },
  };
  function pickAndPlay() {
    pick(placed()[0].index);
    if (calm.matches) play(); // a hand wants it to move
  }
  async function stepByHand(by) {
    stop();
    if (state.pickedClip === null) {
      state.pickedClip = placed()[0].index;
      markPicked();
      pickedChanged();
    }
    if (await loadReel()) step(by);
  }
  function markPicked() {
    const clip = state.pickedClip === null ? null : clipOf(state.pickedClip);
    bus.emit("mark", clip && { start: clip.start_seconds, end: clip.end_seconds });
  }
  player.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-clip]");
    if (pressed) byHand[pressed.dataset.clip]();
  });

  return {
    draw: drawPair,
    pick,
    keepPicked,
    stop,
    // Of the clip at the left, as it is seen.
    canvas: pair[0].firstElementChild,
    forget() {
      stop();
      Object.assign(reel, { clip: null, frames: [], at: 0 });
    },
    pauseIfPlaying() {
      if (isPlaying) stop();
    },
  };
}
