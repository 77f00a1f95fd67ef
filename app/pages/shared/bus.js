// What the parts of the page share: the newest of everything the server sent, and the way back.
// A part says `bus.on("now", draw)`; a control says `bus.act("play")`.

import { pause } from "./ask.js";
import { started } from "./parts.js";

const MAX_TAIL = 1500; // newest points kept beside the range asked of the server
const KEPT = "vidmem-run";
const listeners = new Map();
export const last = {}; // topic -> the newest of it
const outbox = [];
const others = new Map(); // name of an action -> what may be done instead
const known = { versions: {}, epoch: null, lively: null, point: -1, thumbnail: -1, picture: -1 };
export const tail = []; // points newer than the range on the timeline: [number, start, end, column, values, is final]
let reached = -Infinity; // how far into the video the tail has ever gone
const QUIET = 4000; // milliseconds until the page sends a sign of life
const SILENT = 12000; // until it says that the app does not answer
const OPENING = 10000; // until a page that did not open tries anew
let notify = () => {};
let heardAt = performance.now();
export let run = ""; // the run's id
let isOpen = () => {};
const opened = new Promise((done) => {
  isOpen = done;
});
let page = "";
let isLeaving = false;

export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  if (topic in last) listener(last[topic]);
}
export function emit(topic, value) {
  if (topic === "silent" && last.silent === value) return;
  last[topic] = value;
  for (const listener of listeners.get(topic) ?? []) listener(value);
}

// A section is { version, value }: an older answer that overtakes a newer one is left out.
function receiveSections(sections) {
  for (const [topic, section] of Object.entries(sections)) {
    if ((known.versions[topic] ?? -1) >= section.version) continue;
    known.versions[topic] = section.version;
    emit(topic, section.value);
  }
}
function receivePoints(points) {
  const fresh = points.filter((point) => point[0] > known.point);
  if (!fresh.length) return;
  known.point = fresh.at(-1)[0];
  for (const point of fresh) {
    if (point[1] < reached - 1e-6) dropUnder(point);
    reached = Math.max(reached, point[2]);
    tail.push(point);
  }
  if (tail.length > MAX_TAIL) tail.splice(0, tail.length - MAX_TAIL);
  emit("points", fresh);
}
// What was said of this time before does not hold any more: by an earlier pass, or before more was seen.
function dropUnder([, start, end]) {
  const kept = tail.filter((point) => point[2] <= start + 1e-6 || point[1] >= end - 1e-6);
  tail.splice(0, tail.length, ...kept);
}
function receiveRange(range) {
  if (range.through > known.point) known.point = range.through;
  while (tail.length && tail[0][0] <= range.through) tail.shift();
  emit("range", range);
}
function receiveThumbnails(thumbnails) {
  for (const [clip] of thumbnails) known.thumbnail = Math.max(known.thumbnail, clip);
  emit("thumbnails", thumbnails);
}
function startRun(id) {
  run = id;
  Object.assign(known, { versions: {}, epoch: null, point: -1, thumbnail: -1, picture: -1 });
  keepRun(id);
  emit("run", id);
  if (outbox.length) notify(); // what was pressed before there was a run
}
// A reload finds its run by this. It is not in the address: who is sent that shall have a run of their own.
function keepRun(id) {
  try {
    sessionStorage.setItem(KEPT, id);
  } catch {
    /* storage is switched off: a reload then begins anew */
  }
}
// What a page says of itself when it opens.
export async function keptRun() {
  await started;
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

// New results, of another play, video or model: nothing drawn before holds.
function startEpoch(epoch) {
  Object.assign(known, { epoch, point: -1, thumbnail: -1 });
  tail.length = 0;
  reached = -Infinity;
  last.range = null;
  emit("epoch", epoch);
}

function receive(text) {
  if (!text) return;
  const answer = JSON.parse(text);
  heardAt = performance.now();
  emit("silent", false);
  isOpen();
  if (answer.run !== run) startRun(answer.run);
  known.lively = answer.lively;
  if (answer.epoch !== known.epoch) startEpoch(answer.epoch);
  if (answer.hello) {
    page = answer.hello.page;
    emit("hello", answer.hello);
  }
  if (answer.is_behind) emit("behind", true);
  if (answer.range) receiveRange(answer.range);
  if (answer.points) receivePoints(answer.points);
  if (answer.thumbnails) receiveThumbnails(answer.thumbnails);
  if (answer.picture && answer.picture.number > known.picture) {
    known.picture = answer.picture.number;
    emit("picture", answer.picture);
  }
  receiveSections(answer.sections ?? {});
}

// Everything goes up in one message: what this page has, and what was asked for since the last one.
// What was asked for waits until there is a run; if the answer to the opening does not come, a message tries anew.
export async function message() {
  await started;
  await Promise.race([opened, pause(OPENING)]);
  const now = performance.now();
  const beat = now - heardAt > QUIET ? Math.round(now) : undefined;
  const is_hidden = document.visibilityState === "hidden";
  const actions = run ? outbox.splice(0) : [];
  return JSON.stringify({ run, known, actions, beat, is_hidden, is_waiting_in_vain: !run });
}
export function instead(name, take) {
  others.set(name, take);
}
export function act(name, value = null) {
  if (others.get(name)?.()) return;
  const pending = outbox.findIndex((action) => action.name === name);
  if (pending >= 0 && ["view", "look", "set"].includes(name) && sameSetting(outbox[pending].value, value)) {
    outbox.splice(pending, 1);
  }
  outbox.push({ name, value });
  notify();
}
function sameSetting(old, value) {
  return (old?.setting ?? null) === (value?.setting ?? null);
}
// A hidden page may be put to sleep: the app is told, so that it does not take silence for a closed page.
document.addEventListener("visibilitychange", () => {
  heardAt = performance.now();
  if (!isLeaving) notify();
});
// The connection that tells the app of a closed page is not opened again once it broke: so this tells it too.
window.addEventListener("pageshow", () => {
  isLeaving = false;
});
window.addEventListener("pagehide", () => {
  isLeaving = true;
  if (page) navigator.sendBeacon(`left/${encodeURIComponent(page)}`);
});
setInterval(async () => {
  if (document.visibilityState !== "visible") return;
  const why = isSilent() && ((await isUnknown()) ? "unknown" : "lost");
  emit("silent", isSilent() && why);
}, 2000);
const isSilent = () => performance.now() - heardAt > SILENT;
// Whether the app answers, and does not know who asks: it was started anew, with another token. One that hangs does not.
async function isUnknown() {
  try {
    const signal = AbortSignal.timeout(1500);
    return (await fetch(window.location.pathname, { method: "HEAD", signal })).status === 401;
  } catch {
    return false;
  }
}

// The part that nobody sees: answers arrive in its value, and its input event takes a message away. Gradio gives a
// part's script `watch`, `props` and `trigger`.
export function start(_element, { watch, props, trigger }) {
  watch("value", () => receive(props.value));
  notify = () => trigger("input");
  if (outbox.length) notify();
}
