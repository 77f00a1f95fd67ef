// The two figures of a mask, and the cell that was picked. Runs before masks.js, which calls `draw`.
const vm = window.vidmem;
const plots = { matrix: element.querySelector(".vm-mask-matrix .vm-plotly"), blocks: element.querySelector(".vm-mask-blocks .vm-plotly") };
const why = element.querySelector(".vm-mask-why"), { CONFIG, load: loadPlotly } = vm.plots;
let drawn = null, picked = null; // the answer on view; [row, column] of the matrix as drawn

function stale(isStale) {
  for (const plot of Object.values(plots)) plot.classList.toggle("vm-stale", isStale);
}

// Cells are square where the server says so; a few long rows are drawn lower.
function fit(plot, layout) {
  const side = plot.clientWidth - 84; // less margins, ticks and the title of the axis
  plot.style.height = `${Math.round(layout.margin.t + 56 + (layout.yaxis.scaleanchor ? side : side * 0.6))}px`;
}
function draw(answer) {
  const top = Math.max(answer.matrix.layout.margin.t, answer.blocks.layout.margin.t);
  drawn = answer;
  stale(false);
  keepPick();
  for (const [name, plot] of Object.entries(plots)) {
    const { data, layout } = answer[name];
    layout.margin.t = top;
    layout.dragmode = false; // a finger scrolls the page
    layout.xaxis.fixedrange = layout.yaxis.fixedrange = true;
    fit(plot, layout);
    const shapes = name === "matrix" ? withPick(layout) : layout.shapes;
    window.Plotly.react(plot, data, { ...layout, shapes }, CONFIG);
  }
  plots.matrix.setAttribute("aria-label", `${vm.words.mask_matrix}. ${vm.words.mask_keys}`);
  plots.blocks.setAttribute("aria-label", `${vm.words.mask_blocks}. ${answer.said.summary}`);
  if (!plots.matrix.isHeard) plots.matrix.on("plotly_click", ({ points }) => pick(points[0].y, points[0].x));
  plots.matrix.isHeard = true;
  sayWhy();
}

// The picked cell: framed, and its reason under the matrix.
const words = () => drawn.matrix.data[0].hovertext;
function keepPick() {
  if (picked) picked = [Math.min(picked[0], words().length - 1), Math.min(picked[1], words()[0].length - 1)];
}
function withPick({ shapes = [] }) {
  if (!picked) return shapes;
  const [row, column] = picked, line = { color: vm.token("playhead"), width: 3 };
  return [...shapes, { type: "rect", x0: column - 0.6, x1: column + 0.6, y0: row - 0.6, y1: row + 0.6, line }];
}
function sayWhy() {
  if (!picked) { why.textContent = vm.words.mask_pick; return; }
  const [reason, ...rest] = words()[picked[0]][picked[1]].split("</b><br>");
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
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };
plots.matrix.addEventListener("keydown", (event) => {
  if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && picked) pick(null);
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const last = [words().length - 1, words()[0].length - 1];
  pick(...(picked ? picked.map((at, axis) => Math.max(0, Math.min(last[axis], at + move[axis]))) : [0, 0]));
});

for (const button of element.querySelectorAll("[data-png]")) {
  button.addEventListener("click", () => vm.plots.save(plots[button.dataset.png], `mask-${button.dataset.png}`));
}
new ResizeObserver(() => {
  if (!drawn || !plots.matrix.clientWidth) return;
  for (const [name, plot] of Object.entries(plots)) fit(plot, drawn[name].layout);
}).observe(element);
