// Integrated gradients on memory tokens, laid over pictures of their clips: vermilion speaks for the class, blue against it.
// Runs before mattered.js.
const vm = window.vidmem;
const MOST_MAPS = 24, WIDE = 264; // clips drawn; pixels of a map's canvas
const FOR = [213, 94, 0], AGAINST = [0, 114, 178]; // as in the figures of pictures
const maps = element.querySelector(".vm-mat-maps"), legend = element.querySelector(".vm-mat-legend");
const signed = (value, digits = 2) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

function paintTokens(canvas, image, stages, most) {
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  pen.fillStyle = vm.token("well");
  pen.fillRect(0, 0, width, height);
  if (image) {
    pen.filter = "grayscale(.85) brightness(.78)";
    pen.drawImage(image, 0, 0, width, height);
    pen.filter = "none";
  }
  const sums = summed(stages), [top, bottom, left, right] = finest(stages).box;
  const x = (column) => Math.round((left + ((right - left) * column) / sums[0].length) * width);
  const y = (row) => Math.round((top + ((bottom - top) * row) / sums.length) * height);
  sums.forEach((cells, row) => cells.forEach((value, column) => {
    const part = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
    pen.fillStyle = `rgba(${value < 0 ? AGAINST : FOR}, ${0.86 * Math.sqrt(part)})`;
    pen.fillRect(x(column), y(row), x(column + 1) - x(column) - 1, y(row + 1) - y(row) - 1);
  }));
}
// Stages have grids of their own: coarser ones are spread over the finest, so that sums stay what they are.
const finest = (stages) => stages.reduce((best, one) => (one.map.length > best.map.length ? one : best));
function summed(stages) {
  const { map, box } = finest(stages), rows = map.length, columns = map[0].length;
  const place = (at, count, from, to, own, ownFrom, ownTo) =>
    Math.max(0, Math.min(own - 1, Math.floor(((from + ((at + 0.5) / count) * (to - from) - ownFrom) / (ownTo - ownFrom)) * own)));
  return map.map((cells, row) => cells.map((_, column) => stages.reduce((sum, one) => {
    const tall = one.map.length, wide = one.map[0].length;
    const y = place(row, rows, box[0], box[1], tall, one.box[0], one.box[1]), x = place(column, columns, box[2], box[3], wide, one.box[2], one.box[3]);
    return sum + (one.map[y][x] * tall * wide) / (rows * columns);
  }, 0)));
}

// A picture per clip with what its tokens say; the strongest few where there are many, in order of time.
function drawMaps(found, tell) {
  const { clips, by_clip: sums, stages } = found.results.memory;
  const strongest = clips.map((_, at) => at).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a])).slice(0, MOST_MAPS);
  const own = (at) => stages.map(({ maps: all, box }) => ({ map: all[at], box }));
  const tops = strongest.map((at) => Math.max(...summed(own(at)).flat().map(Math.abs)));
  const most = Math.max(...tops, 0), part = clips.length > MOST_MAPS ? ` ${vm.fill("mattered_some_maps", { count: MOST_MAPS, total: clips.length })}` : "";
  legend.innerHTML = `<span><i style="background:rgb(${FOR})"></i></span><span><i style="background:rgb(${AGAINST})"></i></span><span></span>`;
  const names = [vm.fill("mattered_for", { class: found.class_name }), vm.words.mattered_against, vm.fill("mattered_most", { value: most.toFixed(2) }) + part];
  [...legend.children].forEach((span, at) => span.append(names[at]));
  maps.replaceChildren(...strongest.sort((a, b) => a - b).map((at) => oneMap(found, at, own(at), most, tell)));
}
function oneMap(found, at, stages, most, tell) {
  const { clips, by_clip: sums } = found.results.memory, clip = found.clips.find(({ index }) => index === clips[at]);
  const button = document.createElement("button"), canvas = document.createElement("canvas"), small = document.createElement("small");
  button.type = "button";
  const source = vm.last.source, shape = source?.width ? source.height / source.width : 0.5625;
  Object.assign(canvas, { width: WIDE, height: Math.round(WIDE * shape) });
  const strong = Object.assign(document.createElement("b"), { textContent: signed(sums[at]) });
  small.append(strong, ` ${vm.clock(clip.start_seconds)}, ${vm.age(found.moment.start_seconds - clip.start_seconds)}`);
  button.append(canvas, small);
  button.setAttribute("aria-label", vm.fill("mattered_map", { time: vm.clock(clip.start_seconds), value: signed(sums[at]) }));
  const paint = (image) => paintTokens(canvas, image, stages, most);
  button.addEventListener("click", () => { tell(clip); playIn(canvas, clip, paint); });
  paint(null);
  vm.inside.frames(clip.start_seconds, clip.end_seconds, 1).then(([frame]) => { if (frame && !canvas.vmPlaying) paint(frame.image); });
  return button;
}
// The frames of a clip, twice; where things shall not move, the one in its middle.
const NUM_FRAMES = 12, FRAME_MILLISECONDS = 130, calm = matchMedia("(prefers-reduced-motion: reduce)");
async function playIn(canvas, clip, paint) {
  const number = canvas.vmPlaying = (canvas.vmPlaying ?? 0) + 1;
  const frames = await vm.inside.frames(clip.start_seconds, clip.end_seconds, calm.matches ? 1 : NUM_FRAMES);
  for (const { image } of [...frames, ...(calm.matches ? [] : frames)]) {
    if (canvas.vmPlaying !== number || !canvas.isConnected) return;
    paint(image);
    await new Promise((done) => setTimeout(done, FRAME_MILLISECONDS));
  }
}
// All maps as one picture, as they are seen.
function saveMaps(name) {
  const shown = [...maps.querySelectorAll("canvas")], columns = Math.min(4, shown.length), line = 26;
  const { width, height } = shown[0], sheet = document.createElement("canvas");
  Object.assign(sheet, { width: columns * (width + 8), height: Math.ceil(shown.length / columns) * (height + line) });
  const pen = sheet.getContext("2d");
  pen.fillStyle = vm.token("card");
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.font = "15px system-ui";
  pen.fillStyle = vm.token("ink");
  shown.forEach((canvas, at) => {
    const left = (at % columns) * (width + 8), top = Math.floor(at / columns) * (height + line);
    pen.drawImage(canvas, left, top);
    pen.fillText(canvas.nextElementSibling.textContent, left, top + height + 17);
  });
  vm.inside.savePicture(sheet, name);
}
