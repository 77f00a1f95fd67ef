// Which frames the newest frames see in one layer, by the side that a head looks to.

import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";

const ROWS = 12;
const COLUMNS = 32;
const LABELS = 48;
const UNDER = 17;
export const count = (number, unit) => fill(number === 1 ? `one_${unit}` : `many_${unit}`, { count: number });
// Frames that the heads see: one for each `frame_step` sampled ones.
export const windowFrames = (s) => ((s.l_mem + 1) * s.clip_frames) / s.frame_step;

// In `part`. Draws anew when the settings change, or the model's heads.
export function makeRangePicture(part) {
  const figure = part.querySelector("svg");
  const legend = part.querySelector(".vm-legend");
  const choice = part.querySelector(".vm-zoom");
  let heads = null;
  let shownHeads = "both";
  let settings = null;

  const shows = (side) => heads[side] > 0 && (shownHeads === side || shownHeads === "both");

  // A rectangle in squares of the grid: [kind, column, row, columns wide]. Columns: start context, frames, end context.
  function seenBy(row, columns, rows, reach) {
    const own = columns - rows + row;
    const back = Math.min(reach, own);
    const ahead = Math.min(reach, columns - 1 - own);
    const seen = [["own", own + 1, row + 1, 1]];
    if (shows("lookback")) seen.push(["lookback", own + 1 - back, row + 1, back], ["context", 0, row + 1, 1]);
    if (shows("lookahead")) seen.push(["lookahead", own + 2, row + 1, ahead], ["context", columns + 1, row + 1, 1]);
    return seen.filter(([kind, , , wide]) => wide > 0 && (kind !== "context" || heads.has_context_frames));
  }
  function contextRows(columns, rows, reach) {
    if (!heads.has_context_frames) return [];
    const wide = heads.sees_whole_window ? columns : Math.min(reach, columns);
    const ends = [0, columns + 1];
    return [0, rows + 1].flatMap((row) => [
      ...ends.map((column) => ["context", column, row, 1]),
      ["context", row === 0 ? 1 : columns + 1 - wide, row, wide],
    ]);
  }

  function drawFigure(s) {
    const whole = windowFrames(s);
    const columns = Math.min(COLUMNS, whole);
    const rows = Math.min(ROWS, whole);
    const reach = s.local_frame_range;
    const side = heads.has_context_frames ? 1 : 0;
    const gap = side * 3;
    const cell = Math.min((figure.parentElement.clientWidth - LABELS - 2 * gap) / (columns + 2 * side), 12);
    if (cell <= 0) return;
    const x = (column) => LABELS + (column - 1 + side) * cell + (column > 0) * gap + (column > columns) * gap;
    const y = (row) => (row - 1 + side) * cell + (row > 0) * gap + (row > rows) * gap;
    const box = (kind, column, row, wide) =>
      `<rect class="vm-see-${kind}" x="${x(column)}" y="${y(row)}" width="${wide * cell}" height="${cell}"/>`;
    const high = y(rows + 1 + side);
    const right = x(columns + 1 + side);
    const seen = [
      ...contextRows(columns, rows, reach),
      ...Array.from({ length: rows }, (_, row) => seenBy(row, columns, rows, reach)).flat(),
    ];
    const grid = [
      ...Array.from({ length: columns + 1 }, (_, at) => `M${x(1) + at * cell} 0V${high}`),
      ...Array.from({ length: rows + 1 }, (_, at) => `M${LABELS} ${y(1) + at * cell}H${right}`),
    ].join("");
    const before = (frames) => format.age((frames * s.frame_step) / s.fps);
    const textAt = (at, down, content, anchor) =>
      `<text x="${at}" y="${down}" text-anchor="${anchor}">${content}</text>`;
    const under = high + 12;
    const labels = [
      textAt(LABELS - 5, y(1) + cell - 0.5, before(rows - 1), "end"),
      textAt(LABELS - 5, y(rows) + cell - 0.5, words.age_now, "end"),
      textAt(x(1), under, before(columns - 1), "start"),
      textAt(x(columns + 1) - gap, under, words.age_now, "end"),
    ];
    if (side)
      labels.push(
        textAt(LABELS - 5, y(0) + cell - 0.5, words.context_start, "end"),
        textAt(LABELS - 5, y(rows + 1) + cell, words.context_end, "end"),
      );
    const ground = [box("none", 1, 1, columns)].map((rect) =>
      rect.replace(/height="[^"]+"/, `height="${rows * cell}"`),
    );
    figure.setAttribute("width", Math.ceil(right + 1));
    figure.setAttribute("height", Math.ceil(high + UNDER));
    figure.innerHTML = [...ground, ...seen.map((one) => box(...one)), `<path d="${grid}"/>`, ...labels].join("");
  }

  function drawLegend(s) {
    const reach = s.local_frame_range;
    const whole = windowFrames(s);
    const rows = count(Math.min(ROWS, whole), "frame");
    const lines = [];
    for (const side of ["lookback", "lookahead"]) {
      if (!shows(side)) continue;
      const key = !heads.has_context_frames ? "bare" : reach ? "sees" : "alone";
      lines.push([side, fill(`heads_${side}_${key}`, { heads: count(heads[side], side), reach })]);
    }
    if (heads.has_context_frames) {
      const text = heads.sees_whole_window
        ? fill("context_sees_all", { whole })
        : fill("context_sees_ends", { frames: count(reach, "frame") });
      lines.push(["context", text]);
    }
    part.querySelector("small").textContent = fill("heads_rows", { rows });
    legend.replaceChildren(
      ...lines.map(([kind, sees]) => {
        const line = document.createElement("li");
        line.innerHTML = `<i class="vm-see-${kind}"></i>`;
        line.append(sees);
        return line;
      }),
    );
    figure.setAttribute(
      "aria-label",
      [part.querySelector("small").textContent, ...lines.map((line) => line[1])].join(" "),
    );
  }

  function draw(s) {
    settings = s;
    part.hidden = !heads || s.local_frame_range === null;
    if (part.hidden) return;
    const isTwoSided = heads.lookback > 0 && heads.lookahead > 0;
    choice.hidden = !isTwoSided;
    if (!isTwoSided) shownHeads = "both";
    for (const button of choice.children) button.setAttribute("aria-pressed", button.dataset.heads === shownHeads);
    drawFigure(s);
    drawLegend(s);
  }
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("[data-heads]");
    if (!button) return;
    shownHeads = button.dataset.heads;
    draw(settings);
  });
  new ResizeObserver(() => {
    if (settings) draw(settings);
  }).observe(part.parentElement);
  return {
    draw,
    setHeads(value) {
      heads = value;
      if (settings) draw(settings);
    },
  };
}
