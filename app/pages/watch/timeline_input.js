// Hands on the timeline: wheel, drag, click, keys and the four buttons.

import * as bus from "../shared/bus.js";
import { ROW, TOP } from "./timeline_draw.js";
import { reach, state, timeAt } from "./timeline_state.js";
import { fitView, followView, keepInside, view } from "./timeline_view.js";

export function startTimelineInput({ element, plot, canvas, tip, draw, moved, look, zoom, describe }) {
  let drag = null;
  let scrolledAt = 0;
  window.addEventListener(
    "scroll",
    () => {
      scrolledAt = performance.now();
    },
    { passive: true },
  );

  const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
  function showTip(pixel, y) {
    const seconds = timeAt(pixel);
    const row = Math.floor((y - TOP) / ROW);
    state.focusColumn = pixel < state.gutter && row >= 0 && row < state.classes.length ? row : -1;
    state.hover = pixel >= state.gutter && state.items.length ? seconds : null;
    tip.hidden = state.hover === null;
    if (state.hover !== null) {
      tip.textContent = describe(seconds);
      const half = tip.offsetWidth / 2;
      tip.style.left = `${Math.max(half, Math.min(state.width - half, pixel))}px`;
    }
    draw();
  }

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (performance.now() - scrolledAt < 400 && !event.ctrlKey) return; // the page itself is being scrolled
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        pan((event.deltaX / (state.width - state.gutter)) * (view.to - view.from));
      } else zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), Math.max(view.from, timeAt(place(event))));
    },
    { passive: false },
  );

  function pan(seconds) {
    view.mode = "free";
    view.from += seconds;
    view.to += seconds;
    keepInside(Math.max(reach(), view.to - view.from));
    moved();
  }
  canvas.addEventListener("pointerdown", (event) => {
    drag = { at: place(event), from: view.from, to: view.to, isPan: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const pixel = place(event);
    if (!drag) {
      showTip(pixel, event.clientY - canvas.getBoundingClientRect().top);
      return;
    }
    if (Math.abs(pixel - drag.at) > 4) drag.isPan = true;
    if (!drag.isPan) return;
    plot.classList.add("vm-drag");
    view.from = drag.from;
    view.to = drag.to;
    pan(((drag.at - pixel) / (state.width - state.gutter)) * (view.to - view.from));
  });
  const release = (event) => {
    plot.classList.remove("vm-drag");
    const wasClick = drag && !drag.isPan && event.type === "pointerup";
    drag = null;
    if (wasClick && place(event) >= state.gutter) look(timeAt(place(event)));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    state.hover = null;
    state.focusColumn = -1;
    tip.hidden = true;
    draw();
  });
  function showAll(mode) {
    view.mode = mode;
    fitView(state.analysed, state.duration);
    moved();
  }
  canvas.addEventListener("dblclick", () => showAll("fit"));

  const buttons = {
    in: () => zoom(0.5, state.looking ?? state.playhead ?? undefined),
    out: () => zoom(2, state.looking ?? state.playhead ?? undefined),
    fit: () => showAll("fit"),
    grow: () => showAll("grow"),
    follow: () => {
      view.mode = view.mode === "follow" ? "free" : "follow";
      if (view.mode === "follow" && state.playhead !== null) followView(state.playhead);
      moved();
    },
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) buttons[button.dataset.zoom]();
  });

  const stride = () => bus.last.settings?.seconds_between_predictions ?? 1;
  const here = () => state.looking ?? state.playhead ?? 0;
  const keys = {
    ArrowLeft: (event) => look(here() - stride() * (event.shiftKey ? 10 : 1)),
    ArrowRight: (event) => look(Math.min(state.analysed, here() + stride() * (event.shiftKey ? 10 : 1))),
    Home: () => look(0),
    End: () => look(state.analysed),
    "+": () => buttons.in(),
    "=": () => buttons.in(),
    "-": () => buttons.out(),
    0: () => buttons.fit(),
    Escape: () => bus.act("look", null),
    Enter: () => {
      if (state.looking !== null) bus.act("jump", { seconds: state.looking, play: true });
    },
  };
  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || event.target !== plot) return;
    event.preventDefault();
    keys[event.key](event);
  });
}
