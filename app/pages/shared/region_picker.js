// Regions picked on a picture, with the pointer or by keys.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const inside = (value) => Math.max(0, Math.min(1, value));

// Drag a box on a picture, or click a place: `onRegion([top, bottom, left, right])`; Escape: `onRegion(null)`.
// By keyboard: arrows move a place, with Shift they widen it to a box, Enter asks. Gives back what frames a region.
export function pickRegion(canvas, onRegion) {
  const frame = Object.assign(document.createElement("i"), { className: "vm-region", hidden: true });
  const holder = Object.assign(document.createElement("span"), { className: "vm-pickable" });
  canvas.replaceWith(holder);
  holder.append(canvas, frame);
  let from = null;
  let shown = null;
  let cursor = [0.5, 0.5, 0.5, 0.5];
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [inside((event.clientY - box.top) / box.height), inside((event.clientX - box.left) / box.width)];
  };
  function mark(region) {
    frame.hidden = !region;
    if (!region) return;
    const [top, bottom, left, right] = region.map(inside);
    Object.assign(frame.style, {
      top: `${top * 100}%`,
      left: `${left * 100}%`,
      height: `${(bottom - top) * 100}%`,
      width: `${(right - left) * 100}%`,
    });
  }
  const between = (one, other) =>
    [0, 1].flatMap((axis) => [Math.min(one[axis], other[axis]), Math.max(one[axis], other[axis])]);
  const isClick = ([top, bottom, left, right]) =>
    (bottom - top) * canvas.clientHeight < 5 && (right - left) * canvas.clientWidth < 5;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = place(event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from) mark(between(from, place(event)));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = between(from, place(event));
    cursor = isClick(box) ? [from[0], from[0], from[1], from[1]] : box;
    from = null;
    onRegion(cursor);
  });
  canvas.addEventListener("pointercancel", () => {
    from = null;
    mark(shown);
  }); // a finger that scrolls
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = ARROWS[event.key];
    if (move) cursor = moved(cursor, move, event.shiftKey);
    else if (event.key === "Enter" || event.key === " ") onRegion(cursor);
    else if (event.key === "Escape" && shown) onRegion(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (move) mark(cursor);
  });
  canvas.addEventListener("blur", () => mark(shown));
  return (region) => {
    shown = region;
    if (!from) mark(region);
  };
}
const STEP = 1 / 16;
function moved([top, bottom, left, right], [down, aside], isWider) {
  if (isWider)
    return [top, inside(Math.max(top, bottom + down * STEP)), left, inside(Math.max(left, right + aside * STEP))];
  const y = Math.max(-top, Math.min(1 - bottom, down * STEP));
  const x = Math.max(-left, Math.min(1 - right, aside * STEP));
  return [top + y, bottom + y, left + x, right + x];
}
