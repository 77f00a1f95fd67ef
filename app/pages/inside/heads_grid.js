// The layer x head grid: a small picture of each head, one of which is picked.

import { token } from "../shared/colours.js";
import { viridis } from "../shared/maps.js";
import { fill, words } from "../shared/words.js";

const SIDE = 96; // of a small picture, in its own pixels; so are the edges of context frames and the gaps beside them
const STRIP = 7;
const GAP = 3;
const MASKED = 255;
const MOST = 0.98; // the share of cells that the colours tell apart: a few first frames see next to nothing else

const GRID_MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

const sideOf = (answer, head) => (head < answer.num_lookback ? "lookback" : "lookahead");
const hasContext = (answer) => answer.context.start !== null || answer.context.end !== null;
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// Groups of frames that any head sees to its side: the columns of a picture by offset.
function reachOf(cells, side, edge) {
  let reach = 0;
  for (let row = edge; row < side - edge; row += 1) {
    for (let column = edge; column < side - edge; column += 1) {
      if (cells[row * side + column] !== MASKED) reach = Math.max(reach, Math.abs(column - row));
    }
  }
  return reach;
}

// Cells as 0 to 1, null where masked. Frames that look are scaled together, what a context frame gathers by itself:
// it is spread over the whole window.
function scaled(cells, side, edge) {
  const top = (from, past, part) => {
    const seen = cells
      .slice(from * side, past * side)
      .filter((one) => one !== MASKED)
      .sort();
    return Math.max(1, seen[Math.floor(part * (seen.length - 1))] ?? 1);
  };
  const ends = edge ? [top(0, 1, 1), top(side - 1, side, 1)] : [];
  const most = top(edge, side - edge, MOST);
  const scale = (row) => (row < edge ? ends[0] : row >= side - edge ? ends[1] : most);
  return Array.from(cells, (one, at) => (one === MASKED ? null : Math.min(1, one / scale(Math.floor(at / side)))));
}
// A picture of w x h cells; what is masked is left clear, so that the hatching behind it shows.
function painted(w, h, value) {
  const small = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const pen = small.getContext("2d");
  const image = pen.createImageData(w, h);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const one = value(y, x);
      if (one !== null) image.data.set([...viridis(one), 255], (y * w + x) * 4);
    }
  }
  pen.putImageData(image, 0, 0);
  return small;
}
function drawByOffset(pen, values, side, edge, reach) {
  const rows = side - 2 * edge;
  const margin = edge * (STRIP + GAP);
  const inner = SIDE - 2 * margin;
  const at = (row, column) => (column < edge || column >= side - edge ? null : values[row * side + column]);
  pen.drawImage(
    painted(2 * reach + 1, rows, (y, x) => at(y + edge, y + edge + x - reach)),
    margin,
    margin,
    inner,
    inner,
  );
  if (!edge) return;
  for (const [number, place] of [
    [0, 0],
    [side - 1, SIDE - STRIP],
  ]) {
    pen.drawImage(
      painted(1, rows, (y) => values[(y + 1) * side + number]),
      place,
      margin,
      STRIP,
      inner,
    );
    pen.drawImage(
      painted(rows, 1, (_, x) => values[number * side + x + 1]),
      margin,
      place,
      inner,
      STRIP,
    );
  }
  pen.fillStyle = token("card");
  for (const from of [STRIP, SIDE - STRIP - GAP]) {
    pen.fillRect(from, 0, GAP, SIDE);
    pen.fillRect(0, from, SIDE, GAP);
  }
  for (const x of [0, SIDE - STRIP]) for (const y of [0, SIDE - STRIP]) pen.fillRect(x, y, STRIP, STRIP);
}
function label(text, name = "", columns = 1, side = "") {
  const one = Object.assign(document.createElement("span"), { textContent: text, className: name });
  one.dataset.side = side;
  one.style.gridColumn = `span ${columns}`;
  one.setAttribute("aria-hidden", "true");
  return one;
}

// `onPick(layer, head)`: another head was picked.
export function makeGrid(element, onPick) {
  const find = (selector) => element.querySelector(selector);
  const grid = find(".vm-pick-grid");
  let gridShape = "";
  let drawnAs = "offset";
  let gridAnswer = null;

  function pick(layer, head) {
    markPicked({ ...gridAnswer, layer, head });
    onPick(layer, head);
  }
  function drawHead(canvas, { side, cells }, reach) {
    const pen = canvas.getContext("2d");
    const edge = hasContext(gridAnswer) ? 1 : 0;
    const values = scaled(bytesOf(cells), side, edge);
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.imageSmoothingEnabled = false;
    if (drawnAs === "matrix")
      pen.drawImage(
        painted(side, side, (y, x) => values[y * side + x]),
        0,
        0,
        SIDE,
        SIDE,
      );
    else drawByOffset(pen, values, side, edge, reach);
  }

  function headButton(layer, head) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.side = sideOf(gridAnswer, head);
    button.setAttribute("role", "radio");
    button.setAttribute(
      "aria-label",
      fill("heads_one", { layer, head, side: words[`heads_${sideOf(gridAnswer, head)}`] }),
    );
    button.append(Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }));
    button.addEventListener("click", () => pick(layer, head));
    return button;
  }
  function buildGrid({ num_layers: layers, num_heads: heads, num_lookback: back }) {
    grid.style.gridTemplateColumns = `auto repeat(${heads}, minmax(0, 1fr))`;
    grid.style.setProperty("--heads", heads);
    const sides = [
      ["lookback", back],
      ["lookahead", heads - back],
    ].filter(([, count]) => count);
    const top = sides.map(([side, count]) =>
      label(fill(`${count === 1 ? "one" : "many"}_${side}`, { count }), "vm-pick-side", count, side),
    );
    const numbers = Array.from({ length: heads }, (_, head) => label(head));
    const rows = Array.from({ length: layers }, (_, layer) => [
      label(fill("heads_layer", { layer })),
      ...Array.from({ length: heads }, (_, head) => headButton(layer, head)),
    ]).flat();
    grid.replaceChildren(label(""), ...top, label(words.heads_head), ...numbers, ...rows);
  }
  function draw(answer = gridAnswer) {
    if (!answer) return;
    gridAnswer = answer;
    const shape = [answer.num_layers, answer.num_heads, answer.num_lookback].join();
    if (shape !== gridShape) buildGrid(answer);
    gridShape = shape;
    const edge = hasContext(answer) ? 1 : 0;
    const all = answer.grid.flat();
    const reach = Math.max(
      ...[answer.grid[0][0], answer.grid[0].at(-1)].map((one) => reachOf(bytesOf(one.cells), one.side, edge)),
    );
    [...grid.querySelectorAll("canvas")].forEach((canvas, at) => {
      drawHead(canvas, all[at], reach);
    });
    markPicked(answer);
    const step = Math.ceil(answer.frames.length / (all[0].side - 2 * edge));
    const hint = words[`heads_${drawnAs}_hint`] + (edge ? ` ${words[`heads_${drawnAs}_context`]}` : "");
    find(".vm-pick-hint").textContent = step > 1 ? `${hint} ${fill("heads_grouped", { step })}` : hint;
  }
  function markPicked({ layer, head, num_heads: heads }) {
    [...grid.querySelectorAll("button")].forEach((button, at) => {
      const isPicked = at === layer * heads + head;
      button.setAttribute("aria-checked", isPicked);
      button.tabIndex = isPicked ? 0 : -1;
    });
  }
  grid.addEventListener("keydown", (event) => {
    const move = GRID_MOVES[event.key];
    const at = [...grid.querySelectorAll("button")].indexOf(event.target);
    if (!move || at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { num_layers: layers, num_heads: heads } = gridAnswer;
    const keep = (one, most) => Math.max(0, Math.min(most - 1, one));
    const layer = keep(Math.floor(at / heads) + move[0], layers);
    const head = keep((at % heads) + move[1], heads);
    grid.querySelectorAll("button")[layer * heads + head].focus();
    pick(layer, head);
  });
  for (const button of element.querySelectorAll("[data-drawn]")) {
    button.addEventListener("click", () => {
      drawnAs = button.dataset.drawn;
      for (const one of element.querySelectorAll("[data-drawn]")) one.setAttribute("aria-pressed", one === button);
      draw();
    });
  }
  return { draw };
}
