// A closer look at a picture: zoomed by the wheel with Ctrl or by buttons, moved by dragging, back by a double click.

const MAX = 8;
const STEP = 1.25;
const WHEEL = 0.0022; // of the zoom's logarithm, per pixel that the wheel turns

// `stage` is moved inside of `screen`; `onChange(zoom)` when it changes.
export function makeZoom(screen, stage, onChange) {
  let zoom = 1;
  let [left, top] = [0, 0]; // of the stage, in pixels of the screen
  let held = null;

  function apply() {
    left = Math.min(0, Math.max(screen.clientWidth * (1 - zoom), left));
    top = Math.min(0, Math.max(screen.clientHeight * (1 - zoom), top));
    stage.style.transform = zoom === 1 ? "" : `translate(${left}px, ${top}px) scale(${zoom})`;
    screen.classList.toggle("vm-vp-zoomed", zoom > 1);
    onChange(zoom);
  }
  // The place of the screen stays where it is; without one, the middle.
  function set(wanted, x = screen.clientWidth / 2, y = screen.clientHeight / 2) {
    const next = Math.min(MAX, Math.max(1, wanted));
    left = x - ((x - left) / zoom) * next;
    top = y - ((y - top) / zoom) * next;
    zoom = next;
    apply();
  }
  function move(x, y) {
    left += x;
    top += y;
    apply();
  }
  const place = (event) => {
    const box = screen.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  screen.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls
      event.preventDefault();
      set(zoom * Math.exp(-event.deltaY * WHEEL), ...place(event));
    },
    { passive: false },
  );
  screen.addEventListener("pointerdown", (event) => {
    if (event.button || zoom === 1 || event.target.closest("button, a")) return;
    held = [event.clientX, event.clientY];
    screen.setPointerCapture(event.pointerId);
  });
  screen.addEventListener("pointermove", (event) => {
    if (!held) return;
    move(event.clientX - held[0], event.clientY - held[1]);
    held = [event.clientX, event.clientY];
  });
  for (const name of ["pointerup", "pointercancel"]) {
    screen.addEventListener(name, () => {
      held = null;
    });
  }
  screen.addEventListener("dblclick", () => set(1));
  new ResizeObserver(apply).observe(screen);
  return {
    set,
    in: () => set(zoom * STEP),
    out: () => set(zoom / STEP),
    move: (x, y) => move(x * screen.clientWidth, y * screen.clientHeight),
    get value() {
      return zoom;
    },
  };
}
