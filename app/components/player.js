// The picture with its label, the transport under it, and the keyboard.
const vm = window.vidmem;
const find = (selector) => element.querySelector(selector);
const screen = find(".vm-screen"), image = find(".vm-screen img"), waiting = find(".vm-waiting");
const tag = find(".vm-tag"), clock = find(".vm-clock"), big = find(".vm-big"), lookback = find(".vm-lookback");
const progress = find(".vm-progress"), pace = find(".vm-pace"), speed = find(".vm-speed");
const toggle = find("[data-act=toggle]"), jumpTime = find("#vm-jump-time"), notice = find(".vm-notice"), storage = find(".vm-storage");
const spoken = find("[role=status]");
const PLAY = "M7 4.5v15l13-7.5z", PAUSE = "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z";

let play = { status: "empty" }, now = null, looking = null, playhead = null, lastSpoken = "", spokenAt = 0;
let picture = null, arriving = null; // the one on view, and the one that the browser is about to show

const isActive = () => play.status === "playing" || (play.status === "opening" && !play.is_held);
const total = () => vm.last.source?.duration_seconds ?? 0;
const isLive = () => vm.last.source?.is_live ?? false;

// At the end there is nothing more to step to; looking back, there is.
const canGoForward = () => looking !== null || (play.can_play && play.status !== "finished");

function drawTransport() {
  const active = isActive(), begun = active || ["opening", "paused"].includes(play.status);
  toggle.querySelector("path").setAttribute("d", active ? PAUSE : PLAY);
  const again = now && !begun ? "play_again" : "play";
  toggle.querySelector("span").textContent = vm.words[active ? "pause" : begun ? "resume" : again];
  toggle.disabled = !play.can_play && !begun;
  find("[data-act=stop]").disabled = !begun;
  find("[data-act=back]").disabled = !now;
  find("[data-act=forward]").disabled = !canGoForward();
  find(".vm-jump button").disabled = jumpTime.disabled = !play.can_play && !begun;
  find(".vm-jump").hidden = speed.hidden = progress.hidden = isLive();
  find(".vm-no-seek").hidden = !isLive();
  find("[data-act=from-here]").hidden = isLive();
  if (document.activeElement !== speed) speed.value = play.speed ?? "fast";
  big.hidden = begun || !play.can_play || looking !== null || now !== null;
  screen.classList.toggle("vm-resting", !big.hidden);
  const message = play.status === "opening" ? vm.words.opening : play.status === "empty" ? vm.words.choose_first : "";
  waiting.textContent = message;
  waiting.classList.toggle("vm-spin", play.status === "opening");
}

function drawProgress() {
  const share = total() ? Math.min(1, (play.analysed_seconds ?? 0) / total()) : 0;
  progress.firstElementChild.style.width = `${share * 100}%`;
  progress.setAttribute("aria-valuenow", Math.round(share * 100));
  progress.setAttribute("aria-valuetext", vm.fill("of_total", { time: vm.clock(play.analysed_seconds ?? 0, total()), total: vm.clock(total(), total()) }));
}

// What lies on the picture is of the picture: where the playhead is stands below it.
function drawPicture() {
  const isShown = picture !== null && picture.video === vm.last.source?.key;
  image.hidden = clock.hidden = !isShown;
  tag.hidden = !isShown || picture.label === undefined;
  if (!isShown) return;
  image.alt = vm.fill("picture_at", { time: vm.clock(picture.seconds, total(), true) });
  clock.textContent = vm.clock(picture.seconds, total());
  if (tag.hidden) return;
  tag.firstElementChild.style.background = vm.colour(picture.colour);
  tag.children[1].textContent = `${picture.label} · ${picture.probability.toFixed(2)}`;
  tag.lastElementChild.hidden = picture.is_final;
}
const unlabelled = (one) => one && { ...one, label: undefined };

// Between two answers of the server the playhead goes on by itself, at the rate that the server told.
function drawPlayhead() {
  if (playhead && isLive()) { drawLive(); return; }
  if (!playhead || !total()) { pace.textContent = play.pace ?? ""; return; }
  const since = (performance.now() - playhead.at) / 1000;
  const seconds = Math.min(playhead.seconds + playhead.rate * since, playhead.limit);
  const isEdge = play.speed === "fast" && now && Math.abs(seconds - now.end_seconds) < 0.01;
  const place = vm.fill(isEdge ? "analysed_to" : "of_total", { time: vm.clock(seconds, total()), total: vm.clock(total(), total()) });
  const isOnTheWay = (now || seconds > 0) && play.status !== "finished";
  pace.textContent = [isOnTheWay ? place : "", play.pace].filter(Boolean).join(" · ");
  vm.emit("playhead", seconds);
}

function drawLive() {
  const place = now ? vm.fill("live_analysed", { time: vm.clock(playhead.seconds) }) : "";
  pace.textContent = [place, play.pace].filter(Boolean).join(" · ");
  vm.emit("playhead", playhead.seconds);
}

function drawLookback() {
  lookback.hidden = looking === null;
  screen.classList.toggle("vm-looking", looking !== null);
  if (looking === null) return;
  lookback.firstElementChild.textContent = vm.fill(isLive() ? "live_looking_at" : "looking_at", { time: vm.clock(looking.seconds, total(), total() < 600) });
}

// Said aloud when the label changes, and not more often than every four seconds.
function speak() {
  if (!now || now.label === lastSpoken || performance.now() - spokenAt < 4000) return;
  lastSpoken = now.label;
  spokenAt = performance.now();
  spoken.textContent = vm.fill(now.is_final ? "spoken" : "spoken_provisional", { label: now.label, time: vm.clock(now.start_seconds, total()) });
}

vm.on("play", (value) => {
  play = value;
  playhead = value.playhead && { ...value.playhead, at: performance.now() };
  drawTransport();
  drawProgress();
  drawPlayhead();
});
vm.on("now", (value) => { now = value; drawPlayhead(); drawTransport(); speak(); });
vm.on("look", (value) => { looking = value; drawLookback(); drawTransport(); });
vm.on("picture", (value) => {
  arriving = value;
  image.src = `data:image/jpeg;base64,${value.jpeg}`;
});
image.addEventListener("load", () => { picture = arriving; drawPicture(); });
vm.on("points", (points) => { // a picture that stays is told what is said of its time now
  for (const one of new Set([picture, arriving])) {
    const said = one && one.video === vm.last.source?.key && points.findLast(([, start, end]) => start <= one.seconds && one.seconds < end);
    const [, , , colour, values, isFinal] = said || [], label = vm.last.timeline?.classes[colour];
    if (label) Object.assign(one, { label, colour, probability: values[colour] / 255, is_final: Boolean(isFinal) });
  }
  drawPicture();
});
vm.on("epoch", () => { // its label was said by a play that is over
  [picture, arriving] = [unlabelled(picture), unlabelled(arriving)];
  drawPicture();
});
vm.on("source", () => {
  drawTransport();
  drawProgress();
  drawPicture();
  drawPlayhead();
});
let fading = 0;
function drawNotice() {
  const value = vm.last.silent ? { level: "error", text: vm.words.silent } : vm.last.notice;
  notice.hidden = !value;
  notice.classList.toggle("vm-mild", value?.level === "info" || value?.level === "note");
  notice.firstElementChild.replaceChildren(value?.text ?? "", ...(value?.links ?? []).flatMap((file) => [" ", vm.download(file)]));
  clearTimeout(fading);
  if (value?.level === "info") fading = setTimeout(() => vm.act("dismiss"), 10000);
}
vm.on("notice", drawNotice);
vm.on("storage", (value) => {
  storage.hidden = !value;
  storage.firstElementChild.textContent = value?.text ?? "";
});
vm.on("silent", drawNotice);
vm.on("run", () => {
  picture = arriving = now = looking = playhead = null;
  drawPicture();
});
setInterval(() => { if (play.status === "playing" && playhead?.rate) drawPlayhead(); speak(); }, 200);

const clipSeconds = () => vm.last.settings?.seconds_between_predictions ?? 1;
function stepTo(seconds) {
  const target = Math.max(0, Math.min(seconds, total() || seconds));
  vm.act("look", { seconds: target });
}
const actions = {
  toggle: () => vm.act(isActive() ? "pause" : "play"),
  play: () => vm.act("play"),
  stop: () => vm.act("stop"),
  live: () => vm.act("look", null),
  "from-here": () => vm.act("jump", { seconds: looking.seconds, play: true }),
  back: () => vm.act("back"),
  forward: () => {
    if (looking === null) vm.act("step");
    else if (looking.seconds + clipSeconds() > (play.analysed_seconds ?? 0)) vm.act("look", null);
    else stepTo(looking.seconds + clipSeconds());
  },
  dismiss: () => vm.act("dismiss"),
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && !button.disabled) actions[button.dataset.act]();
});
speed.addEventListener("change", () => vm.act("speed", { speed: speed.value }));
find(".vm-jump").addEventListener("submit", (event) => {
  event.preventDefault();
  const seconds = vm.parseClock(jumpTime.value);
  const bad = seconds === null || (total() > 0 && seconds >= total());
  jumpTime.setAttribute("aria-invalid", bad);
  if (bad) return;
  vm.act("jump", { seconds, play: isActive() });
  jumpTime.value = "";
});
jumpTime.addEventListener("input", () => jumpTime.removeAttribute("aria-invalid"));

const keys = { " ": "toggle", ArrowLeft: "back", ArrowRight: "forward", Escape: "live" };
document.addEventListener("keydown", (event) => {
  const name = keys[event.key];
  if (!name || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!screen.getClientRects().length) return; // another page is on view
  if (vm.isTyping(event.target) || (event.key !== " " && event.target.closest("[data-keys]"))) return;
  if (event.key === " " && event.target.closest("button, a")) return;
  const button = find(`[data-act=${name}]`);
  if (button.disabled || (name === "live" && looking === null)) return;
  event.preventDefault();
  actions[name]();
});
