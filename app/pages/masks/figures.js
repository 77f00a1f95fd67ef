// The two figures of a mask, and the cell that was picked.

import { token } from "../shared/colours.js";
import { drawSized, savePlot } from "../shared/plots.js";
import { words } from "../shared/words.js";

const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

export function makeFigures(element) {
  const plots = {
    matrix: element.querySelector(".vm-mask-matrix .vm-plotly"),
    blocks: element.querySelector(".vm-mask-blocks .vm-plotly"),
  };
  const why = element.querySelector(".vm-mask-why");
  let isHeard = false; // clicks on the matrix
  let drawn = null; // the answer on view
  let picked = null; // [row, column] of the matrix as drawn

  function markStale(isStale) {
    for (const plot of Object.values(plots)) plot.classList.toggle("vm-stale", isStale);
  }

  // Cells are square where the server says so; a few long rows are drawn lower.
  function heightOf(plot, layout) {
    const side = plot.clientWidth - 84; // less margins, ticks and the title of the axis
    return Math.round(layout.margin.t + 56 + (layout.yaxis.scaleanchor ? side : side * 0.6));
  }
  function draw(answer) {
    const top = Math.max(answer.matrix.layout.margin.t, answer.blocks.layout.margin.t);
    drawn = answer;
    markStale(false);
    keepPick();
    for (const [name, plot] of Object.entries(plots)) {
      const { data, layout } = answer[name];
      layout.margin.t = top;
      layout.dragmode = false; // a finger scrolls the page
      layout.xaxis.fixedrange = layout.yaxis.fixedrange = true;
      const shapes = name === "matrix" ? withPick(layout) : layout.shapes;
      drawSized(plot, data, { ...layout, shapes }, heightOf(plot, layout));
    }
    plots.matrix.setAttribute("aria-label", `${words.mask_matrix}. ${words.mask_keys}`);
    plots.blocks.setAttribute("aria-label", `${words.mask_blocks}. ${answer.texts.summary}`);
    if (!isHeard) plots.matrix.on("plotly_click", ({ points }) => pick(points[0].y, points[0].x));
    isHeard = true;
    sayWhy();
  }

  // The picked cell: framed, and its reason under the matrix.
  const reasons = () => drawn.matrix.data[0].hovertext;
  function keepPick() {
    if (picked) picked = [Math.min(picked[0], reasons().length - 1), Math.min(picked[1], reasons()[0].length - 1)];
  }
  function withPick({ shapes = [] }) {
    if (!picked) return shapes;
    const [row, column] = picked;
    const line = { color: token("playhead"), width: 3 };
    return [...shapes, { type: "rect", x0: column - 0.6, x1: column + 0.6, y0: row - 0.6, y1: row + 0.6, line }];
  }
  function sayWhy() {
    if (!picked) {
      why.textContent = words.mask_pick;
      return;
    }
    const [reason, ...rest] = reasons()[picked[0]][picked[1]].split("</b><br>");
    const text = (html) => new DOMParser().parseFromString(html.replaceAll("<br>", " "), "text/html").body.textContent;
    const strong = document.createElement("b");
    strong.textContent = text(reason);
    why.replaceChildren(strong, ` · ${text(rest.join(" "))}`);
  }
  function pick(row, column) {
    picked = row === null ? null : [row, column];
    window.Plotly.relayout(plots.matrix, { shapes: withPick(drawn.matrix.layout) });
    sayWhy();
  }
  plots.matrix.addEventListener("keydown", (event) => {
    if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && picked) pick(null);
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const last = [reasons().length - 1, reasons()[0].length - 1];
    pick(...(picked ? picked.map((at, axis) => Math.max(0, Math.min(last[axis], at + move[axis]))) : [0, 0]));
  });

  for (const button of element.querySelectorAll("[data-png]")) {
    button.addEventListener("click", () => savePlot(plots[button.dataset.png], `mask-${button.dataset.png}`));
  }
  new ResizeObserver(() => {
    if (!drawn || !plots.matrix.clientWidth) return;
    for (const [name, plot] of Object.entries(plots)) plot.style.height = `${heightOf(plot, drawn[name].layout)}px`;
  }).observe(element);

  return { draw, markStale };
}
