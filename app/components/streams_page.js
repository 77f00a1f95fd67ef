// The Streams page: what to stream, what is new twice a second while somebody looks, and what all streams cost together.
const PACE = 500; // milliseconds from an answer to the next question
const part = find(".vm-streams"), setup = find(".vm-streams-setup"), videoList = find(".vm-streams-list"), models = find(".vm-streams-model");
const grid = find(".vm-tiles"), facts = find(".vm-streams-facts"), more = find("[data-streams=more]");
const tiles = new Map(); // stream -> tile
let pool = null, version = -1, about = null, running = 0, timer = 0, isAsking = false, hasChosen = false, order = [];

const isShown = () => document.body.dataset.view === "streams" && !document.hidden && Boolean(vm.run);
function say(sentence) { find(".vm-streams-said").textContent = sentence; }
function refuse(sentence) {
  const refused = find(".vm-streams-refused");
  refused.hidden = !sentence;
  refused.textContent = sentence ?? "";
}

// One question at a time; when nobody looks, none.
async function ask() {
  clearTimeout(timer);
  if (!isShown() || isAsking) return;
  isAsking = true;
  const run = vm.run;
  try {
    const query = new URLSearchParams({ run, pool: pool ?? "", since: version });
    const response = await fetch(`streams/news?${query}`), answer = await response.json();
    if (run === vm.run) show(answer);
  } catch { /* the Watch page's own line says when the app is silent */ } finally {
    isAsking = false;
    if (isShown()) timer = setTimeout(ask, PACE);
  }
}
async function post(name, asked = {}) {
  refuse(null);
  try {
    const body = JSON.stringify({ run: vm.run, ...asked });
    const response = await fetch(`streams/${name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const answer = await response.json();
    if (answer.error) refuse(answer.error);
    if (answer.said) say(answer.said);
    ask();
    return !answer.error;
  } catch {
    refuse(vm.words.silent);
    return false;
  }
}
const act = (name, stream, asked = {}) => post(name, { stream, ...asked });

function forget() {
  for (const tile of tiles.values()) tile.item.remove();
  tiles.clear();
  order = [];
  [pool, version, about] = [null, -1, null];
}
function show(answer) {
  if (answer.pool !== pool) forget();
  pool = answer.pool;
  if (pool !== null) showPool(answer);
  showFiles(answer.files);
  const isEmpty = pool === null || !tiles.size;
  part.dataset.state = isEmpty ? "empty" : "shown";
  if (isEmpty) openSetup(true);
  models.disabled = !isEmpty;
  if (isEmpty) find(".vm-streams-of").textContent = "";
}
function showPool(answer) {
  if (answer.about) {
    ({ about } = answer);
    for (const tile of tiles.values()) tile.rename(about.classes);
    showAbout();
  }
  if (answer.order) ({ order } = answer);
  arrange();
  for (const [stream, told] of Object.entries(answer.streams)) tiles.get(stream)?.show(told);
  for (const [stream, told] of Object.entries(answer.pictures)) tiles.get(stream)?.showPicture(told);
  for (const [stream, told] of Object.entries(answer.strips)) tiles.get(stream)?.strip.take(told);
  if (answer.figures) showFigures(answer.figures);
  // What a strip has grown to is asked for anew, in fewer pieces.
  version = [...tiles.values()].some(({ strip }) => strip.isFull) ? -1 : answer.version;
}
function arrange() {
  for (const [stream, tile] of tiles) {
    if (order.includes(stream)) continue;
    if (tile.item.contains(document.activeElement)) more.focus({ preventScroll: true });
    tile.item.remove();
    tiles.delete(stream);
  }
  for (const stream of order) {
    if (tiles.has(stream)) continue;
    const tile = makeTile(stream, about, act);
    tiles.set(stream, tile);
    grid.append(tile.item);
  }
}

// What all of them do and cost
function showFigures({ playing, headline, sentence, facts: told }) {
  running = playing;
  find(".vm-streams-of").textContent = headline;
  const isSame = facts.children.length === told.length;
  if (!isSame) facts.replaceChildren(...told.map(() => Object.assign(document.createElement("div"), { innerHTML: "<dd></dd><dt></dt>" })));
  told.forEach(([value, name], at) => {
    const [number, words] = facts.children[at].children;
    number.textContent = value;
    words.textContent = name;
  });
  find(".vm-streams-trouble").hidden = !sentence;
  find(".vm-streams-trouble").textContent = sentence;
  showShared();
}
function showShared() {
  const isWatched = ["playing", "opening"].includes(vm.last.play?.status);
  find(".vm-streams-shared").hidden = !(isWatched && running > 0);
}
function showAbout() {
  models.value = about.model;
  find(".vm-streams-note").textContent = about.trained_on;
  find(".vm-streams-legend").replaceChildren(...about.classes.map((name, column) => {
    const entry = document.createElement("li"), dot = document.createElement("i");
    dot.className = "vm-dot";
    dot.style.background = vm.colour(column);
    entry.append(dot, name);
    return entry;
  }));
  if (about.has_provisional) find(".vm-streams-legend").append(Object.assign(document.createElement("li"), { innerHTML: `<i class="vm-hatch" aria-hidden="true"></i>${vm.words.hatched}` }));
}
function showFiles(files) {
  const shown = new Set([...grid.querySelectorAll("a:not([hidden])")].map((link) => decodeURIComponent(link.getAttribute("href").split("/").at(-1))));
  const earlier = files.filter((name) => !shown.has(name)), line = find(".vm-streams-earlier");
  find(".vm-streams-files").hidden = !files.length;
  for (const link of element.querySelectorAll("[data-take]")) link.href = `streams/files/${vm.run}/${link.dataset.take}`;
  line.hidden = !earlier.length;
  if (line.dataset.names === earlier.join()) return;
  line.dataset.names = earlier.join();
  line.replaceChildren(vm.words.streams_earlier, ...earlier.flatMap((name) => [" ", vm.download([`streams/files/${vm.run}/${encodeURIComponent(name)}`, name.replace(/^\d+-/, "")])]));
}

// What to stream
function openSetup(isOpen) {
  if (setup.hidden === !isOpen) return;
  setup.hidden = !isOpen;
  more.setAttribute("aria-expanded", isOpen);
  if (isOpen) showPicture();
}
const VIDEO = ":not([data-camera])", CAMERA = "[data-camera]"; // an address is never taken for the key of a video
const ticked = (kind) => [...videoList.querySelectorAll(`input:checked${kind}`)].map((box) => box.value);
function showTicked() {
  const count = ticked("").length, go = find("[data-streams=videos]");
  go.disabled = !count;
  go.textContent = vm.fill(["streams_start_none", "streams_start_one"][count] ?? "streams_start_many", { count });
}
let cameras = []; // addresses that were typed here
function showVideos() {
  const videos = new Set(ticked(VIDEO)), watched = new Set(ticked(CAMERA));
  const heading = (name) => Object.assign(document.createElement("h3"), { textContent: name });
  const listed = (vm.last.videos ?? []).flatMap(([name, found]) => [heading(name), ...found.map(([key, text]) => videoChoice(key, text, videos.has(key)))]);
  const typed = cameras.map((address) => cameraChoice(address, watched.has(address)));
  videoList.replaceChildren(...listed, ...(typed.length ? [heading(vm.words.streams_cameras), ...typed] : []));
  showTicked();
}
vm.on("videos", showVideos);
vm.on("hello", (hello) => { find(".vm-streams-address").hidden = !hello.may_watch_addresses; });
find(".vm-streams-address").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.querySelector("input"), address = input.value.trim();
  if (!address) return;
  cameras = [...new Set([...cameras, address])];
  input.value = "";
  showVideos();
  const added = videoList.querySelector(`input${CAMERA}[value="${CSS.escape(address)}"]`);
  added.checked = true;
  added.scrollIntoView({ block: "nearest" });
  showTicked();
});
function videoChoice(key, text, checked) {
  const label = document.createElement("label"), box = document.createElement("input");
  Object.assign(box, { type: "checkbox", value: key, checked });
  label.append(box, text);
  return label;
}
function cameraChoice(address, checked) {
  const row = document.createElement("div"), shown = address.replace(/\/\/[^/]*@/, "//"), choice = videoChoice(address, shown, checked);
  const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "✕", title: vm.fill("streams_remove_box", { name: shown }) });
  choice.firstChild.dataset.camera = "";
  remove.setAttribute("aria-label", remove.title);
  remove.addEventListener("click", () => {
    cameras = cameras.filter((one) => one !== address);
    showVideos();
    find(".vm-streams-address input").focus();
  });
  row.append(choice, remove);
  return row;
}
videoList.addEventListener("change", showTicked);
function showModels() {
  const here = (vm.last.models ?? []).filter(([, , isHere]) => isHere);
  models.replaceChildren(...here.map(([key, title]) => new Option(title, key)));
  const chosen = about?.model ?? vm.last.model?.name;
  if (chosen) models.value = chosen;
}
vm.on("models", showModels);
vm.on("model", (model) => {
  if (about || hasChosen) return;
  models.value = model.name;
  find(".vm-streams-note").textContent = model.trained_on;
});
models.addEventListener("change", () => { hasChosen = true; find(".vm-streams-note").textContent = ""; });

async function start(asked) {
  const isStarted = await post("start", { model: models.value, ...asked });
  if (isStarted) {
    openSetup(false);
    more.focus({ preventScroll: true });
  }
  return isStarted;
}
const hands = {
  videos: async () => {
    if (!(await start({ videos: ticked(VIDEO), addresses: ticked(CAMERA) }))) return;
    for (const box of videoList.querySelectorAll("input")) box.checked = false;
    showTicked();
  },
  regions: () => start({ video: boxVideo, regions: boxes }),
  more: () => openSetup(setup.hidden),
  close: () => post("close"),
};
element.addEventListener("click", (event) => hands[event.target.closest("[data-streams]")?.dataset.streams]?.());

vm.on("run", () => { forget(); ask(); });
vm.on("play", showShared);
vm.on("view_shown", () => { ask(); if (isShown()) for (const { strip } of tiles.values()) strip.draw(); });
document.addEventListener("visibilitychange", ask);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const { strip } of tiles.values()) strip.draw(); });
drawBoxes();
showTicked();
