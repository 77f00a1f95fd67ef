// Process memory and the model's state against the time of the run; the numbers are the server's.
const vm = window.vidmem;
const canvas = element.querySelector("canvas"), note = element.querySelector("p");
const pen = canvas.getContext("2d");
const HEIGHT = 92, LEFT = 38, BOTTOM = 16, TOP = 6;
let cost = null;

function scale(values) {
  const low = Math.min(...values), high = Math.max(...values);
  const room = Math.max(20, (high - low) * 0.25);
  const step = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((size) => (high - low + 2 * room) / size <= 4) ?? 10000;
  return { from: Math.max(0, Math.floor((low - room) / step) * step), to: Math.ceil((high + room) / step) * step };
}
const draw = vm.perFrame(() => {
  const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
  if (!width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "10.5px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = vm.token("line");
  pen.fillRect(LEFT, HEIGHT - BOTTOM, width - LEFT, 1);
  if (!cost || cost.mib.length < 2) return;
  const { from, to } = scale(cost.mib);
  const first = cost.seconds[0], length = Math.max(1e-6, cost.seconds.at(-1) - first);
  const x = (seconds) => LEFT + 2 + ((seconds - first) / length) * (width - LEFT - 6);
  const y = (mib) => TOP + (1 - (mib - from) / (to - from)) * (HEIGHT - BOTTOM - TOP - 2);
  pen.fillRect(LEFT, TOP, width - LEFT, 1);
  pen.fillStyle = vm.token("dim");
  pen.textAlign = "right";
  pen.fillText(String(to), LEFT - 5, TOP + 3);
  pen.fillText(String(from), LEFT - 5, HEIGHT - BOTTOM - 3);
  pen.textAlign = "left";
  pen.fillText("0", LEFT, HEIGHT - 6);
  pen.textAlign = "right";
  pen.fillText(vm.span(length), width, HEIGHT - 6);
  pen.fillStyle = vm.token("warn"); // what happened: said on the Cost page
  for (const event of cost.events) pen.fillRect(x(Math.max(first, event)), HEIGHT - BOTTOM - 5, 1.5, 5);
  pen.beginPath();
  cost.seconds.forEach((seconds, at) => (at ? pen.lineTo(x(seconds), y(cost.mib[at])) : pen.moveTo(x(seconds), y(cost.mib[at]))));
  pen.strokeStyle = vm.paint(0);
  pen.lineWidth = 1.6;
  pen.lineJoin = "round";
  pen.stroke();
});
vm.on("cost", (value) => {
  cost = value;
  note.textContent = value.note;
  canvas.setAttribute("aria-label", value.note || vm.words.cost);
  draw();
});
new ResizeObserver(draw).observe(canvas);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
