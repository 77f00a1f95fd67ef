// The timeline's pen: a band per behaviour, the curves under it, and the lines that move. Over the Memory and the Heads
// page it is one lane, so that a moment can be picked there and the page begins soon. Runs before timeline.js.
const LABEL_FONT = "11.5px system-ui, sans-serif";
const ROW = 20, LANE = 26, CURVES = 96, AXIS = 22, TOP = 4;
const isLane = () => ["memory", "heads"].includes(document.body.dataset.view);
const rowsHeight = () => (isLane() ? LANE : classes.length * ROW);
const bodyHeight = () => rowsHeight() + (isLane() ? 2 : CURVES + 6);
const curveY = (value) => TOP + rowsHeight() + 12 + (1 - value / 255) * (CURVES - 12);

function size() {
  width = plot.clientWidth;
  height = TOP + bodyHeight() + AXIS;
  pen.font = LABEL_FONT;
  const widest = Math.max(60, ...classes.map((name) => pen.measureText(name).width));
  gutter = isLane() ? 0 : Math.min(widest + 26, width * (width < 560 ? 0.3 : 0.2));
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
    pen.fillRect(left, TOP, Math.max(1, x(memory[1]) - left), bodyHeight());
  }
  pen.fillStyle = vm.token("well");
  for (const [start, end] of gaps) pen.fillRect(x(start), TOP, Math.max(2, x(end) - x(start)), bodyHeight());
  for (const [start, end, reason] of gaps) nameGap(reason, Math.max(x(start), gutter) + 7, Math.min(x(end), width) - 5);
}
// Why nothing was judged, where there is room for it.
function nameGap(reason, from, to) {
  if (to - from < 60) return;
  pen.font = LABEL_FONT;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillStyle = vm.token("dim");
  pen.fillText(shorten(reason, to - from), from, TOP + (isLane() ? LANE - 2 : bodyHeight()) / 2);
}

function drawBands() {
  for (const { start, end, column, isFinal } of bands) {
    if (end < view.from || start > view.to) continue;
    const left = x(start), wide = Math.max(1.2, x(end) - left - 0.6), high = isLane() ? LANE - 6 : 13;
    const top = TOP + (isLane() ? 0 : column * ROW) + 3;
    pen.fillStyle = pen.strokeStyle = vm.paint(column);
    pen.globalAlpha = focusColumn >= 0 && focusColumn !== column ? 0.3 : 1;
    pen.beginPath();
    pen.roundRect(left, top, wide, high, Math.min(2, wide / 2));
    if (isFinal) pen.fill(); else hatch(left, top, wide, high);
    if (isLane()) nameBand(classes[column], left, top + high / 2, wide, isFinal);
  }
  pen.globalAlpha = 1;
}
// In one lane the behaviours have no rows: their names stand in the bands that are wide enough.
function nameBand(name, left, middle, wide, isFinal) {
  const from = Math.max(left, 0) + 7, room = Math.min(left + wide, width) - from - 5;
  if (room < 34) return;
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
  pen.fillStyle = !isFinal ? vm.token("ink") : 0.3 * red + 0.59 * green + 0.11 * blue > 128 ? "#10161a" : "#fff";
  pen.font = LABEL_FONT;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  pen.fillText(shorten(name, room), from, middle + 0.5);
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

// A span that another part has marked: a remembered clip whose frames are looked at.
function drawMark() {
  if (!marked || marked.end < view.from || marked.start > view.to) return;
  const left = x(marked.start), wide = Math.max(4, x(marked.end) - left);
  pen.strokeStyle = pen.fillStyle = vm.token("playhead");
  pen.globalAlpha = 0.16;
  pen.fillRect(left, 1, wide, TOP + bodyHeight() - 2);
  pen.globalAlpha = 1;
  pen.lineWidth = 2;
  pen.strokeRect(left, 1, wide, TOP + bodyHeight() - 2);
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
