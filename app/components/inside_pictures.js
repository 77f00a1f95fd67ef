// Maps laid over pictures, regions picked on them, and pictures saved. Loaded in the head, after inside.js.
Object.assign(window.vidmem.inside, (() => {
  const vm = window.vidmem;
  const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const WHOLE = [0, 1, 0, 1]; // top, bottom, left, right, as parts of the picture
  const inside = (value) => Math.max(0, Math.min(1, value));

  // 0 to 1 -> [red, green, blue]
  function viridis(value) {
    const place = inside(value) * (VIRIDIS.length - 1), low = Math.min(Math.floor(place), VIRIDIS.length - 2);
    return VIRIDIS[low].map((part, at) => Math.round(part + (VIRIDIS[low + 1][at] - part) * (place - low)));
  }

  // A picture in grey, and over it a map `[rows][columns]` that covers `box` of it: the more, the brighter and denser.
  // The scale goes from `min`, where nothing is laid over it, to `max`; a box may reach beyond the picture, where a model
  // padded it.
  function paintMap(canvas, image, map, { box = WHOLE, min = 0, max = 1, alpha = 0.6 } = {}) {
    const pen = canvas.getContext("2d"), { width, height } = canvas;
    pen.fillStyle = "#15181a";
    pen.fillRect(0, 0, width, height);
    if (image) {
      if (map) pen.filter = "grayscale(.8) brightness(.85)";
      pen.drawImage(image, 0, 0, width, height);
      pen.filter = "none";
    }
    if (map) paintCells(pen, map, { box, min, max, alpha });
  }
  function paintCells(pen, map, { box: [top, bottom, left, right], min, max, alpha }) {
    const { width, height } = pen.canvas;
    const x = (column) => Math.round((left + ((right - left) * column) / map[0].length) * width);
    const y = (row) => Math.round((top + ((bottom - top) * row) / map.length) * height);
    map.forEach((cells, row) => cells.forEach((value, column) => {
      const part = max > min ? inside((value - min) / (max - min)) : 0;
      pen.fillStyle = `rgba(${viridis(0.15 + 0.85 * part)}, ${alpha * (0.06 + 0.94 * part)})`;
      pen.fillRect(x(column), y(row), x(column + 1) - x(column) - 1, y(row + 1) - y(row) - 1);
    }));
  }

  // Masked, not zero: stripes, as in the figures of the Masks page.
  function maskedPattern(pen) {
    const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 }), ink = tile.getContext("2d");
    ink.fillStyle = vm.token("well");
    ink.fillRect(0, 0, 6, 6);
    ink.strokeStyle = vm.token("dim");
    ink.globalAlpha = 0.55;
    ink.beginPath();
    for (const shift of [-6, 0, 6]) { ink.moveTo(shift, 6); ink.lineTo(shift + 6, 0); }
    ink.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // Drag a box on a picture, or click a place: `onRegion([top, bottom, left, right])`; Escape: `onRegion(null)`.
  // By keyboard: arrows move a place, with Shift they widen it to a box, Enter asks. Gives back what frames a region.
  function pickRegion(canvas, onRegion) {
    const frame = Object.assign(document.createElement("i"), { className: "vm-region", hidden: true });
    const holder = Object.assign(document.createElement("span"), { className: "vm-pickable" });
    canvas.replaceWith(holder);
    holder.append(canvas, frame);
    let from = null, shown = null, cursor = [0.5, 0.5, 0.5, 0.5];
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [inside((event.clientY - box.top) / box.height), inside((event.clientX - box.left) / box.width)];
    };
    function mark(region) {
      frame.hidden = !region;
      if (!region) return;
      const [top, bottom, left, right] = region.map(inside);
      Object.assign(frame.style, { top: `${top * 100}%`, left: `${left * 100}%`, height: `${(bottom - top) * 100}%`, width: `${(right - left) * 100}%` });
    }
    const between = (one, other) => [0, 1].flatMap((axis) => [Math.min(one[axis], other[axis]), Math.max(one[axis], other[axis])]);
    const isClick = ([top, bottom, left, right]) => (bottom - top) * canvas.clientHeight < 5 && (right - left) * canvas.clientWidth < 5;

    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => { if (from) mark(between(from, place(event))); });
    canvas.addEventListener("pointerup", (event) => {
      if (!from) return;
      const box = between(from, place(event));
      cursor = isClick(box) ? [from[0], from[0], from[1], from[1]] : box;
      from = null;
      onRegion(cursor);
    });
    canvas.addEventListener("pointercancel", () => { from = null; mark(shown); }); // a finger that scrolls
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
    return (region) => { shown = region; if (!from) mark(region); };
  }
  const STEP = 1 / 16;
  function moved([top, bottom, left, right], [down, aside], isWider) {
    if (isWider) return [top, inside(Math.max(top, bottom + down * STEP)), left, inside(Math.max(left, right + aside * STEP))];
    const y = Math.max(-top, Math.min(1 - bottom, down * STEP)), x = Math.max(-left, Math.min(1 - right, aside * STEP));
    return [top + y, bottom + y, left + x, right + x];
  }

  // A canvas as it is seen, as PNG.
  function savePicture(canvas, filename) {
    canvas.toBlob((blob) => {
      const address = URL.createObjectURL(blob), link = vm.download([address, `${filename}.png`]);
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    });
  }

  return { viridis, paintMap, maskedPattern, pickRegion, savePicture };
})());
