// Process memory and the model's state against the time of the run; the numbers are the server's.

import * as bus from "../shared/bus.js";
import { paint, token } from "../shared/colours.js";
import { dark, perFrame } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { words } from "../shared/words.js";

const HEIGHT = 92;
const LEFT = 38;
const BOTTOM = 16;
const TOP = 6;
function scale(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max(20, (high - low) * 0.25);
  const step =
    [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((size) => (high - low + 2 * room) / size <= 4) ?? 10000;
  return { from: Math.max(0, Math.floor((low - room) / step) * step), to: Math.ceil((high + room) / step) * step };
}

export function start(element) {
  const canvas = element.querySelector("canvas");
  const note = element.querySelector("p");
  const pen = canvas.getContext("2d");
  let cost = null;

  const draw = perFrame(() => {
    const width = canvas.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HEIGHT * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = "10.5px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.fillStyle = token("line");
    pen.fillRect(LEFT, HEIGHT - BOTTOM, width - LEFT, 1);
    if (!cost || cost.mib.length < 2) return;
    const { from, to } = scale(cost.mib);
    const first = cost.seconds[0];
    const length = Math.max(1e-6, cost.seconds.at(-1) - first);
    const x = (seconds) => LEFT + 2 + ((seconds - first) / length) * (width - LEFT - 6);
    const y = (mib) => TOP + (1 - (mib - from) / (to - from)) * (HEIGHT - BOTTOM - TOP - 2);
    pen.fillRect(LEFT, TOP, width - LEFT, 1);
    pen.fillStyle = token("dim");
    pen.textAlign = "right";
    pen.fillText(String(to), LEFT - 5, TOP + 3);
    pen.fillText(String(from), LEFT - 5, HEIGHT - BOTTOM - 3);
    pen.textAlign = "left";
    pen.fillText("0", LEFT, HEIGHT - 6);
    pen.textAlign = "right";
    pen.fillText(format.span(length), width, HEIGHT - 6);
    pen.fillStyle = token("warn"); // what happened: said on the Cost page
    for (const event of cost.events) pen.fillRect(x(Math.max(first, event)), HEIGHT - BOTTOM - 5, 1.5, 5);
    pen.beginPath();
    for (const [at, seconds] of cost.seconds.entries()) pen.lineTo(x(seconds), y(cost.mib[at]));
    pen.strokeStyle = paint(0);
    pen.lineWidth = 1.6;
    pen.lineJoin = "round";
    pen.stroke();
  });
  bus.on("cost", (value) => {
    cost = value;
    note.textContent = value.note;
    canvas.setAttribute("aria-label", value.note || words.cost);
    draw();
  });
  new ResizeObserver(draw).observe(canvas);
  dark.addEventListener("change", draw);
}
