// The timeline: what it shows, and what it hears. How it is drawn is in timeline_draw.js, before this.
const plot = element.querySelector(".vm-plot"), canvas = plot.querySelector("canvas");
const tip = plot.querySelector(".vm-tip"), empty = plot.querySelector(".vm-empty"), hatched = element.querySelector(".vm-hatched");
const pen = canvas.getContext("2d");
let items = [], bands = [], classes = [], memory = null, gaps = [], duration = 0, analysed = 0;
let playhead = null, looking = null, marked = null, hover = null, focusColumn = -1, width = 0, height = 0, gutter = 118;

const x = (seconds) => gutter + ((seconds - view.from) / (view.to - view.from)) * (width - gutter - 1);
const reach = () => duration || Math.max(analysed, 60); // of a live video nobody knows the end
const timeAt = (pixel) => view.from + ((pixel - gutter) / (width - gutter - 1)) * (view.to - view.from);

const draw = vm.perFrame(() => {
  if (!plot.clientWidth) return;
  size();
  pen.clearRect(0, 0, width, height);
  if (!isLane()) {
    drawRows();
    drawScale();
  }
  drawAxis();
  pen.save();
  pen.beginPath();
  pen.rect(gutter, 0, width - gutter, height);
  pen.clip();
  drawSpan();
  drawBands();
  if (!isLane()) drawCurves();
  drawMark();
  pen.restore();
  drawLine(playhead, vm.token("playhead"), false);
  drawLine(looking, vm.token("accent"), true);
  if (hover !== null) drawLine(hover, vm.token("dim"), true);
  empty.hidden = items.length > 0;
});

function refresh() {
  items = visibleItems(vm.last.range, vm.tail);
  bands = bandsOf(items);
  hatched.hidden = items.every((item) => item.isFinal);
  draw();
}
function moved() {
  if (!rangeIsEnough()) askRange();
  for (const button of element.querySelectorAll("[data-zoom=follow]")) button.setAttribute("aria-pressed", view.mode === "follow");
  element.dataset.view = `${view.from.toFixed(2)},${view.to.toFixed(2)}`;
  draw();
}
function advance() {
  if (view.mode === "fit") {
    const before = view.to;
    fitView(analysed, duration);
    if (before !== view.to) moved();
  } else if (view.mode === "follow" && playhead !== null) {
    followView(playhead);
    moved();
  }
}

vm.on("source", (source) => { duration = source?.duration_seconds ?? 0; advance(); draw(); });
vm.on("timeline", (value) => {
  const changed = value.classes.join() !== classes.join();
  ({ classes, gaps, analysed } = value);
  plot.setAttribute("aria-valuemax", Math.max(analysed, 0.1).toFixed(1));
  advance();
  if (changed) refresh(); else draw();
});
vm.on("range", refresh);
vm.on("memory", ({ slots, is_window }) => {
  element.querySelector(".vm-shaded").textContent = vm.words[is_window ? "shaded_window" : "shaded_memory"];
  memory = slots.length ? [slots[0].start, slots.at(-1).end] : null;
  draw();
});
vm.on("behind", () => askRange(0));
vm.on("points", () => {
  if (vm.tail.length > 1200) askRange(0);
  refresh();
});
vm.on("playhead", (seconds) => { playhead = seconds; advance(); draw(); });
vm.on("look", (value) => {
  looking = value?.seconds ?? null;
  const shown = looking ?? playhead ?? 0;
  plot.setAttribute("aria-valuenow", Math.min(shown, Math.max(analysed, 0.1)).toFixed(1));
  plot.setAttribute("aria-valuetext", describe(shown));
  draw();
});
// { start, end } in seconds, or null: what is marked is brought into view.
vm.on("mark", (span) => {
  marked = span;
  if (span) element.dataset.mark = `${span.start},${span.end}`; else delete element.dataset.mark;
  if (span && plot.clientWidth && bringIntoView(span, width - gutter, reach())) moved();
  draw();
});
vm.on("view_shown", draw);
vm.on("epoch", () => {
  playhead = looking = marked = null;
  view.mode = "fit";
  askRange(0);
  refresh();
});
new ResizeObserver(draw).observe(plot);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

function describe(seconds) {
  const item = itemAt(items, seconds);
  const time = vm.clock(seconds, reach(), reach() < 600);
  const gap = item ? null : gaps.find(([start, end]) => start <= seconds && seconds < end);
  if (gap) return vm.fill("live_gap", { time, reason: gap[2] });
  if (!item) return vm.fill("time_only", { time });
  return vm.fill(item.isFinal ? "time_and_label" : "time_and_provisional", { time, label: classes[item.column] ?? "", share: ((item.values[item.column] ?? 0) / 255).toFixed(2) });
}
function look(seconds) {
  vm.act("look", { seconds: Math.max(0, Math.min(seconds, duration || seconds)) });
}
function zoom(factor, around = (view.from + view.to) / 2) {
  view.mode = "free";
  zoomView(factor, around, reach());
  moved();
}
