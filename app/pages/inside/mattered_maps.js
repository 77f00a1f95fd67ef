// Integrated gradients on memory tokens, laid over pictures of their clips: vermilion speaks for the class, blue against it.

import { pause } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { clipFrames } from "../shared/clip_frames.js";
import { token } from "../shared/colours.js";
import { calm } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { savePicture } from "../shared/maps.js";
import { fill, words } from "../shared/words.js";

const MOST_MAPS = 24; // clips drawn
const WIDE = 264; // pixels of a map's canvas
const FOR = [213, 94, 0];
const AGAINST = [0, 114, 178]; // as in the figures of pictures

function paintTokens(canvas, image, stages, most) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.fillStyle = token("well");
  pen.fillRect(0, 0, width, height);
  if (image) {
    pen.filter = "grayscale(.85) brightness(.78)";
    pen.drawImage(image, 0, 0, width, height);
    pen.filter = "none";
  }
  const sums = summed(stages);
  const [top, bottom, left, right] = finest(stages).box;
  const x = (column) => Math.round((left + ((right - left) * column) / sums[0].length) * width);
  const y = (row) => Math.round((top + ((bottom - top) * row) / sums.length) * height);
  for (const [row, cells] of sums.entries()) {
    for (const [column, value] of cells.entries()) {
      const part = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
      pen.fillStyle = `rgba(${value < 0 ? AGAINST : FOR}, ${0.86 * Math.sqrt(part)})`;
      pen.fillRect(x(column), y(row), x(column + 1) - x(column) - 1, y(row + 1) - y(row) - 1);
    }
  }
}
// Stages have grids of their own: coarser ones are spread over the finest, so that sums stay what they are.
const finest = (stages) => stages.reduce((best, one) => (one.map.length > best.map.length ? one : best));
function summed(stages) {
  const { map, box } = finest(stages);
  const rows = map.length;
  const columns = map[0].length;
  const place = (at, count, from, to, own, ownFrom, ownTo) =>
    Math.max(
      0,
      Math.min(own - 1, Math.floor(((from + ((at + 0.5) / count) * (to - from) - ownFrom) / (ownTo - ownFrom)) * own)),
    );
  return map.map((cells, row) =>
    cells.map((_, column) =>
      stages.reduce((sum, one) => {
        const tall = one.map.length;
        const wide = one.map[0].length;
        const y = place(row, rows, box[0], box[1], tall, one.box[0], one.box[1]);
        const x = place(column, columns, box[2], box[3], wide, one.box[2], one.box[3]);
        return sum + (one.map[y][x] * tall * wide) / (rows * columns);
      }, 0),
    ),
  );
}

// The frames of a clip, twice; where things shall not move, the one in its middle.
const NUM_FRAMES = 12;
const FRAME_MILLISECONDS = 130;
export async function playIn(canvas, clip, paint) {
  const number = (canvas.vmPlaying ?? 0) + 1;
  canvas.vmPlaying = number;
  const frames = await clipFrames(clip.start_seconds, clip.end_seconds, calm.matches ? 1 : NUM_FRAMES);
  for (const { image } of [...frames, ...(calm.matches ? [] : frames)]) {
    if (canvas.vmPlaying !== number || !canvas.isConnected) return;
    paint(image);
    await pause(FRAME_MILLISECONDS);
  }
}

export function makeMaps(element) {
  const maps = element.querySelector(".vm-mat-maps");
  const legend = element.querySelector(".vm-mat-legend");

  // A picture per clip with what its tokens say; the strongest few where there are many, in order of time.
  function draw(results, mark) {
    const { clips, by_clip: sums, stages } = results.results.memory;
    const strongest = clips
      .map((_, at) => at)
      .sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]))
      .slice(0, MOST_MAPS);
    const own = (at) => stages.map(({ maps: all, box }) => ({ map: all[at], box }));
    const tops = strongest.map((at) => Math.max(...summed(own(at)).flat().map(Math.abs)));
    const most = Math.max(...tops, 0);
    const part =
      clips.length > MOST_MAPS ? ` ${fill("mattered_some_maps", { count: MOST_MAPS, total: clips.length })}` : "";
    legend.innerHTML = `<span><i style="background:rgb(${FOR})"></i></span><span><i style="background:rgb(${AGAINST})"></i></span><span></span>`;
    const names = [
      fill("mattered_for", { class: results.class_name }),
      words.mattered_against,
      fill("mattered_most", { value: most.toFixed(2) }) + part,
    ];
    for (const [at, span] of [...legend.children].entries()) span.append(names[at]);
    maps.replaceChildren(...strongest.sort((a, b) => a - b).map((at) => oneMap(results, at, own(at), most, mark)));
  }
  function oneMap(results, at, stages, most, mark) {
    const { clips, by_clip: sums } = results.results.memory;
    const clip = results.clips.find(({ index }) => index === clips[at]);
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    const small = document.createElement("small");
    button.type = "button";
    const source = bus.last.source;
    const shape = source?.width ? source.height / source.width : 0.5625;
    Object.assign(canvas, { width: WIDE, height: Math.round(WIDE * shape) });
    const strong = Object.assign(document.createElement("b"), { textContent: format.signed(sums[at]) });
    small.append(
      strong,
      ` ${format.clock(clip.start_seconds)}, ${format.age(results.moment.start_seconds - clip.start_seconds)}`,
    );
    button.append(canvas, small);
    button.setAttribute(
      "aria-label",
      fill("mattered_map", { time: format.clock(clip.start_seconds), value: format.signed(sums[at]) }),
    );
    const paint = (image) => paintTokens(canvas, image, stages, most);
    button.addEventListener("click", () => {
      mark(clip);
      playIn(canvas, clip, paint);
    });
    paint(null);
    clipFrames(clip.start_seconds, clip.end_seconds, 1).then(([frame]) => {
      if (frame && !canvas.vmPlaying) paint(frame.image);
    });
    return button;
  }
  // All maps as one picture, as they are seen.
  function save(name) {
    const shown = [...maps.querySelectorAll("canvas")];
    const columns = Math.min(4, shown.length);
    const line = 26;
    const { width, height } = shown[0];
    const sheet = document.createElement("canvas");
    Object.assign(sheet, { width: columns * (width + 8), height: Math.ceil(shown.length / columns) * (height + line) });
    const pen = sheet.getContext("2d");
    pen.fillStyle = token("card");
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.font = "15px system-ui";
    pen.fillStyle = token("ink");
    shown.forEach((canvas, at) => {
      const left = (at % columns) * (width + 8);
      const top = Math.floor(at / columns) * (height + line);
      pen.drawImage(canvas, left, top);
      pen.fillText(canvas.nextElementSibling.textContent, left, top + height + 17);
    });
    savePicture(sheet, name);
  }

  return { draw, save };
}
