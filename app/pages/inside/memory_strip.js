// All remembered clips, small, in order of time or of share.

import { clipFrames } from "../shared/clip_frames.js";
import { token } from "../shared/colours.js";
import * as format from "../shared/format.js";
import { paintMap } from "../shared/maps.js";
import { fill } from "../shared/words.js";
import { ago, clipOf, clockOf, fitCanvas, state, summed } from "./memory_state.js";

export function makeClipStrip(element, pick) {
  const find = (selector) => element.querySelector(selector);
  const strip = find(".vm-mem-strip");
  const tiles = new Map(); // number of a clip -> its element
  let order = "time";

  function makeTile(index) {
    const tile = document.createElement("li");
    tile.innerHTML =
      '<button type="button"><canvas width="160" height="90"></canvas><u><i></i></u><b></b><small></small></button>';
    tile.firstElementChild.addEventListener("click", () => pick(index));
    return tile;
  }
  function drawStrip() {
    const numbers = order === "share" ? state.view.strongest : state.view.clips.map((clip) => clip.index);
    const held = new Set(numbers);
    const most = clipOf(state.view.strongest[0])?.share ?? 1;
    for (const index of tiles.keys()) if (!held.has(index)) tiles.delete(index);
    for (const index of numbers) if (!tiles.has(index)) tiles.set(index, makeTile(index));
    const wanted = numbers.map((index) => tiles.get(index));
    if (wanted.length !== strip.children.length || wanted.some((tile, at) => strip.children[at] !== tile))
      arrange(wanted);
    for (const clip of state.view.clips) drawTile(tiles.get(clip.index), clip, most);
  }
  function arrange(wanted) {
    const focused = document.activeElement?.closest?.(".vm-mem-strip li");
    const { scrollLeft } = strip;
    strip.replaceChildren(...wanted);
    strip.scrollLeft = scrollLeft;
    if (focused && strip.contains(focused)) focused.firstElementChild.focus({ preventScroll: true });
  }
  function drawTile(tile, clip, most) {
    const [canvas, bar, share, small] = tile.firstElementChild.children;
    bar.firstElementChild.style.height = `${most > 0 ? (100 * clip.share) / most : 0}%`;
    share.textContent = format.percent(clip.share);
    small.textContent = ago(clip);
    tile.classList.toggle("vm-picked", clip.index === state.pickedClip);
    tile.firstElementChild.setAttribute("aria-pressed", clip.index === state.pickedClip);
    const text = fill("mem_tile", {
      ago: ago(clip),
      time: clockOf(clip.start_seconds),
      share: format.percent(clip.share),
    });
    tile.firstElementChild.setAttribute("aria-label", text);
    tile.firstElementChild.title = text;
    paintTile(canvas, clip);
  }
  // A frame of each clip is asked for once, one tile after the other.
  let queue = Promise.resolve();
  function paintTile(canvas, { index, start_seconds: start, end_seconds: end }) {
    if (canvas.vmIsQueued) {
      paintNow(canvas, index);
      return;
    }
    canvas.vmIsQueued = true;
    queue = queue.then(async () => {
      if (tiles.get(index)?.contains(canvas)) canvas.vmImage = (await clipFrames(start, end, 1))[0]?.image;
      paintNow(canvas, index);
    });
  }
  function paintNow(canvas, index) {
    const clip = state.view && clipOf(index);
    if (!clip) return;
    if (canvas.vmImage) fitCanvas(canvas, canvas.vmImage);
    paintMap(canvas, canvas.vmImage, summed(clip.map), { box: state.view.drawn_box, max: state.view.brightest });
  }

  function markPicked() {
    for (const [index, tile] of tiles) {
      tile.classList.toggle("vm-picked", index === state.pickedClip);
      tile.firstElementChild.setAttribute("aria-pressed", index === state.pickedClip);
    }
    const tile = tiles.get(state.pickedClip);
    if (tile && strip.scrollWidth > strip.clientWidth)
      strip.scrollLeft = tile.offsetLeft - (strip.clientWidth - tile.offsetWidth) / 2;
  }
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-order]");
    if (!button) return;
    order = button.dataset.order;
    for (const one of element.querySelectorAll("[data-order]")) one.setAttribute("aria-pressed", one === button);
    drawStrip();
  });

  // The strip as one picture, each clip with its age and share.
  function contactSheet() {
    const shown = [...strip.querySelectorAll("li")];
    const first = shown[0].querySelector("canvas");
    const columns = Math.min(8, shown.length);
    const wide = 200;
    const high = Math.round((wide * first.height) / first.width);
    const gap = 10;
    const text = 20;
    const rows = Math.ceil(shown.length / columns);
    const sheet = Object.assign(document.createElement("canvas"), {
      width: columns * (wide + gap) + gap,
      height: rows * (high + text + gap) + gap,
    });
    const pen = sheet.getContext("2d");
    pen.fillStyle = token("card");
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.fillStyle = token("ink");
    pen.font = "13px system-ui, sans-serif";
    shown.forEach((tile, at) => {
      const x = gap + (at % columns) * (wide + gap);
      const y = gap + Math.floor(at / columns) * (high + text + gap);
      const [canvas, , share, small] = tile.firstElementChild.children;
      pen.drawImage(canvas, x, y, wide, high);
      pen.fillText(`${small.textContent} · ${share.textContent}`, x, y + high + 15);
    });
    return sheet;
  }

  return {
    draw: drawStrip,
    markPicked,
    contactSheet,
    clear() {
      tiles.clear();
      strip.replaceChildren();
    },
  };
}
