// What mattered: asks the server for tests of the moment on view, one at a time, and shows what they found.
// Maps of memory tokens are drawn by mattered_maps.js, before this.
const KINDS = ["direct", "total", "memory", "pixels", "occlusion"], FIGURES = ["effects", "occlusion", "pixels"];
const POLL = 250, NAMES = Object.fromEntries(KINDS.map((kind) => [kind, vm.words[`mattered_${kind}`]]));
const ACTIVE = ["preparing", "estimating", "running"];
const part = (name) => element.querySelector(`.vm-mat-${name}`);
const choice = part("class").querySelector("select"), list = part("list"), same = part("same"), dark = matchMedia("(prefers-color-scheme: dark)");
let state = null, found = null, figures = {}, shown = -1; // the newest answer; what was found, drawn at version `shown`
let testedAt = null, pendingAt = null; // the moment on view when the test of what was found began, and of that on its way
let isFresh = false; // the newest clip is wanted instead of the one that was tested
let timer = 0, isAsking = false;

const isShown = () => ["memory", "heads"].includes(document.body.dataset.view);
const isActive = () => ACTIVE.includes(state?.state);
const theme = () => (dark.matches ? "dark" : "light");
const isSame = () => found !== null && !isFresh && testedAt === vm.inside.at;
const query = (more) => new URLSearchParams({ run: vm.run, theme: theme(), ...more });

// What is asked of the server
async function send(path, more = {}, method = "GET") {
  try {
    const response = await fetch(`inside/tests${path}?${query(more)}`, { method });
    return await response.json();
  } catch { return { error: vm.words.silent }; }
}
async function refresh() {
  clearTimeout(timer);
  if (isAsking || !isShown() || !vm.run) return;
  isAsking = true;
  const run = vm.run, answer = await send("", { have: shown });
  isAsking = false;
  if (run === vm.run) take(answer);
  if (isActive() && isShown()) timer = setTimeout(refresh, POLL);
}
async function start(kind) {
  refuse("");
  const at = vm.inside.at, answer = await send("/start", { kind, at, class: choice.value, same: isSame() ? 1 : "", have: shown }, "POST");
  if (!answer.error) pendingAt = at;
  take(answer);
  if (isActive()) { part("cancel").focus(); refresh(); }
}
part("cancel").addEventListener("click", async () => { take(await send("/cancel", { have: shown }, "POST")); refresh(); });

// What is shown
function take(answer) {
  if (answer.error) { refuse(answer.error); return; }
  const wasActive = isActive();
  state = answer;
  if (answer.version !== shown) {
    [shown, found, figures] = [answer.version, answer.result ?? null, answer.figure ?? {}];
    if (answer.state === "done" && pendingAt !== null) [testedAt, pendingAt, isFresh] = [pendingAt, null, false];
    testedAt = found ? testedAt ?? vm.inside.at : null;
    drawFound();
    vm.emit("tested"); // the Memory page puts effects beside its shares
  }
  fitPage();
  drawList();
  drawWork(wasActive);
}
// A Spool is looked into on the Heads page, a FAM Swin on the Memory page: its tests stand there, too.
function fitPage() {
  element.firstElementChild.hidden = Boolean(state?.page) && state.page !== document.body.dataset.view;
}
function refuse(sentence) {
  part("error").textContent = sentence;
  part("error").hidden = !sentence;
}
function drawWork(wasActive) {
  const { state: now, kind, done, total, seconds_left: left, sentence } = state, bar = part("bar");
  part("work").hidden = !isActive();
  if (now === "failed") refuse(sentence);
  part("ended").textContent = ["done", "cancelled"].includes(now) ? `${NAMES[kind]}: ${sentence}` : "";
  if (!isActive()) {
    if (wasActive && document.activeElement === document.body) list.querySelector(`[data-kind=${kind}]`)?.focus();
    return;
  }
  const [name, text] = part("told").children, share = total ? Math.round((100 * done) / total) : 0;
  name.textContent = NAMES[kind];
  const progress = now === "running" ? [vm.fill("mattered_done", { done, total }), ...(left === null ? [] : [vm.fill("mattered_left", { span: vm.span(Math.ceil(left)) })])] : [];
  text.textContent = [sentence, ...progress].join(" · ");
  bar.firstElementChild.style.width = `${share}%`;
  bar.setAttribute("aria-valuenow", share);
  bar.setAttribute("aria-valuetext", text.textContent);
}
function drawList() {
  const done = isSame() ? Object.keys(found.results) : [], key = JSON.stringify([state.offers, done, isActive(), state.classes, isSame()]);
  drawMoment();
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const focused = document.activeElement?.dataset?.kind;
  list.replaceChildren(...state.offers.map((offer) => row(offer, done.includes(offer.name))));
  if (focused) list.querySelector(`[data-kind=${focused}]`)?.focus();
  const kept = choice.value, classes = state.classes.map((name, at) => new Option(name, at));
  choice.replaceChildren(new Option(found && isSame() ? vm.fill("mattered_predicted_is", { class: found.moment.label }) : vm.words.mattered_predicted, ""), ...classes);
  choice.value = kept < classes.length ? kept : "";
}
function row({ name, cost, why_not: why }, isDone) {
  const item = document.createElement("li"), title = document.createElement("b"), text = document.createElement("p");
  title.textContent = NAMES[name];
  if (isDone) title.append(Object.assign(document.createElement("i"), { textContent: "✓", title: vm.words.mattered_is_done }));
  text.textContent = why || vm.words[`mattered_${name}_does_${state.page}`] || vm.words[`mattered_${name}_does`];
  text.classList.toggle("vm-mat-not", Boolean(why));
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: vm.words[isDone ? "mattered_again" : "mattered_test"], disabled: Boolean(why) || isActive() });
  button.dataset.kind = name;
  button.setAttribute("aria-label", `${button.textContent}: ${NAMES[name]}`);
  button.addEventListener("click", () => start(name));
  item.append(title, text, button);
  if (cost && !why) item.append(Object.assign(document.createElement("small"), { textContent: cost }));
  return item;
}
// Which moment is tested next: that of the last test as long as nobody picks another one.
function drawMoment() {
  if (!state) return;
  const aside = part("moment"), newest = vm.last.now?.index ?? -1;
  const canBeNewer = isSame() && vm.inside.at === "newest" && newest > found.moment.index;
  same.hidden = !found || (isSame() && !canBeNewer);
  same.querySelector("button").hidden = !canBeNewer;
  if (found) {
    const { start_seconds: start, end_seconds: end, label, probability } = found.moment;
    const time = `${vm.clock(start)}–${vm.clock(end)}`;
    aside.textContent = vm.fill("mattered_of", { time, label, share: `${Math.round(100 * probability)} %` });
    same.firstElementChild.textContent = vm.fill(isSame() ? "mattered_same" : "mattered_next", { time });
  } else aside.textContent = "";
}
same.querySelector("button").addEventListener("click", () => { isFresh = true; drawList(); });

function drawFound() {
  const results = found?.results ?? {};
  part("empty").hidden = Boolean(found);
  part("files").hidden = !found;
  for (const button of element.querySelectorAll("[data-png]")) button.hidden = !(button.dataset.png === "memory" ? results.memory?.clips.length : figures[button.dataset.png]);
  part("files").querySelector("[data-file]").href = `inside/tests/file.json?${query()}`;
  for (const name of FIGURES) {
    part(name).hidden = !figures[name];
    if (figures[name]) drawFigure(name);
  }
  part("memory").hidden = !results.memory;
  if (results.memory) drawMaps(found, tell);
  const said = found?.said ?? {};
  const told = (name) => [said[name], said[`agreement_${name}`]].filter(Boolean).join(" ");
  say("effects", [said.both, told("direct"), told("total"), said.nothing], said.both);
  say("memory", [said.memory]);
  say("occlusion", [said.occlusion]);
  say("pixels", [said.pixels]);
  if (part("preview").dataset.moment !== String(found?.moment.index)) part("preview").hidden = true;
  drawClips();
}
function drawFigure(name) {
  const plot = element.querySelector(`[data-figure=${name}]`), { data, layout } = figures[name];
  const height = name === "effects" ? 330 + layout.margin.t / 2 : highEnough(plot, layout);
  vm.plots.draw(plot, { data, layout: { ...layout, height } }, name === "effects" ? picked : null);
}
// Panels of pictures keep their shape: so high that no room is left over.
function highEnough(plot, layout) {
  const axes = (letter) => Object.keys(layout).filter((key) => key.startsWith(`${letter}axis`)).map((key) => layout[key]);
  const many = (letter) => new Set(axes(letter).map(({ domain }) => (domain ?? [0])[0].toFixed(3))).size;
  const shape = found.picture[0] / found.picture[1], width = (plot.parentElement.clientWidth - 26) / many("x");
  return Math.round(layout.margin.t + many("y") * (width * shape + 30) + 14);
}
function say(name, sentences, key = null) {
  part(name).querySelector(".vm-mat-said").replaceChildren(...sentences.filter(Boolean).map((text) =>
    Object.assign(document.createElement("li"), { textContent: text, className: text === key ? "vm-mat-key" : "" })));
}
// The clips as buttons: a figure's bars cannot be reached by keyboard.
function drawClips() {
  part("clips").hidden = !figures.effects;
  const title = Object.assign(document.createElement("span"), { textContent: vm.words.mattered_play, className: "vm-aside" });
  part("clips").replaceChildren(title, ...(found?.clips ?? []).map((clip) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: vm.clock(clip.start_seconds) });
    button.dataset.clip = clip.index;
    button.addEventListener("click", () => play(clip));
    return button;
  }));
}
function picked(point) {
  const index = [point.customdata].flat()[0], clip = found?.clips.find((one) => one.index === index);
  if (clip) play(clip);
}
// The timeline marks it.
const tell = (clip) => vm.emit("mark", { start: clip.start_seconds, end: clip.end_seconds });
function play(clip) {
  const canvas = part("preview").querySelector("canvas"), effect = (name) => found.results[name]?.clips.find((one) => one.clip === clip.index)?.log_odds;
  const said = ["direct", "total"].filter((name) => effect(name) !== undefined).map((name) => `${NAMES[name].toLowerCase()} ${signed(effect(name))}`);
  const share = found.shares[clip.index];
  if (share !== undefined) said.push(vm.fill("mattered_share", { share: `${Math.round(100 * share)} %` }));
  part("preview").hidden = false;
  part("preview").dataset.moment = found.moment.index;
  part("preview").querySelector("p").textContent = [`${vm.clock(clip.start_seconds)}–${vm.clock(clip.end_seconds)}`, ...said].join(" · ");
  for (const button of part("clips").querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.clip === String(clip.index));
  tell(clip);
  playIn(canvas, clip, (image) => {
    canvas.height = Math.round((canvas.width * image.naturalHeight) / image.naturalWidth) || canvas.height;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  });
}
for (const button of element.querySelectorAll("[data-png]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.png, file = `mattered-${name}-${found.moment.index}`;
    if (name === "memory") saveMaps(file);
    else vm.plots.save(element.querySelector(`[data-figure=${name}]`), file);
  });
}

// When the page is opened, and when what was tested is gone
function anew() { shown = -1; refresh(); }
vm.on("view_shown", () => { fitPage(); refresh(); });
for (const topic of ["run", "epoch"]) vm.on(topic, () => { [testedAt, pendingAt, isFresh] = [null, null, false]; anew(); });
vm.on("model", anew);
vm.on("inside_at", () => { isFresh = false; if (state) drawList(); });
new ResizeObserver(vm.perFrame(() => { if (found && isShown()) for (const name of FIGURES) if (figures[name]) drawFigure(name); })).observe(part("found"));
vm.on("now", () => { if (isShown()) drawMoment(); });
dark.addEventListener("change", anew);
