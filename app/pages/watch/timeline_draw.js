// The timeline's pen: a band per behaviour, the curves under it, and the lines that move. Over the Memory and the Heads
// page it is one lane, so that a moment can be picked there and the page begins soon.

import { token } from "../shared/colours.js";
import { perFrame, viewShown } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { tickStep } from "../shared/time_view.js";
import { words } from "../shared/words.js";
import { columnPaint } from "./colours.js";
import { state, x } from "./timeline_state.js";
import { view } from "./timeline_view.js";

const LABEL_FONT = "11.5px system-ui, sans-serif";
export const ROW = 20;
export const TOP = 4;
const LANE = 26;
const CURVES = 96;
const AXIS = 22;
const isLane = () => ["memory", "heads"].includes(viewShown());

// Gives back what draws it anew, at the next animation frame.
export function makeDrawing(plot, canvas) {
  const pen = canvas.getContext("2d");

  const rowsHeight = () => (isLane() ? LANE : state.classes.length * ROW);
  const bodyHeight = () => rowsHeight() + (isLane() ? 2 : CURVES + 6);
  const curveY = (value) => TOP + rowsHeight() + 12 + (1 - value / 255) * (CURVES - 12);

  function size() {
    state.width = plot.clientWidth;
    state.height = TOP + bodyHeight() + AXIS;
    pen.font = LABEL_FONT;
    const widest = Math.max(60, ...state.classes.map((name) => pen.measureText(name).width));
    state.gutter = isLane() ? 0 : Math.min(widest + 26, state.width * (state.width < 560 ? 0.34 : 0.2));
    plot.style.setProperty("--gutter", `${state.gutter}px`); // for the words on an empty plot
    plot.style.setProperty("--body", `${TOP + bodyHeight()}px`);
    const scale = window.devicePixelRatio || 1;
    const wanted = [Math.round(state.width * scale), Math.round(state.height * scale)];
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
      [canvas.width, canvas.height] = wanted;
      canvas.style.height = `${state.height}px`;
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
  }

  function drawRows() {
    pen.font = LABEL_FONT;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    state.classes.forEach((name, row) => {
      const y = TOP + row * ROW;
      pen.fillStyle = token("line");
      pen.fillRect(state.gutter, y + ROW - 1, state.width - state.gutter, 1);
      pen.fillStyle = columnPaint(row);
      pen.fillRect(0, y + 6, 8, 8);
      pen.fillStyle = token(row === state.focusColumn ? "ink" : "dim");
      pen.fillText(shorten(name, state.gutter - 22), 14, y + ROW / 2);
    });
  }
  // Cut in the middle: "resting after feeding" and "resting after drinking" differ at the end.
  function shorten(text, room) {
    if (pen.measureText(text).width <= room) return text;
    for (let kept = text.length - 1; kept > 1; kept--) {
      const half = Math.ceil(kept / 2);
      const cut = `${text.slice(0, half).trimEnd()}…${text.slice(text.length - (kept - half)).trimStart()}`;
      if (pen.measureText(cut).width <= room) return cut;
    }
    return "…";
  }

  function drawSpan() {
    pen.fillStyle = token("unjudged");
    for (const [start, end] of state.unjudged)
      if (end > view.from && start < view.to) pen.fillRect(x(start), TOP, x(end) - x(start), bodyHeight());
    if (state.memory && state.memory[1] > view.from && state.memory[0] < view.to) {
      pen.fillStyle = token("span");
      const left = x(state.memory[0]);
      pen.fillRect(left, TOP, Math.max(1, x(state.memory[1]) - left), bodyHeight());
    }
    pen.fillStyle = token("well");
    for (const [start, end] of state.gaps) pen.fillRect(x(start), TOP, Math.max(2, x(end) - x(start)), bodyHeight());
    for (const [start, end, reason] of state.gaps)
      nameGap(reason, Math.max(x(start), state.gutter) + 7, Math.min(x(end), state.width) - 5);
  }
  // Why nothing was judged, where there is room for it.
  function nameGap(reason, from, to) {
    if (to - from < 60) return;
    pen.font = LABEL_FONT;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillStyle = token("dim");
    pen.fillText(shorten(reason, to - from), from, TOP + (isLane() ? LANE - 2 : bodyHeight()) / 2);
  }

  function drawBands() {
    for (const { start, end, column, isFinal, isOther } of state.bands) {
      if (end < view.from || start > view.to || (isOther && isLane())) continue;
      const left = x(start);
      const wide = Math.max(1.2, x(end) - left - 0.6);
      const high = isLane() ? LANE - 6 : 13;
      const top = TOP + (isLane() ? 0 : column * ROW) + 3;
      pen.fillStyle = pen.strokeStyle = columnPaint(column);
      pen.globalAlpha = state.focusColumn >= 0 && state.focusColumn !== column ? 0.3 : 1;
      pen.beginPath();
      pen.roundRect(left, top, wide, high, Math.min(2, wide / 2));
      if (isFinal) pen.fill();
      else hatch(left, top, wide, high);
      if (isLane()) nameBand(state.classes[column], left, top + high / 2, wide, isFinal);
    }
    pen.globalAlpha = 1;
  }
  // In one lane the behaviours have no rows: their names stand in the bands that are wide enough.
  function nameBand(name, left, middle, wide, isFinal) {
    const from = Math.max(left, 0) + 7;
    const room = Math.min(left + wide, state.width) - from - 5;
    if (room < 34) return;
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16));
    pen.fillStyle = !isFinal ? token("ink") : 0.3 * red + 0.59 * green + 0.11 * blue > 128 ? "#10161a" : "#fff";
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
    pen.fillStyle = token("line");
    pen.fillRect(state.gutter, curveY(0) + 0.5, state.width - state.gutter, 1);
    pen.fillStyle = token("dim");
    pen.font = "10.5px system-ui, sans-serif";
    pen.textAlign = "right";
    pen.fillText("1", state.gutter - 7, curveY(255) + 1);
    pen.fillText("0", state.gutter - 7, curveY(0));
    pen.textAlign = "left";
    pen.fillText(shorten(words.probability, state.gutter - 22), 0, (curveY(0) + curveY(255)) / 2);
  }

  function drawCurves() {
    const shown = state.items.filter((item) => item.end >= view.from && item.start <= view.to);
    pen.lineJoin = "round";
    for (let column = state.classes.length - 1; column >= 0; column--) drawCurve(shown, column);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }
  function drawCurve(shown, column) {
    pen.strokeStyle = columnPaint(column);
    pen.globalAlpha = state.focusColumn >= 0 && state.focusColumn !== column ? 0.15 : 0.9;
    pen.lineWidth = state.focusColumn === column ? 2 : 1.3;
    pen.beginPath();
    let before = null;
    for (const item of shown) {
      const left = x(item.start);
      const y = curveY(item.values[column] ?? 0);
      const isGap =
        before && item.start - before.end > Math.max(item.end - item.start, before.end - before.start) * 1.1;
      if (before && before.isFinal !== item.isFinal) {
        // dots for what is provisional: a line of its own
        strokeCurve(before);
        pen.moveTo(x(before.end), curveY(before.values[column] ?? 0));
      }
      if (!before || isGap) pen.moveTo(left, y);
      else pen.lineTo(left, y);
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

  function drawAxis() {
    const step = tickStep(view, (state.width - state.gutter) / 74);
    pen.fillStyle = token("dim");
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    const y = state.height - 9;
    for (let tick = Math.ceil(view.from / step) * step; tick <= view.to + 1e-9; tick += step) {
      const at = x(tick);
      pen.fillRect(at, state.height - AXIS - 1, 1, 4);
      if (at > state.gutter + 14 && at < state.width - 20)
        pen.fillText(format.clock(tick, { hasTenths: step < 1 }), at, y);
    }
  }

  // A span that another part has marked: a remembered clip whose frames are looked at.
  function drawMark() {
    if (!state.marked || state.marked.end < view.from || state.marked.start > view.to) return;
    const left = x(state.marked.start);
    const wide = Math.max(4, x(state.marked.end) - left);
    pen.strokeStyle = pen.fillStyle = token("playhead");
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
    pen.lineTo(x(seconds), state.height - AXIS);
    pen.stroke();
    pen.setLineDash([]);
  }

  return perFrame(() => {
    if (!plot.clientWidth) return;
    size();
    pen.clearRect(0, 0, state.width, state.height);
    if (!isLane()) {
      drawRows();
      drawScale();
    }
    drawAxis();
    pen.save();
    pen.beginPath();
    pen.rect(state.gutter, 0, state.width - state.gutter, state.height);
    pen.clip();
    drawSpan();
    drawBands();
    if (!isLane()) drawCurves();
    drawMark();
    pen.restore();
    drawLine(state.playhead, token("playhead"), false);
    drawLine(state.looking, token("accent"), true);
    if (state.hover !== null) drawLine(state.hover, token("dim"), true);
  });
}
