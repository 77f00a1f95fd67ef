// Who looks, and where: the frame that looks, the window's frames to choose it from, and the frames that the picked
// head sees.

import { clipFrames } from "../shared/clip_frames.js";
import { token } from "../shared/colours.js";
import * as format from "../shared/format.js";
import { paintMap } from "../shared/maps.js";
import { pickRegion } from "../shared/region_picker.js";
import { fill, words } from "../shared/words.js";

const FILM_PICTURES = 8; // at most, under the frame that looks
const MAX_AT_ONCE = 16; // pictures that one request may ask for
const signedOffset = (number) => (number > 0 ? `+${number}` : `${number}`.replace("-", "−"));
const clockOf = (seconds) => format.clock(seconds, { hasTenths: true });
const gapOf = ({ frames }) =>
  frames.length > 1 ? (frames.at(-1).seconds - frames[0].seconds) / (frames.length - 1) : 0;

// Pictures at the very times that the model saw: each request's are the middles of equal parts.
async function picturesOf(list, gap) {
  const pieces = [];
  for (let from = 0; from < list.length; from += MAX_AT_ONCE) pieces.push(list.slice(from, from + MAX_AT_ONCE));
  const pictures = await Promise.all(
    pieces.map((piece) => {
      const half = Math.min(gap / 2, piece[0].seconds);
      const isWhole = half === gap / 2 || piece.length === 1;
      return isWhole
        ? clipFrames(piece[0].seconds - half, piece.at(-1).seconds + half, piece.length)
        : Promise.all(piece.map(({ seconds }) => clipFrames(seconds, seconds, 1))).then((all) => all.flat());
    }),
  );
  return pictures.flat();
}
// A canvas takes the shape of its picture; where there is none, it keeps the last one's.
function shape(canvas, picture, width) {
  const high = picture ? Math.round((width * picture.naturalHeight) / picture.naturalWidth) : canvas.height;
  if (canvas.width !== width || canvas.height !== high) Object.assign(canvas, { width, height: high });
}

function drawPatches(pen, canvas, { looks, map_box: box }) {
  const map = looks[0]?.map;
  const [top, bottom, left, right] = box;
  if (!map) return;
  pen.beginPath();
  for (let row = 1; row < map.length; row += 1) {
    const y = (top + ((bottom - top) * row) / map.length) * canvas.height;
    pen.moveTo(left * canvas.width, y);
    pen.lineTo(right * canvas.width, y);
  }
  for (let column = 1; column < map[0].length; column += 1) {
    const x = (left + ((right - left) * column) / map[0].length) * canvas.width;
    pen.moveTo(x, top * canvas.height);
    pen.lineTo(x, bottom * canvas.height);
  }
  pen.strokeStyle = "rgba(255, 255, 255, .28)";
  pen.lineWidth = 1;
  pen.stroke();
}

// `onPickFrame(number)`: another frame shall look. `onRegion(region)`: another part of it, or all of it.
export function makeSight(element, { onPickFrame, onRegion }) {
  const find = (selector) => element.querySelector(selector);
  const who = find(".vm-who-picture");
  const film = find(".vm-film-pictures");
  const slider = find(".vm-film input");
  const sightFrames = find(".vm-sight-frames");
  const shares = find(".vm-sight-shares");
  const markRegion = pickRegion(who, onRegion);

  // The patches that look are framed: a click stands for the patch it lies in.
  function drawWho(answer, picture) {
    markRegion(answer.region);
    shape(who, picture, 640);
    paintMap(who, picture ?? null, null, {});
    const pen = who.getContext("2d");
    drawPatches(pen, who, answer);
    if (!answer.region) return;
    const [top, bottom, left, right] = answer.region;
    const [w, h] = [who.width, who.height];
    pen.fillStyle = "rgba(0, 0, 0, .45)";
    pen.fill(new Path2D(`M0 0H${w}V${h}H0ZM${left * w} ${top * h}V${bottom * h}H${right * w}V${top * h}Z`), "evenodd");
  }

  // The window as a film: pictures at fixed times of the video, so that they slide by and are read once.
  function drawFilmPick({ frames, frame, looks, direction }) {
    const before = frames.at(-1).seconds - frame.seconds;
    const text = before > 0 ? fill("heads_before_newest", { span: format.span(before) }) : words.heads_is_newest;
    slider.setAttribute("aria-valuetext", `${clockOf(frame.seconds)}, ${text}`);
    find(".vm-who-when").textContent = fill("heads_frame_at", { time: clockOf(frame.seconds) });
    find(".vm-film-picked").textContent = text;
    const offsets = looks.map(({ offset }) => offset);
    const keep = (number) => Math.max(0, Math.min(frames.length, number));
    const from = keep(frame.number + Math.min(...offsets, 0));
    const past = keep(frame.number + Math.max(...offsets, 0) + 1);
    const part = (className, first, end) =>
      Object.assign(document.createElement("i"), {
        className,
        style: `left:${(100 * first) / frames.length}%;width:${(100 * (end - first)) / frames.length}%`,
      });
    find(".vm-film-reach").replaceChildren(
      part(`vm-see-${direction}`, from, past),
      part("vm-see-own", frame.number, frame.number + 1),
    );
  }
  // Pictures of it come one by one, behind those of the frames looked at; what came meanwhile is filmed after it.
  let filmed = null;
  let isFilming = false;
  async function drawFilm(answer) {
    slider.max = answer.frames.length - 1;
    slider.value = answer.frame.number;
    find(".vm-film-first").textContent = format.age(answer.frames.at(-1).seconds - answer.frames[0].seconds);
    drawFilmPick(answer);
    filmed = answer;
    if (isFilming) return;
    isFilming = true;
    while (filmed) {
      const one = filmed;
      filmed = null;
      film.replaceChildren(...(await filmOf(one)));
    }
    isFilming = false;
  }
  async function filmOf(answer) {
    const gap = gapOf(answer);
    const first = answer.frames[0].seconds;
    const whole = gap * answer.frames.length;
    const pictures = [];
    if (!whole) return pictures;
    const step = 2 ** Math.ceil(Math.log2(whole / FILM_PICTURES)); // a window that grows keeps half of its pictures
    for (let seconds = Math.floor(first / step) * step; seconds < first + whole; seconds += step) {
      const [picture] = await clipFrames(seconds, seconds, 1);
      if (!picture) continue;
      picture.image.alt = "";
      picture.image.style.cssText = `left:${(100 * (seconds - first)) / whole}%;width:${(100 * step) / whole}%`;
      pictures.push(picture.image);
      if (film.children.length < pictures.length) film.append(picture.image); // the first time it is seen to come
    }
    return pictures;
  }

  // What the picked head sees: a tile per frame, painted in place so that nothing flickers.
  function tile() {
    const item = document.createElement("li");
    item.innerHTML =
      '<button type="button"><canvas width="240" height="135"></canvas><span class="vm-sight-bar"><i></i></span><span class="vm-sight-text"><b></b><span></span></span></button>';
    item.firstElementChild.addEventListener("click", () => onPickFrame(Number(item.dataset.number)));
    return item;
  }
  function drawTile(item, look, answer, picture, scale) {
    const button = item.firstElementChild;
    const [canvas, bar, text] = button.children;
    item.dataset.number = look.number;
    item.className = look.offset === 0 ? "vm-own" : "";
    shape(canvas, picture, 240);
    paintMap(canvas, picture ?? null, look.map, { box: answer.map_box, max: scale.map, alpha: 0.66 });
    bar.firstElementChild.style.width = `${(100 * look.share) / scale.share}%`;
    bar.firstElementChild.className = `vm-see-${answer.direction}`;
    const own = look.offset === 0;
    const away = signedOffset(look.offset);
    const span = format.span(Math.abs(look.seconds - answer.frame.seconds));
    text.children[0].textContent = own ? words.heads_own : away;
    text.children[1].textContent = format.percent(look.share);
    const where = own ? words.heads_own_frame : fill(look.offset < 0 ? "heads_back" : "heads_ahead", { span });
    button.setAttribute(
      "aria-label",
      fill("heads_tile", { time: clockOf(look.seconds), where, share: format.percent(look.share) }),
    );
    button.title = `${clockOf(look.seconds)} · ${where}. ${words.heads_tile_hint}`;
  }
  async function drawSight(answer, isCurrent) {
    const gap = gapOf(answer);
    const [pictures, own] = await Promise.all([picturesOf(answer.looks, gap), picturesOf([answer.frame], gap)]);
    if (!isCurrent()) return;
    const scale = {
      map: Math.max(...answer.looks.flatMap(({ map }) => map.flat()), 1e-9),
      share: Math.max(...answer.looks.map((look) => look.share), 1e-9),
    };
    drawWho(answer, own[0]?.image);
    while (sightFrames.children.length < answer.looks.length) sightFrames.append(tile());
    while (sightFrames.children.length > answer.looks.length) sightFrames.lastElementChild.remove();
    for (const [at, look] of answer.looks.entries())
      drawTile(sightFrames.children[at], look, answer, pictures[at]?.image, scale);
    const size = answer.looks.length > 30 ? "smallest" : answer.looks.length > 12 ? "small" : null;
    if (size) sightFrames.dataset.size = size;
    else delete sightFrames.dataset.size;
    drawShares(answer);
    drawFilm(answer); // not waited for
  }

  // Shares of everything the head reads: the frames above together, and the context frames beside them.
  function drawShares({ looks, context, direction }) {
    const frames = looks.reduce((sum, look) => sum + look.share, 0);
    const rows = [["heads_frames_share", frames, direction]];
    if (context.start !== null || context.end !== null)
      rows.push(["heads_start_share", context.start, "context"], ["heads_end_share", context.end, "context"]);
    shares.replaceChildren(
      ...rows.flatMap(([word, share, kind]) => {
        const name = Object.assign(document.createElement("dt"), { textContent: words[word] });
        const value = document.createElement("dd");
        value.innerHTML = '<span class="vm-sight-bar"><i></i></span><span></span>';
        value.className = share === null ? "vm-masked" : "";
        value.firstElementChild.firstElementChild.className = `vm-see-${kind}`;
        value.firstElementChild.firstElementChild.style.width = `${100 * (share ?? 0)}%`;
        value.lastElementChild.textContent = share === null ? words.heads_may_not : format.percent(share);
        return [name, value];
      }),
    );
  }

  // What is seen, as one picture: who looks, the frames it looks at, and what was said.
  function sightPicture(answer) {
    const tiles = [...sightFrames.children];
    const columns = Math.min(Math.max(tiles.length, 1), 5);
    const wide = 240;
    const space = 14;
    const line = 22;
    const high = tiles[0]?.querySelector("canvas").height ?? 0;
    const top = who.height + 2 * space + 3 * line;
    const rows = Math.ceil(tiles.length / columns);
    const width = Math.max(who.width, columns * (wide + space) - space) + 2 * space;
    const canvas = Object.assign(document.createElement("canvas"), {
      width,
      height: top + rows * (high + line + space) + space,
    });
    const pen = canvas.getContext("2d");
    const [ink, card] = [token("ink"), token("card")];
    const write = (text, x, y, weight = 400) => {
      pen.font = `${weight} 14px system-ui, sans-serif`;
      pen.fillStyle = ink;
      pen.fillText(text, x, y, width - x - space);
    };
    pen.fillStyle = card;
    pen.fillRect(0, 0, width, canvas.height);
    pen.drawImage(who, space, space);
    if (answer.region) {
      const [first, last, left, right] = answer.region;
      pen.strokeStyle = "#fff";
      pen.lineWidth = 2;
      pen.strokeRect(
        space + left * who.width,
        space + first * who.height,
        (right - left) * who.width,
        (last - first) * who.height,
      );
    }
    const parts = [...shares.children].map((one) => one.textContent);
    const shareText = parts.map((text, at) => (at % 2 ? `${text}  ` : `${text}: `)).join("");
    write(
      `${find(".vm-sight-head").textContent} · ${find(".vm-who-when").textContent}`,
      space,
      who.height + space + line,
      600,
    );
    write(answer.text, space, who.height + space + 2 * line);
    write(shareText, space, who.height + space + 3 * line);
    tiles.forEach((item, at) => {
      const x = space + (at % columns) * (wide + space);
      const y = top + space + Math.floor(at / columns) * (high + line + space);
      pen.drawImage(item.querySelector("canvas"), x, y);
      write(
        [...item.querySelectorAll(".vm-sight-text > *")].map((one) => one.textContent).join("  ·  "),
        x,
        y + high + line - 6,
      );
    });
    return canvas;
  }

  return { draw: drawSight, drawFilmPick, picture: sightPicture, who, film, slider };
}
