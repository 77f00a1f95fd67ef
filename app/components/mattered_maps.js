// Integrated gradients on memory tokens, laid over pictures of their clips: orange speaks for the class, blue against it.
// Runs before mattered.js.
const vm = window.vidmem;
const MOST_MAPS = 24, WIDE = 264; // clips drawn; pixels of a map's canvas
const FOR = [230, 159, 0], AGAINST = [54, 136, 212];
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
  const rows = Math.max(...stages.map(({ map }) => map.length)), columns = Math.max(...stages.map(({ map }) => map[0].length));
  const sums = summed(stages, rows, columns), [tall, wide] = stages[0].extent;
  const x = (column) => Math.round((wide * column * width) / columns), y = (row) => Math.round((tall * row * height) / rows);
  sums.forEach((cells, row) => cells.forEach((value, column) => {
    const part = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
    pen.fillStyle = `rgba(${value < 0 ? AGAINST : FOR}, ${0.82 * Math.sqrt(part)})`;
    pen.fillRect(x(column), y(row), x(column + 1) - x(column) - 1, y(row + 1) - y(row) - 1);
  }));
}
// Stages have grids of their own; the coarser one is spread over the finer, so that sums stay what they are.
function summed(stages, rows, columns) {
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => stages.reduce((sum, { map }) => {
    const own = map.length, across = map[0].length;
    return sum + map[Math.floor((row * own) / rows)][Math.floor((column * across) / columns)] * (own / rows) * (across / columns);
  }, 0)));
}

// A picture per clip with what its tokens say; the strongest few where there are many, in order of time.
function drawMaps(found, play) {
  const { clips, by_clip: sums, stages } = found.results.memory;
  const strongest = clips.map((_, at) => at).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a])).slice(0, MOST_MAPS);
  const own = (at) => stages.map(({ maps: all, extent }) => ({ map: all[at], extent }));
  const tops = strongest.map((at) => {
    const parts = own(at), rows = Math.max(...parts.map(({ map }) => map.length)), columns = Math.max(...parts.map(({ map }) => map[0].length));
    return Math.max(...summed(parts, rows, columns).flat().map(Math.abs));
  });
  const most = Math.max(...tops, 0), part = clips.length > MOST_MAPS ? ` ${vm.fill("mattered_some_maps", { count: MOST_MAPS, total: clips.length })}` : "";
  legend.innerHTML = `<span><i style="background:rgb(${FOR})"></i></span><span><i style="background:rgb(${AGAINST})"></i></span><span></span>`;
  const names = [vm.fill("mattered_for", { class: found.class_name }), vm.words.mattered_against, vm.fill("mattered_most", { value: most.toFixed(2) }) + part];
  [...legend.children].forEach((span, at) => span.append(names[at]));
  maps.replaceChildren(...strongest.sort((a, b) => a - b).map((at) => oneMap(found, at, own(at), most, play)));
}
function oneMap(found, at, stages, most, play) {
  const { clips, by_clip: sums } = found.results.memory, clip = found.clips.find(({ index }) => index === clips[at]);
  const button = document.createElement("button"), canvas = document.createElement("canvas"), small = document.createElement("small");
  button.type = "button";
  const source = vm.last.source, shape = source?.width ? source.height / source.width : 0.5625;
  Object.assign(canvas, { width: WIDE, height: Math.round(WIDE * shape) });
  const strong = Object.assign(document.createElement("b"), { textContent: signed(sums[at]) });
  small.append(strong, ` ${vm.clock(clip.start_seconds)}, ${vm.age(found.moment.start_seconds - clip.start_seconds)}`);
  button.append(canvas, small);
  button.setAttribute("aria-label", vm.fill("mattered_map", { time: vm.clock(clip.start_seconds), value: signed(sums[at]) }));
  button.addEventListener("click", () => play(clip));
  paintTokens(canvas, null, stages, most);
  vm.inside.frames(clip.start_seconds, clip.end_seconds, 1).then(([frame]) => {
    if (frame) paintTokens(canvas, frame.image, stages, most);
  });
  return button;
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
