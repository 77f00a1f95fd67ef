// Hands on the timeline: wheel, drag, click, keys and the four buttons. Runs after timeline.js.
(() => {
  let drag = null, scrolledAt = 0;
  window.addEventListener("scroll", () => { scrolledAt = performance.now(); }, { passive: true });

  const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
  function showTip(pixel, y) {
    const seconds = timeAt(pixel);
    const row = Math.floor((y - TOP) / ROW);
    focusColumn = pixel < gutter && row >= 0 && row < classes.length ? row : -1;
    hover = pixel >= gutter && items.length ? seconds : null;
    tip.hidden = hover === null;
    if (hover !== null) {
      tip.textContent = describe(seconds);
      const half = tip.offsetWidth / 2;
      tip.style.left = `${Math.max(half, Math.min(width - half, pixel))}px`;
    }
    draw();
  }

  canvas.addEventListener("wheel", (event) => {
    if (performance.now() - scrolledAt < 400 && !event.ctrlKey) return; // the page itself is being scrolled
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      pan((event.deltaX / (width - gutter)) * (view.to - view.from));
    } else zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), Math.max(view.from, timeAt(place(event))));
  }, { passive: false });

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
    if (!drag) { showTip(pixel, event.clientY - canvas.getBoundingClientRect().top); return; }
    if (Math.abs(pixel - drag.at) > 4) drag.isPan = true;
    if (!drag.isPan) return;
    plot.classList.add("vm-drag");
    view.from = drag.from;
    view.to = drag.to;
    pan(((drag.at - pixel) / (width - gutter)) * (view.to - view.from));
  });
  const release = (event) => {
    plot.classList.remove("vm-drag");
    const wasClick = drag && !drag.isPan && event.type === "pointerup";
    drag = null;
    if (wasClick && place(event) >= gutter) look(timeAt(place(event)));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { hover = null; focusColumn = -1; tip.hidden = true; draw(); });
  canvas.addEventListener("dblclick", () => { view.mode = "fit"; fitView(analysed, duration); moved(); });

  const buttons = {
    in: () => zoom(0.5, looking ?? playhead ?? undefined),
    out: () => zoom(2, looking ?? playhead ?? undefined),
    fit: () => { view.mode = "fit"; fitView(analysed, duration); moved(); },
    follow: () => {
      view.mode = view.mode === "follow" ? "free" : "follow";
      if (view.mode === "follow" && playhead !== null) followView(playhead);
      moved();
    },
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) buttons[button.dataset.zoom]();
  });

  const stride = () => vm.last.settings?.seconds_between_predictions ?? 1;
  const here = () => looking ?? playhead ?? 0;
  const keys = {
    ArrowLeft: (event) => look(here() - stride() * (event.shiftKey ? 10 : 1)),
    ArrowRight: (event) => look(Math.min(analysed, here() + stride() * (event.shiftKey ? 10 : 1))),
    Home: () => look(0),
    End: () => look(analysed),
    "+": () => buttons.in(),
    "=": () => buttons.in(),
    "-": () => buttons.out(),
    0: () => buttons.fit(),
    Escape: () => vm.act("look", null),
    Enter: () => { if (looking !== null) vm.act("jump", { seconds: looking, play: true }); },
  };
  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key] || event.target !== plot) return;
    event.preventDefault();
    keys[event.key](event);
  });
})();
