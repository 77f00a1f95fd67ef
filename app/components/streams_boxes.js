// Regions of one picture: boxes that are drawn, named and removed, on the picture of the video that is open.
const vm = window.vidmem, inside = vm.inside;
const find = (selector) => element.querySelector(selector);
const NAMED = (number) => vm.fill("streams_region", { number }), MIN_SHARE = 0.02, MAX_BOXES = 16;
const boxCanvas = find(".vm-boxes canvas"), drawnBoxes = find(".vm-boxes-drawn"), boxList = find(".vm-boxes-list");
let boxes = []; // { name, left, top, width, height }, in parts of the picture
const isLive = () => Boolean(vm.last.source?.is_live); // regions are cut out of files
let boxVideo = null, boxImage = null, askedPicture = 0;

const markRegion = inside.pickRegion(boxCanvas, addBox);

function addBox(region) {
  markRegion(null);
  if (!region) return;
  const [top, bottom, left, right] = region, width = right - left, height = bottom - top;
  if (width < MIN_SHARE || height < MIN_SHARE) { say(vm.words.streams_too_small); return; }
  if (boxes.length >= MAX_BOXES) { refuse(vm.fill("streams_most_boxes", { count: MAX_BOXES })); return; }
  boxes.push({ name: freeName(), left, top, width, height });
  drawBoxes();
  say(vm.fill("streams_drawn", { name: boxes.at(-1).name }));
}
function freeName() {
  const taken = new Set(boxes.map(({ name }) => name));
  let number = 1;
  while (taken.has(NAMED(number))) number += 1;
  return NAMED(number);
}
function tileBoxes(columns, rows) {
  boxes = Array.from({ length: columns * rows }, (_, at) => ({
    name: NAMED(at + 1), left: (at % columns) / columns, top: Math.floor(at / columns) / rows, width: 1 / columns, height: 1 / rows,
  }));
  drawBoxes();
}
function removeBox(at) {
  const [{ name }] = boxes.splice(at, 1);
  drawBoxes();
  (boxList.querySelectorAll("button")[Math.min(at, boxes.length - 1)] ?? boxCanvas).focus({ preventScroll: true });
  say(vm.fill("streams_removed", { name }));
}

function drawBoxes() {
  boxList.replaceChildren(...boxes.map(boxItem));
  drawFrames();
  const go = find("[data-streams=regions]");
  go.disabled = !boxes.length || isLive();
  const start = ["streams_start_no_region", "streams_start_region"][boxes.length] ?? "streams_start_regions";
  go.textContent = vm.fill(start, { count: boxes.length });
  find("[data-streams=clear]").hidden = !boxes.length;
}
function drawFrames(picked = -1) {
  drawnBoxes.replaceChildren(...boxes.map(({ name, left, top, width, height }, at) => {
    const frame = document.createElement("i"), title = document.createElement("span");
    Object.assign(frame.style, { left: `${left * 100}%`, top: `${top * 100}%`, width: `${width * 100}%`, height: `${height * 100}%` });
    frame.classList.toggle("vm-picked", at === picked);
    title.textContent = name;
    frame.append(title);
    return frame;
  }));
}
function boxItem(box, at) {
  const item = document.createElement("li"), name = document.createElement("input"), remove = document.createElement("button");
  Object.assign(name, { type: "text", value: box.name, maxLength: 40, autocomplete: "off", spellcheck: false });
  name.setAttribute("aria-label", vm.fill("streams_name_of", { number: at + 1 }));
  name.addEventListener("input", () => { box.name = name.value.trim(); drawFrames(at); });
  name.addEventListener("change", () => { if (!box.name) { box.name = name.value = freeName(); drawFrames(at); } });
  name.addEventListener("focus", () => drawFrames(at));
  name.addEventListener("blur", () => drawFrames());
  Object.assign(remove, { type: "button", textContent: "✕" });
  remove.setAttribute("aria-label", vm.fill("streams_remove_box", { name: box.name }));
  remove.addEventListener("click", () => removeBox(at));
  item.append(name, remove);
  return item;
}

// The picture: that of the Watch page, in its true shape.
async function showPicture() {
  const source = vm.last.source, picture = vm.last.picture;
  find(".vm-streams-open").textContent = source ? vm.fill("streams_of", { title: source.title }) : vm.words.choose_first;
  find("#vm-boxes-hint").textContent = vm.words[isLive() ? "streams_not_live" : "streams_boxes_hint"];
  if (source?.key !== boxVideo) {
    boxVideo = source?.key ?? null;
    boxImage = null;
    boxes = [];
    drawBoxes();
  }
  if (source) [boxCanvas.width, boxCanvas.height] = [960, Math.max(1, Math.round((960 * source.height) / source.width))];
  const number = askedPicture += 1, isOfIt = picture && picture.video === boxVideo;
  if (isOfIt) {
    const image = new Image();
    image.src = `data:image/jpeg;base64,${picture.jpeg}`;
    try { await image.decode(); } catch { return; }
    if (number !== askedPicture) return;
    boxImage = image;
  }
  const pen = boxCanvas.getContext("2d");
  pen.fillStyle = "#15181a";
  pen.fillRect(0, 0, boxCanvas.width, boxCanvas.height);
  if (boxImage) pen.drawImage(boxImage, 0, 0, boxCanvas.width, boxCanvas.height);
}
const isPictureShown = () => document.body.dataset.view === "streams" && !find(".vm-streams-setup").hidden;
for (const topic of ["source", "picture", "view_shown"]) vm.on(topic, () => { if (isPictureShown()) showPicture(); });
for (const button of element.querySelectorAll("[data-tiles]")) {
  button.addEventListener("click", () => { tileBoxes(...button.dataset.tiles.split(",").map(Number)); });
}
find("[data-streams=clear]").addEventListener("click", () => { boxes = []; drawBoxes(); boxCanvas.focus({ preventScroll: true }); });
