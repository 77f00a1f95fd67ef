// The timeline of the Label page: what it shows, and what it hears.

import * as bus from "../../shared/bus.js";
import { dark, perFrame } from "../../shared/dom.js";
import * as format from "../../shared/format.js";
import { keepInside, zoomAround } from "../../shared/time_view.js";
import { fill, words } from "../../shared/words.js";
import { makeDrawing } from "./draw.js";
import { startTimelineInput } from "./input.js";
import { makeLanes, subjectsOf } from "./lanes.js";

const WIDE = 600; // seconds on view at first, of a longer video
const LEAST = 0.5; // seconds on view at least

export function makeTimeline(element, { store, player, openings, selection, model, coding, openMenu }) {
  const plot = element.querySelector(".vm-code-plot");
  const canvas = plot.querySelector("canvas");
  const state = {
    view: { from: 0, to: 60 },
    lanes: [],
    high: 40,
    playhead: 0,
    duration: 0,
    start: null, // of the recording, in ISO 8601; null: not known
    hover: null,
    drag: null, // { bout, edge, at }: an edge in a hand
    range: null, // { from, to, lane }: a span in a hand
    width: 0,
    gutter: 0,
    selection,
    get subject() {
      return store.subject;
    },
    colourOf: (name) => colours.get(name),
    inkOn: (name) => inks.get(name) ?? "#fff",
    openOf: (lane) => openOf(lane),
    endOf: (bout) => openings.endOf(bout, state.playhead),
    laneOf: (bout, isModel) =>
      state.lanes.find((lane) =>
        isModel
          ? lane.theirs.states.includes(bout) || lane.theirs.points.includes(bout)
          : lane.subject === bout.subject && lane.axis === store.axes.get(bout.behaviour),
      ),
    dragged: (bout) => (state.drag && isSame(state.drag.bout, bout) ? draggedBout(state.drag) : null),
    marks: () => marks(),
  };
  let colours = new Map();
  let inks = new Map();
  let isOld = true;
  const keyPresses = []; // times of events whose drawing is waited for

  const drawing = makeDrawing(plot, canvas, state);
  const draw = perFrame(() => {
    if (isOld) refreshLanes();
    if (drawing.draw()) reportDrawn();
  });
  // How long from a key press to its drawing: heard of by tests, and by whoever measures.
  function reportDrawn() {
    const times = keyPresses.splice(0);
    if (!times.length) return;
    const channel = new MessageChannel(); // its message comes after the frame was painted
    channel.port1.onmessage = () => {
      for (const at of times) bus.emit("label_drawn", performance.now() - at);
      channel.port1.close();
    };
    channel.port2.postMessage(null);
  }

  function refreshLanes() {
    isOld = false;
    colours = new Map(store.ethogram.map(({ name, colour }) => [name, colour]));
    inks = new Map(store.ethogram.map(({ name, colour }) => [name, isBright(colour) ? "#10161a" : "#fff"]));
    const { lanes, high } = makeLanes({ store, model, subjects: subjectsOf(store), otherName: words.label_other_axis });
    Object.assign(state, { lanes, high });
    canvas.setAttribute(
      "aria-label",
      fill("label_timeline_summary", { bouts: store.bouts.length, lanes: lanes.length }),
    );
  }
  function changed() {
    isOld = true;
    draw();
  }
  const isSame = (one, other) =>
    one === other ||
    (one.start === other.start &&
      one.end === other.end &&
      one.behaviour === other.behaviour &&
      one.subject === other.subject);
  function openOf(lane) {
    return openings
      .of(lane.subject, lane.axis)
      .map((bout) => ({ ...bout, to: openings.endOf(bout, state.playhead) }))
      .filter((one) => one.to > one.end);
  }
  function draggedBout({ bout, edge, at }) {
    if (edge === "both") return { ...bout, start: at, end: at + bout.end - bout.start };
    return edge === "start" ? { ...bout, start: Math.min(at, bout.end) } : { ...bout, end: Math.max(at, bout.start) };
  }
  function marks() {
    const { marking } = coding;
    const found = marking ? [{ from: marking.from, to: state.playhead, lane: null }] : [];
    return state.range ? [...found, state.range] : found;
  }

  // The view.

  const most = () => Math.max(state.duration, 1);
  function showAll() {
    Object.assign(state.view, { from: 0, to: most() });
    draw();
  }
  function zoom(factor, around = isOnView(state.playhead) ? state.playhead : (state.view.from + state.view.to) / 2) {
    zoomAround(state.view, factor, around, { least: LEAST, most: most() });
    draw();
  }
  function pan(seconds) {
    state.view.from += seconds;
    state.view.to += seconds;
    keepInside(state.view, most());
    draw();
  }
  const isOnView = (seconds) => seconds >= state.view.from && seconds <= state.view.to;
  function bringIntoView(seconds) {
    if (isOnView(seconds)) return;
    const width = state.view.to - state.view.from;
    Object.assign(state.view, { from: seconds - width * 0.12, to: seconds + width * 0.88 });
    keepInside(state.view, most());
  }

  store.on("changed", changed);
  model.on(changed);
  selection.on(draw);
  coding.onMarking = draw;
  player.on("time", () => {
    state.playhead = player.seconds;
    if (!state.drag && !state.isPanning) bringIntoView(state.playhead);
    draw();
  });
  bus.on("view_shown", changed);
  dark.addEventListener("change", draw);
  new ResizeObserver(draw).observe(plot);

  const timeline = {
    draw,
    zoom,
    pan,
    showAll,
    reveal(seconds) {
      bringIntoView(seconds);
      draw();
    },
    // Another video.
    load(record) {
      state.duration = coding.duration();
      if (!Number.isFinite(state.duration)) state.duration = 0;
      state.start = record?.start ?? null;
      Object.assign(state.view, { from: 0, to: Math.min(most(), WIDE) });
      Object.assign(state, { playhead: player.seconds || 0, drag: null, range: null, hover: null });
      changed();
    },
    // An event whose drawing is to be timed.
    expect(event) {
      keyPresses.push(event.timeStamp);
    },
    describe(seconds) {
      const time = format.clock(seconds, { hasTenths: true });
      return state.start ? `${drawing.clockAt(seconds, true)} · ${time}` : time;
    },
  };
  startTimelineInput({
    element,
    plot,
    canvas,
    state,
    drawing,
    timeline,
    store,
    player,
    openings,
    selection,
    coding,
    openMenu,
  });
  return timeline;
}

function isBright(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.3 * red + 0.59 * green + 0.11 * blue > 140;
}
