// The timeline: a band per behaviour, the curves under it, and the two lines that move.
const plot = element.querySelector(".vm-plot"), canvas = plot.querySelector("canvas");
const tip = plot.querySelector(".vm-tip"), empty = plot.querySelector(".vm-empty"), hatched = element.querySelector(".vm-hatched");
const pen = canvas.getContext("2d");
const LABEL_FONT = "11.5px system-ui, sans-serif";
const ROW = 20, CURVES = 96, AXIS = 22, TOP = 4;
let items = [], bands = [], classes = [], memory = null, gaps = [], duration = 0, analysed = 0;
let playhead = null, looking = null, hover = null, focusColumn = -1, width = 0, height = 0, gutter = 118;

const x = (seconds) => gutter + ((seconds - view.from) / (view.to - view.from)) * (width - gutter - 1);
const timeAt = (pixel) => view.from + ((pixel - gutter) / (width - gutter - 1)) * (view.to - view.from);
const rowsHeight = () => classes.length * ROW;
const curveY = (value) => TOP + rowsHeight() + 12 + (1 - value / 255) * (CURVES - 12);

function size() {
  width = plot.clientWidth;
  height = TOP + rowsHeight() + 6 + CURVES + AXIS;
  pen.font = LABEL_FONT;
  const widest = Math.max(60, ...classes.map((name) => pen.measureText(name).width));
  gutter = Math.min(widest + 26, width * (width < 560 ? 0.3 : 0.2));
  const scale = window.devicePixelRatio || 1;
  const wanted = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
    [canvas.width, canvas.height] = wanted;
    canvas.style.height = `${height}px`;
  }
  pen.setTransform(scale, 0, 0, scale, 0, 0);
}

function drawRows() {
  pen.font = LABEL_FONT;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  classes.forEach((name, row) => {
    const y = TOP + row * ROW;
    pen.fillStyle = vm.token("line");
    pen.fillRect(gutter, y + ROW - 1, width - gutter, 1);
    pen.fillStyle = vm.paint(row);
    pen.fillRect(0, y + 6, 8, 8);
    pen.fillStyle = vm.token(row === focusColumn ? "ink" : "dim");
    pen.fillText(shorten(name, gutter - 22), 14, y + ROW / 2);
  });
}
function shorten(text, room) {
  if (pen.measureText(text).width <= room) return text;
  let cut = text.length;
  while (cut > 1 && pen.measureText(`${text.slice(0, cut)}…`).width > room) cut -= 1;
  return `${text.slice(0, cut)}…`;
}

function drawSpan() {
  if (memory && memory[1] > view.from && memory[0] < view.to) {
    pen.fillStyle = vm.token("span");
    const left = x(memory[0]);
    pen.fillRect(left, TOP, Math.max(1, x(memory[1]) - left), rowsHeight() + CURVES + 6);
  }
  pen.fillStyle = vm.token("well");
  for (const [start, end] of gaps) pen.fillRect(x(start), TOP, Math.max(2, x(end) - x(start)), rowsHeight() + CURVES + 6);
}

function drawBands() {
  for (const { start, end, column, isFinal } of bands) {
    if (end < view.from || start > view.to) continue;
    const left = x(start), wide = Math.max(1.2, x(end) - left - 0.6), top = TOP + column * ROW + 3;
    pen.fillStyle = pen.strokeStyle = vm.paint(column);
    pen.globalAlpha = focusColumn >= 0 && focusColumn !== column ? 0.3 : 1;
    pen.beginPath();
    pen.roundRect(left, top, wide, 13, Math.min(2, wide / 2));
    if (isFinal) pen.fill(); else hatch(left, top, wide, 13);
  }
  pen.globalAlpha = 1;
}
// The path that was begun, in stripes: they lie still while the view moves.
function hatch(left, top, wide, high) {
  pen.save();
  pen.clip();
  pen.globalAlpha *= 0.22;
  pen.fillRect(left, top, wide, high);
  pen.globalAlpha /= 0.22;
  pen.lineWidth = 1.8;
  for (let at = Math.floor((left - high) / 6) * 6; at < left + wide; at += 6) {
    pen.moveTo(at, top + high);
    pen.lineTo(at + high, top);
  }
  pen.stroke();
  pen.restore();
}

function drawScale() {
  pen.fillStyle = vm.token("line");
  pen.fillRect(gutter, curveY(0) + 0.5, width - gutter, 1);
  pen.fillStyle = vm.token("dim");
  pen.font = "10.5px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.fillText("1", gutter - 7, curveY(255) + 1);
  pen.fillText("0", gutter - 7, curveY(0));
  pen.textAlign = "left";
  pen.fillText(shorten(vm.words.probability, gutter - 22), 0, (curveY(0) + curveY(255)) / 2);
}

function drawCurves() {
  const shown = items.filter((item) => item.end >= view.from && item.start <= view.to);
  pen.lineJoin = "round";
  for (let column = classes.length - 1; column >= 0; column--) drawCurve(shown, column);
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}
function drawCurve(shown, column) {
  pen.strokeStyle = vm.paint(column);
  pen.globalAlpha = focusColumn >= 0 && focusColumn !== column ? 0.15 : 0.9;
  pen.lineWidth = focusColumn === column ? 2 : 1.3;
  pen.beginPath();
  let before = null;
  for (const item of shown) {
    const left = x(item.start), y = curveY(item.values[column] ?? 0);
    const isGap = before && item.start - before.end > Math.max(item.end - item.start, before.end - before.start) * 1.1;
    if (before && before.isFinal !== item.isFinal) { // dots for what is provisional: a line of its own
      strokeCurve(before);
      pen.moveTo(x(before.end), curveY(before.values[column] ?? 0));
    }
    if (!before || isGap) pen.moveTo(left, y); else pen.lineTo(left, y);
    pen.lineTo(x(item.end), y);
    before = item;
  }
  if (before) strokeCurve(before);
}
function strokeCurve({ isFinal }) {
  pen.setLineDash(isFinal ? [] : [2, 3]);
  pen.stroke();
  pen.beginPath();
}

const TICKS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];
function drawAxis() {
  const room = (width - gutter) / 74;
  const step = TICKS.find((seconds) => (view.to - view.from) / seconds <= room) ?? 43200;
  pen.fillStyle = vm.token("dim");
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "center";
  const y = height - 9;
  for (let tick = Math.ceil(view.from / step) * step; tick <= view.to + 1e-9; tick += step) {
    const at = x(tick);
    pen.fillRect(at, height - AXIS - 1, 1, 4);
    if (at > gutter + 14 && at < width - 20) pen.fillText(vm.clock(tick, duration, step < 1), at, y);
  }
}

function drawLine(seconds, colour, dashed) {
  if (seconds === null || seconds < view.from || seconds > view.to) return;
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.setLineDash(dashed ? [4, 3] : []);
  pen.beginPath();
  pen.moveTo(x(seconds), 1);
  pen.lineTo(x(seconds), height - AXIS);
  pen.stroke();
  pen.setLineDash([]);
}

const draw = vm.perFrame(() => {
  if (!plot.clientWidth) return;
  size();
  pen.clearRect(0, 0, width, height);
  drawRows();
  drawScale();
  drawAxis();
  pen.save();
  pen.beginPath();
  pen.rect(gutter, 0, width - gutter, height);
  pen.clip();
  drawSpan();
  drawBands();
  drawCurves();
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
vm.on("epoch", () => {
  playhead = looking = null;
  view.mode = "fit";
  askRange(0);
  refresh();
});
new ResizeObserver(draw).observe(plot);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

function describe(seconds) {
  const item = itemAt(items, seconds);
  const time = vm.clock(seconds, duration, duration < 600);
  if (!item) return vm.fill("time_only", { time });
  return vm.fill(item.isFinal ? "time_and_label" : "time_and_provisional", { time, label: classes[item.column] ?? "", share: ((item.values[item.column] ?? 0) / 255).toFixed(2) });
}
function look(seconds) {
  vm.act("look", { seconds: Math.max(0, Math.min(seconds, duration || seconds)) });
}
function zoom(factor, around = (view.from + view.to) / 2) {
  view.mode = "free";
  zoomView(factor, around, duration);
  moved();
}
