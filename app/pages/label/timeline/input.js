// Hands on the timeline: the wheel zooms, a drag pans or moves an edge, a click goes there, Shift and a drag mark a span.

import { words } from "../../shared/words.js";
import { firstFrom, isPoint, lasts, toGrid } from "../editing/edits.js";
import { MODEL, OWN } from "./lanes.js";

const NEAR = 6; // pixels from an edge in which it is meant
const SNAP = 5; // pixels from another edge at which an edge sticks to it
const MOVED = 4; // pixels from which a press is no click
const SCROLLED = 400; // milliseconds after a scroll of the page in which the wheel is the page's

export function startTimelineInput(parts) {
  const { element, plot, canvas, state, drawing, timeline, store, player, openings, selection, coding, openMenu } =
    parts;
  const tip = plot.querySelector(".vm-code-tip");
  let drag = null;
  let scrolledAt = -Infinity;
  const noteScroll = () => {
    scrolledAt = performance.now();
  };
  window.addEventListener("scroll", noteScroll, { passive: true });

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  const inside = (seconds) => Math.max(0, Math.min(seconds, state.duration));

  // What is under the pointer: { lane, bout, isModel, edge }.
  function under(pixel, y) {
    const lane = pixel >= state.gutter ? drawing.laneAt(y) : null;
    if (!lane) return {};
    const isModel = lane.isOther || (lane.hasModel && y > lane.y + OWN + 2);
    const [states, points] = isModel ? [lane.theirs.states, lane.theirs.points] : [lane.states, lane.points];
    const isInBar = isModel ? y <= lane.modelY + MODEL + 3 : y <= lane.y + OWN + 3;
    if (!isInBar) return { lane };
    const point = nearest(points, pixel);
    if (point) return { lane, bout: point, isModel, edge: isModel ? null : "start" };
    const open = isModel
      ? null
      : openings
          .of(lane.subject, lane.axis)
          .findLast((one) => pixel >= drawing.x(one.start) - NEAR && pixel <= drawing.x(state.endOf(one)) + 2);
    const bout = open ?? stateAt(states, pixel);
    return { lane, bout, isModel, edge: bout && !isModel ? edgeAt(bout, pixel, Boolean(open)) : null };
  }
  function nearest(points, pixel) {
    const from = drawing.timeAt(pixel - NEAR);
    const one = points[firstFrom(points, from, ({ start }) => start)];
    return one && drawing.x(one.start) <= pixel + NEAR ? one : null;
  }
  // An edge counts a little beyond its bar, too; where two bars touch, the one under the pointer is meant.
  function stateAt(states, pixel) {
    const at = drawing.timeAt(pixel);
    const index = firstFrom(states, at, ({ end }) => end);
    const [here, before] = [states[index], states[index - 1]];
    if (here && here.start <= at) return here;
    if (before && pixel - drawing.x(before.end) < NEAR) return before;
    return here && drawing.x(here.start) - pixel < NEAR ? here : null;
  }
  function edgeAt(bout, pixel, isOpen) {
    const [left, right] = [drawing.x(bout.start), drawing.x(state.endOf(bout))];
    const reach = Math.min(NEAR, (right - left) / 3 + 2);
    if (Math.abs(pixel - left) <= reach) return "start";
    return !isOpen && Math.abs(pixel - right) <= reach ? "end" : null;
  }

  // A time that an edge is dragged to: at another edge nearby, or on a frame.
  function snapped(seconds, bout) {
    const frame = coding.frame();
    let [found, away] = [toGrid(Math.round(seconds / frame) * frame), SNAP];
    for (const lane of state.lanes) {
      for (const list of [lane.states, lane.theirs.states]) {
        for (let index = Math.max(0, firstFrom(list, seconds, ({ end }) => end) - 1); index < list.length; index++) {
          const one = list[index];
          if (drawing.x(one.start) - drawing.x(seconds) > SNAP) break;
          if (one === bout) continue;
          for (const edge of [one.start, one.end]) {
            const pixels = Math.abs(drawing.x(edge) - drawing.x(seconds));
            if (pixels < away) [found, away] = [edge, pixels];
          }
        }
      }
    }
    return inside(found);
  }

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (performance.now() - scrolledAt < SCROLLED && !event.ctrlKey) return; // the page itself is being scrolled
      event.preventDefault();
      const wide = state.width - state.gutter;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
        timeline.pan((event.deltaX / wide) * (state.view.to - state.view.from));
      else
        timeline.zoom(
          Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))),
          Math.max(state.view.from, drawing.timeAt(place(event)[0])),
        );
    },
    { passive: false },
  );

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const [pixel, y] = place(event);
    canvas.setPointerCapture(event.pointerId);
    if (drawing.inOverview(y)) {
      drag = { kind: "overview", pixel, isMoved: false };
      overview(pixel);
      return;
    }
    const found = under(pixel, y);
    drag = { kind: "pan", pixel, y, view: { ...state.view }, found, isMoved: false };
    if (event.shiftKey && found.lane && !found.lane.isOther) drag.kind = "range";
    else if (event.altKey && found.bout && !found.isModel) drag.kind = "move";
    else if (found.edge) drag.kind = "edge";
  });
  function overview(pixel) {
    const width = state.view.to - state.view.from;
    const middle = drawing.overviewTime(pixel);
    timeline.pan(middle - width / 2 - state.view.from);
  }

  canvas.addEventListener("pointermove", (event) => {
    const [pixel, y] = place(event);
    if (!drag) {
      hover(pixel, y);
      return;
    }
    if (drag.kind === "overview") {
      drag.isMoved ||= Math.abs(pixel - drag.pixel) >= MOVED;
      overview(pixel);
      return;
    }
    if (!drag.isMoved && Math.abs(pixel - drag.pixel) < MOVED) return;
    if (!drag.isMoved) begin();
    DRAGS[drag.kind](pixel);
    showTip(pixel);
    timeline.draw();
  });
  function begin() {
    drag.isMoved = true;
    if (drag.kind === "pan") state.isPanning = true;
    else player.pause();
    plot.dataset.drag = drag.kind;
  }
  const DRAGS = {
    pan(pixel) {
      Object.assign(state.view, drag.view);
      timeline.pan(((drag.pixel - pixel) / (state.width - state.gutter)) * (state.view.to - state.view.from));
    },
    edge(pixel) {
      const { bout, edge } = drag.found;
      const at = snapped(drawing.timeAt(pixel), bout);
      state.drag = { bout, edge: isPoint(bout) ? "both" : edge, at };
      player.seek(at); // the frame at the edge
    },
    move(pixel) {
      const { bout } = drag.found;
      const at = snapped(bout.start + drawing.timeAt(pixel) - drawing.timeAt(drag.pixel), bout);
      state.drag = { bout, edge: "both", at };
      player.seek(at);
    },
    range(pixel) {
      state.range = {
        from: inside(drawing.timeAt(drag.pixel)),
        to: inside(drawing.timeAt(pixel)),
        lane: drag.found.lane,
      };
    },
  };

  function release(event) {
    const done = drag;
    drag = null;
    delete plot.dataset.drag;
    state.isPanning = false;
    hideTip();
    if (!done) return;
    const isMeant = event.type === "pointerup";
    if (done.kind === "overview") {
      const isClick = isMeant && !done.isMoved && done.pixel >= state.gutter;
      if (isClick) player.seek(inside(drawing.overviewTime(done.pixel)));
      return;
    }
    if (!done.isMoved && isMeant) click(done, event);
    else if (isMeant) drop(done, event);
    Object.assign(state, { drag: null });
    timeline.draw();
  }
  function drop(done, event) {
    const { bout } = done.found;
    if (done.kind === "edge" && state.drag) coding.moveEdge(bout, done.found.edge, state.drag.at);
    if (done.kind === "move" && state.drag) coding.move(bout, state.drag.at - bout.start);
    if (done.kind === "range") openRangeMenu(event);
  }
  function click({ found, pixel, y }) {
    if (pixel < state.gutter) {
      const lane = drawing.laneAt(y);
      if (lane?.subject) store.setSubject(lane.subject);
      return;
    }
    selection.set(found.bout ?? null, found.isModel);
    player.seek(inside(drawing.timeAt(pixel)));
  }
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", (event) => {
    release(event);
    state.range = null;
  });
  canvas.addEventListener("dblclick", (event) => {
    const { bout } = under(...place(event));
    if (bout && !isPoint(bout)) coding.loop();
    else if (!bout) timeline.showAll();
  });

  // What becomes of a span that was marked with Shift and a drag.
  function openRangeMenu(event) {
    const { from, to, lane } = state.range;
    const [start, end] = [Math.min(from, to), Math.max(from, to)];
    const mark = (what) => () => coding.markSpan(what, start, end, lane.axis, lane.subject);
    const states = store.ethogram.filter(({ axis, kind }) => axis === lane.axis && kind === "state");
    const close = () => {
      state.range = null;
      timeline.draw();
    };
    if (!lasts(start, end)) {
      close();
      return;
    }
    const items = [
      { words: words.label_menu_scored, run: mark("scored") },
      { words: words.label_menu_not_scored, run: mark("not scored") },
      { words: words.label_menu_unmark, run: mark("nothing") },
      ...states.map(({ name, colour }) => ({ words: name, colour, run: () => coding.addBout(name, start, end) })),
    ];
    openMenu(event, items, close);
  }

  canvas.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const { bout, isModel, lane } = under(...place(event));
    if (bout) {
      selection.set(bout, isModel);
      openMenu(event, null);
    } else if (lane && !lane.isOther) {
      const at = inside(drawing.timeAt(place(event)[0]));
      const mark = [...lane.scored, ...lane.notScored].find((one) => one.start <= at && at < one.end);
      if (mark)
        openMenu(event, [
          {
            words: words.label_menu_unmark,
            run: () => coding.markSpan("nothing", mark.start, mark.end, lane.axis, lane.subject),
          },
        ]);
    }
  });

  function hover(pixel, y) {
    const found = drawing.inOverview(y) ? {} : under(pixel, y);
    canvas.style.cursor = found.edge ? "ew-resize" : found.bout ? "pointer" : "crosshair";
    state.hover = pixel >= state.gutter && !drawing.inOverview(y) ? inside(drawing.timeAt(pixel)) : null;
    tip.hidden = state.hover === null;
    if (!tip.hidden) showTip(pixel, found);
    timeline.draw();
  }
  function showTip(pixel, { bout } = {}) {
    const seconds = state.drag ? state.drag.at : inside(drawing.timeAt(pixel));
    const score = bout && bout.score !== null ? ` ${bout.score.toFixed(2)}` : "";
    const note = bout?.comment ? ` · ${bout.comment.split("\n")[0].slice(0, 60)}` : "";
    tip.textContent = `${timeline.describe(seconds)}${bout ? ` · ${bout.behaviour}${score}${note}` : ""}`;
    tip.hidden = false;
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.max(half, Math.min(state.width - half, pixel))}px`;
  }
  canvas.addEventListener("pointerleave", () => {
    if (!drag) hideTip();
  });
  // What it said may not be so any more, until the pointer moves again.
  function hideTip() {
    state.hover = null;
    tip.hidden = true;
    timeline.draw();
  }
  store.on("changed", () => drag || hideTip());

  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-code-zoom]");
    if (!button) return;
    ({ in: () => timeline.zoom(0.5), out: () => timeline.zoom(2), all: timeline.showAll })[button.dataset.codeZoom]();
  });
}
