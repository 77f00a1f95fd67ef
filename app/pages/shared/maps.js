// Maps laid over pictures, and pictures saved.

import { downloadLink } from "./dom.js";

const VIRIDIS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 73, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
];
const WHOLE = [0, 1, 0, 1]; // top, bottom, left, right, as parts of the picture
const inside = (value) => Math.max(0, Math.min(1, value));

// 0 to 1 -> [red, green, blue]
export function viridis(value) {
  const place = inside(value) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[low].map((part, at) => Math.round(part + (VIRIDIS[low + 1][at] - part) * (place - low)));
}

// A picture in grey, and over it a map `[rows][columns]` that covers `box` of it: the more, the brighter and denser.
// The scale goes from `min`, where nothing is laid over it, to `max`; a box may reach beyond the picture, where a model
// padded it.
export function paintMap(canvas, image, map, { box = WHOLE, min = 0, max = 1, alpha = 0.6 } = {}) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
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
  for (const [row, cells] of map.entries())
    for (const [column, value] of cells.entries()) {
      const part = max > min ? inside((value - min) / (max - min)) : 0;
      pen.fillStyle = `rgba(${viridis(0.15 + 0.85 * part)}, ${alpha * (0.06 + 0.94 * part)})`;
      pen.fillRect(x(column), y(row), x(column + 1) - x(column) - 1, y(row + 1) - y(row) - 1);
    }
}

// A canvas as it is seen, as PNG.
export function savePicture(canvas, filename) {
  canvas.toBlob((blob) => {
    const address = URL.createObjectURL(blob);
    const link = downloadLink([address, `${filename}.png`]);
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
}
