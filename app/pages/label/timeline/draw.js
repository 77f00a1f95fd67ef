// The timeline's pen: lanes, marks, bars and ticks, the playhead, the axis, and below it all of the video.

import { token } from "../../shared/colours.js";
import { dark } from "../../shared/dom.js";
import * as format from "../../shared/format.js";
import { tickStep } from "../../shared/time_view.js";
import { wallTime } from "../../shared/video/wall_clock.js";
import { words } from "../../shared/words.js";
import { firstFrom } from "../editing/edits.js";
import { MODEL, OWN } from "./lanes.js";

const FONT = "11.5px system-ui, sans-serif";
const AXIS = 22; // pixels
const OVERVIEW = 20;
const MAX_LOOKED = 300; // bars among which a wide gap is looked for, in each frame
const MIN_BAR = 1; // pixel: what is narrower is drawn so wide, and what lies in one that is drawn is left out
const endOf = (one) => one.end;
const startOf = (one) => one.start;

// `state`: view, lanes, high, playhead, duration, start, selection, drag, marking, hover. Gives back { draw, x, timeAt,
// laneAt, inOverview, height }.
export function makeDrawing(plot, canvas, state) {
  const pen = canvas.getContext("2d");
  const widths = new Map(); // text -> pixels
  let colours = {};
  let patterns = {};
  let drawnFor = "";
  let overview = null; // its picture, drawn anew when labels change
  let overviewOf = null;

  const perSecond = () => (state.width - state.gutter - 1) / (state.view.to - state.view.from);
  const x = (seconds) => state.gutter + (seconds - state.view.from) * perSecond();
  const timeAt = (pixel) => state.view.from + (pixel - state.gutter) / perSecond();
  const bodyEnd = () => state.high + 6;
  const overviewTop = () => bodyEnd() + AXIS + 4;
  const clockAt = (seconds, hasTenths) =>
    state.start ? wallTime(state.start, seconds, { hasTenths }) : format.clock(seconds, { hasTenths });

  function size() {
    state.width = plot.clientWidth;
    state.isNarrow = state.width < 560;
    state.gutter = state.isNarrow ? 62 : state.lanes.some(({ subject }) => subject) ? 172 : 126;
    state.height = overviewTop() + OVERVIEW + 2;
    const scale = window.devicePixelRatio || 1;
    const wanted = [Math.round(state.width * scale), Math.round(state.height * scale)];
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
      [canvas.width, canvas.height] = wanted;
      canvas.style.height = `${state.height}px`;
      overviewOf = null;
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.textBaseline = "middle";
    const look = `${dark.matches} ${scale}`;
    if (look !== drawnFor) refreshColours(look);
  }
  function refreshColours(look) {
    drawnFor = look;
    overviewOf = null;
    const names = ["ink", "dim", "line", "card", "well", "unjudged", "playhead", "accent", "bg"];
    colours = Object.fromEntries(names.map((name) => [name, token(name)]));
    patterns = {
      unlabelled: hatched(colours.unjudged, colours.line, 9),
      notScored: hatched(colours.well, colours.dim, 5),
    };
  }
  function hatched(ground, stroke, every) {
    const scale = window.devicePixelRatio || 1;
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(every * scale);
    const brush = tile.getContext("2d");
    const side = tile.width;
    brush.fillStyle = ground;
    brush.fillRect(0, 0, side, side);
    brush.strokeStyle = stroke;
    brush.lineWidth = scale;
    brush.beginPath();
    for (const shift of [-side, 0, side]) {
      brush.moveTo(shift, side);
      brush.lineTo(shift + side, 0);
    }
    brush.stroke();
    const pattern = pen.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix([1 / scale, 0, 0, 1 / scale, 0, 0]));
    return pattern;
  }

  const widthOf = (text) => {
    if (!widths.has(text)) {
      if (widths.size > 2000) widths.clear();
      pen.font = FONT;
      widths.set(text, pen.measureText(text).width);
    }
    return widths.get(text);
  };
  function shorten(text, room) {
    if (widthOf(text) <= room) return text;
    const kept = Math.floor((text.length * room) / widthOf(text)) - 1;
    return kept > 0 ? `${text.slice(0, kept).trimEnd()}…` : "";
  }

  // What of a list, in order and apart, is on view.
  function visible(list, draw) {
    const { from, to } = state.view;
    for (let index = firstFrom(list, from, endOf); index < list.length && list[index].start < to; index++)
      draw(list[index]);
  }
  function visiblePoints(list, draw) {
    const { from, to } = state.view;
    for (let index = firstFrom(list, from, startOf); index < list.length && list[index].start <= to; index++)
      draw(list[index]);
  }

  function drawLane(lane) {
    const { y } = lane;
    if (!lane.isOther) {
      drawGround(lane, y);
      drawStates(lane.states, y, OWN, 1, false);
      visible(lane.states, (one) => drawNote(one, y));
      visiblePoints(lane.points, (one) => drawNote(one, y));
      for (const one of state.openOf(lane)) drawOpen(one, y);
      drawPoints(lane.points, y, OWN, 1, false);
      drawDifferences(lane);
    }
    if (!lane.hasModel) return;
    pen.fillStyle = colours.line;
    pen.fillRect(state.gutter, lane.modelY + MODEL, state.width - state.gutter, 1);
    drawStates(lane.theirs.states, lane.modelY, MODEL, 0.45, true);
    drawPoints(lane.theirs.points, lane.modelY, MODEL, 0.6, true);
  }
  function drawGround({ scored, notScored }, y) {
    const right = Math.min(state.width, x(state.duration));
    pen.fillStyle = patterns.unlabelled;
    pen.fillRect(state.gutter, y, right - state.gutter, OWN);
    pen.fillStyle = colours.card;
    visible(scored, (one) => pen.fillRect(x(one.start), y, x(one.end) - x(one.start), OWN));
    pen.fillStyle = patterns.notScored;
    visible(notScored, (one) => pen.fillRect(x(one.start), y, Math.max(MIN_BAR, x(one.end) - x(one.start)), OWN));
    visible(notScored, (one) => nameSpan(words.label_not_scored, one, y));
    pen.fillStyle = colours.line;
    pen.fillRect(state.gutter, y + OWN, right - state.gutter, 1);
  }
  function nameSpan(text, { start, end }, y) {
    const from = Math.max(x(start), state.gutter) + 6;
    const room = Math.min(x(end), state.width) - from - 6;
    if (room < widthOf(text)) return;
    pen.font = FONT;
    pen.textAlign = "left";
    pen.fillStyle = colours.bg;
    pen.fillRect(from - 3, y + 4, widthOf(text) + 6, OWN - 8);
    pen.fillStyle = colours.dim;
    pen.fillText(text, from, y + OWN / 2 + 0.5);
  }

  function drawStates(list, y, high, alpha, isModel) {
    let drawnTo = -Infinity;
    const top = y + 1;
    const tall = high - (isModel ? 1 : 2);
    pen.globalAlpha = alpha;
    visible(list, (one) => {
      const shown = state.dragged(one) ?? one;
      const left = Math.max(x(shown.start), drawnTo);
      const right = x(shown.end);
      if (right - drawnTo < MIN_BAR) return; // its pixel is drawn already
      const wide = Math.max(MIN_BAR, right - left - (right - left > 4 ? 0.6 : 0));
      drawnTo = left + wide;
      pen.fillStyle = state.colourOf(one.behaviour) ?? colours.dim;
      if (wide < 6) {
        pen.fillRect(left, top, wide, tall);
      } else {
        pen.beginPath();
        pen.roundRect(left, top, wide, tall, 3);
        pen.fill();
        nameBar(one, left, wide, y + high / 2 + (isModel ? 1 : 0), isModel);
      }
    });
    pen.globalAlpha = 1;
  }
  function nameBar(one, left, wide, middle, isModel) {
    const from = Math.max(left, state.gutter) + 6;
    const room = Math.min(left + wide, state.width) - from - 5;
    if (room < 30) return;
    const mark = !isModel && one.score !== null ? "✓ " : ""; // confirmed
    const text = shorten(`${mark}${one.behaviour}`, room);
    if (!text) return;
    pen.font = FONT;
    pen.textAlign = "left";
    const alpha = pen.globalAlpha;
    pen.globalAlpha = 1;
    pen.fillStyle = isModel ? colours.ink : state.inkOn(one.behaviour);
    pen.fillText(text, from, middle + 0.5);
    pen.globalAlpha = alpha;
  }
  // A dot above the middle of a bout that has a note: there is room for it above the shortest.
  function drawNote(one, y) {
    if (!one.comment) return;
    const { start, end } = state.dragged(one) ?? one;
    const at = (Math.max(x(start), state.gutter) + Math.min(x(end), state.width)) / 2;
    pen.fillStyle = colours.ink;
    pen.beginPath();
    pen.arc(at, y - 4, 2.5, 0, 2 * Math.PI);
    pen.fill();
  }
  // A state that is on reaches to the playhead, over what was there before, and its end is open.
  function drawOpen(one, y) {
    const [left, right] = [x(one.start), x(one.to)];
    if (right < state.gutter || left > state.width) return;
    const wide = Math.max(2, right - left);
    pen.fillStyle = state.colourOf(one.behaviour) ?? colours.dim;
    pen.beginPath();
    pen.roundRect(left, y + 1, wide, OWN - 2, [3, 0, 0, 3]);
    pen.fill();
    nameBar(one, left, wide, y + OWN / 2, false);
    pen.fillStyle = colours.playhead;
    pen.fillRect(left + wide - 2, y - 2, 2, OWN + 4);
  }
  function drawPoints(list, y, high, alpha, isModel) {
    let drawn = -Infinity;
    pen.globalAlpha = alpha;
    visiblePoints(list, (one) => {
      const at = x((state.dragged(one) ?? one).start);
      if (at - drawn < MIN_BAR) return;
      drawn = at;
      pen.fillStyle = state.colourOf(one.behaviour) ?? colours.dim;
      pen.fillRect(at - 1, y, 2, high);
      pen.beginPath();
      pen.moveTo(at - 5, y);
      pen.lineTo(at + 5, y);
      pen.lineTo(at, y + (isModel ? 6 : 8));
      pen.fill();
    });
    pen.globalAlpha = 1;
  }
  function drawDifferences({ differences, differenceY }) {
    const { from, to } = state.view;
    let drawnTo = -Infinity;
    pen.fillStyle = colours.playhead;
    for (let index = firstFrom(differences, from, (one) => one[1]); index < differences.length; index++) {
      const [start, end] = differences[index];
      if (start >= to) break;
      const left = Math.max(x(start), drawnTo);
      const wide = Math.max(2, x(end) - left);
      if (x(end) - drawnTo < MIN_BAR) continue;
      drawnTo = left + wide;
      pen.fillRect(left, differenceY, wide, 3);
    }
  }
  function drawSelection() {
    const { bout, isModel } = state.selection;
    if (!bout) return;
    const lane = state.laneOf(bout, isModel);
    if (!lane) return;
    const shown = state.dragged(bout) ?? bout;
    const [y, high] = isModel ? [lane.modelY, MODEL] : [lane.y, OWN];
    const left = x(shown.start);
    const wide = Math.max(5, x(isModel ? shown.end : state.endOf(shown)) - left);
    if (left > state.width || left + wide < state.gutter) return;
    pen.strokeStyle = colours.card;
    pen.lineWidth = 4;
    pen.beginPath();
    pen.roundRect(left - 1, y - 0.5, wide + 2, high + 1, 4);
    pen.stroke();
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 2;
    pen.stroke();
  }
  function drawMarking() {
    for (const { from, to, lane } of state.marks()) {
      const [left, right] = [x(Math.min(from, to)), x(Math.max(from, to))];
      const [y, high] = lane ? [lane.y - 2, OWN + 4] : [2, bodyEnd() - 4];
      pen.fillStyle = pen.strokeStyle = colours.accent;
      pen.globalAlpha = 0.16;
      pen.fillRect(left, y, right - left, high);
      pen.globalAlpha = 1;
      pen.lineWidth = 1.5;
      pen.setLineDash([4, 3]);
      pen.strokeRect(left, y, right - left, high);
      pen.setLineDash([]);
    }
  }

  // To the left: the axis and the animal, and which row is whose.
  function drawNames() {
    pen.textAlign = "left";
    pen.font = FONT;
    for (const lane of state.lanes) {
      const middle = lane.y + (lane.isOther ? MODEL : OWN) / 2;
      const room = state.isNarrow ? state.gutter - 6 : 66;
      if (lane.isFirst) {
        pen.fillStyle = colours.ink;
        pen.fillText(shorten(lane.axis, room), 0, middle - (state.isNarrow && lane.subject ? 6 : 0));
      }
      if (lane.subject) {
        pen.fillStyle = state.subject === lane.subject ? colours.accent : colours.dim;
        if (state.isNarrow) pen.fillText(shorten(lane.subject, room), 0, middle + 6);
        else pen.fillText(shorten(lane.subject, state.gutter - 80), 74, middle);
      } else if (!state.isNarrow && !lane.isOther) {
        pen.fillStyle = colours.dim;
        pen.fillText(words.label_yours, 74, middle);
      }
      if (!lane.hasModel || (lane.isOther && state.isNarrow)) continue; // there its own name stands
      pen.fillStyle = colours.dim;
      pen.fillText(words.label_model, state.isNarrow ? 0 : 74, lane.modelY + MODEL / 2);
    }
  }
  function drawAxis() {
    const step = tickStep(state.view, (state.width - state.gutter) / 82, 0.04);
    const y = bodyEnd() + AXIS - 8;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillStyle = colours.dim;
    pen.fillRect(state.gutter, bodyEnd(), state.width - state.gutter, 1);
    const until = Math.min(state.view.to, state.duration || Infinity);
    for (let number = Math.ceil(state.view.from / step); number * step <= until + 1e-9; number++) {
      const at = x(number * step);
      pen.fillRect(at, bodyEnd(), 1, 4);
      if (at > state.gutter + 18 && at < state.width - 26) pen.fillText(clockAt(number * step, step < 1), at, y);
    }
    pen.textAlign = "left";
    const text = state.start ? words.label_clock_time : words.label_video_time;
    pen.fillText(shorten(text, state.gutter - 6), 0, y);
  }
  function drawLine(seconds, colour, wide) {
    if (seconds === null || seconds < state.view.from || seconds > state.view.to) return;
    pen.fillStyle = colour;
    pen.fillRect(x(seconds) - wide / 2, 2, wide, bodyEnd() + 2);
  }

  // All of the video, with the part that is on view; drawn from a picture of its own.
  const overviewX = (seconds) => state.gutter + (seconds / (state.duration || 1)) * (state.width - state.gutter - 1);
  function drawOverview() {
    const [top, wide] = [overviewTop(), state.width - state.gutter];
    if (overviewOf !== state.lanes) paintOverview(wide);
    pen.drawImage(overview, state.gutter, top, wide, OVERVIEW);
    const [left, right] = [overviewX(state.view.from), overviewX(Math.min(state.view.to, state.duration || 1))];
    pen.fillStyle = colours.accent;
    pen.globalAlpha = 0.14;
    pen.fillRect(left, top, right - left, OVERVIEW);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 1.5;
    pen.strokeRect(left + 0.75, top + 0.75, Math.max(3, right - left - 1.5), OVERVIEW - 1.5);
    if (state.playhead !== null) {
      pen.fillStyle = colours.playhead;
      pen.fillRect(overviewX(state.playhead) - 1, top, 2, OVERVIEW);
    }
    pen.fillStyle = colours.dim;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillText(shorten(words.label_whole_video, state.gutter - 6), 0, top + OVERVIEW / 2);
  }
  function paintOverview(wide) {
    overviewOf = state.lanes;
    const scale = window.devicePixelRatio || 1;
    overview = overview ?? document.createElement("canvas");
    overview.width = Math.max(1, Math.round(wide * scale));
    overview.height = Math.round(OVERVIEW * scale);
    const brush = overview.getContext("2d");
    brush.scale(scale, scale);
    brush.fillStyle = colours.unjudged;
    brush.fillRect(0, 0, wide, OVERVIEW);
    const mine = state.lanes.filter((lane) => !lane.isOther);
    const high = OVERVIEW / Math.max(1, mine.length);
    mine.forEach((lane, index) => {
      let drawnTo = -Infinity;
      for (const { start, end, behaviour } of lane.states) {
        const [left, right] = [overviewX(start) - state.gutter, overviewX(end) - state.gutter];
        if (right - drawnTo < 0.7) continue;
        drawnTo = Math.max(right, left + 0.7);
        brush.fillStyle = state.colourOf(behaviour) ?? colours.dim;
        brush.fillRect(left, index * high, drawnTo - left, high - 0.5);
      }
    });
  }

  function draw() {
    if (!plot.clientWidth) return false;
    size();
    pen.clearRect(0, 0, state.width, state.height);
    drawNames();
    drawAxis();
    pen.save();
    pen.beginPath();
    pen.rect(state.gutter, 0, state.width - state.gutter, bodyEnd());
    pen.clip();
    for (const lane of state.lanes) drawLane(lane);
    drawUnlabelledWords();
    drawMarking();
    drawSelection();
    drawLine(state.hover, colours.dim, 1);
    drawLine(state.playhead, colours.playhead, 2);
    pen.restore();
    drawOverview();
    return true;
  }
  // Once, where there is room for it: what is hatched.
  function drawUnlabelledWords() {
    const text = words.label_unlabelled;
    for (const lane of state.lanes) {
      if (!lane.hasStates) continue;
      const gap = widestGap(lane);
      if (!gap || gap[1] - gap[0] < widthOf(text) + 26) continue;
      pen.font = FONT;
      pen.textAlign = "left";
      pen.fillStyle = colours.unjudged;
      const from = gap[0] + 10;
      pen.fillRect(from - 4, lane.y + 3, widthOf(text) + 8, OWN - 6);
      pen.fillStyle = colours.dim;
      pen.fillText(text, from, lane.y + OWN / 2 + 0.5);
      return;
    }
  }
  function widestGap(lane) {
    let [from, widest] = [state.gutter, null];
    const taken = [];
    for (const list of [lane.states, lane.scored, lane.notScored])
      visible(list, (one) => taken.push([x(one.start), x(one.end)]));
    if (taken.length > MAX_LOOKED) return null; // so many that no gap is wide
    for (const one of state.openOf(lane)) taken.push([x(one.start), x(one.to)]);
    taken.push([Math.min(state.width, x(state.duration)), Infinity]);
    for (const [left, right] of taken.sort((one, other) => one[0] - other[0])) {
      if (left - from > (widest ? widest[1] - widest[0] : 0)) widest = [from, left];
      from = Math.max(from, right);
    }
    return widest;
  }

  function laneAt(y) {
    return state.lanes.find((lane) => y >= lane.y - 6 && y <= lane.y + lane.high + 6) ?? null;
  }
  const inOverview = (y) => y >= overviewTop() - 3;
  const overviewTime = (pixel) => ((pixel - state.gutter) / (state.width - state.gutter - 1)) * (state.duration || 0);
  return { draw, x, timeAt, laneAt, inOverview, overviewTime, clockAt };
}
