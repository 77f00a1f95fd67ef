// The timeline: what it shows, and what it hears.

import * as bus from "../shared/bus.js";
import { dark } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { bandsOfAll, columnsOf, itemAt, unjudgedSpans, visibleItems } from "./timeline_data.js";
import { makeDrawing } from "./timeline_draw.js";
import { startTimelineInput } from "./timeline_input.js";
import { reach, state } from "./timeline_state.js";
import { askRange, bringIntoView, fitView, followView, rangeIsEnough, view, zoomView } from "./timeline_view.js";

export function start(element) {
  const plot = element.querySelector(".vm-plot");
  const canvas = plot.querySelector("canvas");
  const tip = plot.querySelector(".vm-tip");
  const empty = plot.querySelector(".vm-empty");
  const hatched = element.querySelector(".vm-hatched");
  const draw = makeDrawing(plot, canvas);

  function refresh() {
    state.items = visibleItems(bus.last.range, bus.tail);
    state.bands = bandsOfAll(state.items, state.axes);
    state.unjudged = unjudgedSpans(state.items, bus.last.range, state.duration);
    empty.hidden = state.items.length > 0;
    hatched.hidden = state.items.every((item) => item.isFinal);
    draw();
  }
  function moved() {
    if (!rangeIsEnough()) askRange();
    for (const button of element.querySelectorAll("[data-zoom][aria-pressed]"))
      button.setAttribute("aria-pressed", view.mode === button.dataset.zoom);
    element.dataset.view = `${view.from.toFixed(2)},${view.to.toFixed(2)}`;
    draw();
  }
  function advance() {
    if (["fit", "grow"].includes(view.mode)) {
      const before = view.to;
      fitView(state.analysed, state.duration);
      if (before !== view.to) moved();
    } else if (view.mode === "follow" && state.playhead !== null) {
      followView(state.playhead);
      moved();
    }
  }

  bus.on("source", (source) => {
    state.duration = source?.duration_seconds ?? 0;
    state.hover = null;
    tip.hidden = true; // it was of the video before
    advance();
    refresh();
  });
  bus.on("timeline", (value) => {
    const changed = value.classes.join() !== state.classes.join();
    const { classes, axes = [], gaps, analysed } = value;
    Object.assign(state, { classes, axes, gaps, analysed });
    plot.setAttribute("aria-valuemax", Math.max(state.analysed, 0.1).toFixed(1));
    advance();
    if (changed) refresh();
    else draw();
  });
  bus.on("range", refresh);
  bus.on("memory", ({ slots, is_window }) => {
    element.querySelector(".vm-shaded").textContent = words[is_window ? "shaded_window" : "shaded_memory"];
    state.memory = slots.length ? [slots[0].start, slots.at(-1).end] : null;
    draw();
  });
  bus.on("behind", () => askRange(0));
  bus.on("points", () => {
    if (bus.tail.length > 1200) askRange(0);
    refresh();
  });
  bus.on("playhead", (seconds) => {
    state.playhead = seconds;
    advance();
    draw();
  });
  bus.on("look", (value) => {
    state.looking = value?.seconds ?? null;
    const shown = state.looking ?? state.playhead ?? 0;
    plot.setAttribute("aria-valuenow", Math.min(shown, Math.max(state.analysed, 0.1)).toFixed(1));
    plot.setAttribute("aria-valuetext", describe(shown));
    draw();
  });
  // { start, end } in seconds, or null: what is marked is brought into view.
  bus.on("mark", (span) => {
    state.marked = span;
    if (span) element.dataset.mark = `${span.start},${span.end}`;
    else delete element.dataset.mark;
    if (span && plot.clientWidth && bringIntoView(span, state.width - state.gutter, reach())) moved();
    draw();
  });
  bus.on("view_shown", draw);
  bus.on("epoch", () => {
    state.playhead = state.looking = state.marked = null;
    if (view.mode !== "grow") view.mode = "fit";
    askRange(0);
    refresh();
  });
  new ResizeObserver(draw).observe(plot);
  dark.addEventListener("change", draw);

  function describe(seconds) {
    const item = itemAt(state.items, seconds);
    const time = format.clock(seconds, { hasTenths: reach() < 600 });
    const gap = item ? null : state.gaps.find(([start, end]) => start <= seconds && seconds < end);
    if (gap) return fill("live_gap", { time, reason: gap[2] });
    if (!item) return fill(state.duration ? "time_unjudged" : "time_only", { time });
    return fill(item.isFinal ? "time_and_label" : "time_and_provisional", {
      time,
      labels: columnsOf(item, state.axes)
        .map((column) => `${state.classes[column] ?? ""} ${((item.values[column] ?? 0) / 255).toFixed(2)}`)
        .join(" · "),
    });
  }
  function look(seconds) {
    bus.act("look", { seconds: Math.max(0, Math.min(seconds, state.duration || seconds)) });
  }
  function zoom(factor, around = (view.from + view.to) / 2) {
    view.mode = "free";
    zoomView(factor, around, reach());
    moved();
  }
  startTimelineInput({ element, plot, canvas, tip, draw, moved, look, zoom, describe });
}
