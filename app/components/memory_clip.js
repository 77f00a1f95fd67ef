// The clip that was picked, played with its map over it, beside the most looked-at other one. Runs before memory_page.js.
const vm = window.vidmem, { inside } = vm;
const find = (selector) => element.querySelector(selector);
const MAX_FRAMES = 16, PLAY = "M7 4.5v15l13-7.5z", PAUSE = "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z";
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const pair = [...element.querySelectorAll(".vm-mem-pair button")], player = find(".vm-mem-player");
const reel = { frames: [], at: 0, timer: 0, clip: null }; // of the clip at the left, once its frames were asked for
let view = null, pickedClip = null, isPlaying = false; // the answer on view; number of a clip, null: the strongest

const total = () => vm.last.source?.duration_seconds ?? 0;
const clockOf = (seconds) => vm.clock(seconds, total(), total() < 600);
const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
const clipOf = (index) => view.clips.find((clip) => clip.index === index);
const ago = (clip) => (clip.age_seconds === null ? vm.fill("mem_clips_ago", { count: clip.age_clips }) : vm.age(clip.age_seconds));

// A map `[times][rows][columns]` summed over its times, and the largest number in a list of maps.
const summed = (map) => map[0].map((row, y) => row.map((_, x) => map.reduce((sum, time) => sum + time[y][x], 0)));
const largest = (maps) => Math.max(...maps.flat(2));

// Left: what was picked, or the strongest. Right: the strongest of the others.
function placed() {
  const first = clipOf(pickedClip) ?? clipOf(view.strongest[0]);
  return [first, clipOf(view.strongest.find((index) => index !== first?.index))];
}

function fitCanvas(canvas, image) {
  const height = Math.round((canvas.width * image.naturalHeight) / image.naturalWidth);
  if (height && canvas.height !== height) canvas.height = height;
}
async function drawStill(canvas, clip) {
  const asked = canvas.vmAsked = `${clip.index}`;
  const [frame] = await inside.frames(clip.start_seconds, clip.end_seconds, 1);
  const image = frame?.image ?? null;
  if (canvas.vmAsked !== asked || !view || !clipOf(clip.index)) return;
  if (image) fitCanvas(canvas, image);
  inside.paintMap(canvas, image, summed(clipOf(clip.index).map), { box: view.drawn_box, max: view.brightest });
}
function drawFrame(clip) {
  const canvas = pair[0].firstElementChild, { image } = reel.frames[reel.at], times = clip.map.length;
  canvas.vmAsked = "";
  fitCanvas(canvas, image);
  const time = Math.floor((reel.at * times) / reel.frames.length);
  inside.paintMap(canvas, image, clip.map[time], { box: view.drawn_box, max: largest(clip.map) });
}

function drawPair() {
  const clips = placed();
  pair.forEach((button, place) => {
    const clip = clips[place];
    button.hidden = !clip;
    if (!clip) return;
    sayClip(button, clip, place);
    if (place === 1 || reel.clip !== clip.index || !reel.frames.length) drawStill(button.firstElementChild, clip);
    else drawFrame(clip);
  });
  drawPlayer(clips[0]);
}
function sayClip(button, clip, place) {
  const rank = view.strongest.indexOf(clip.index), key = rank === 0 ? "mem_most" : rank === 1 ? "mem_second" : "mem_rank";
  const said = vm.fill(key, { rank: rank + 1 });
  const strong = Object.assign(document.createElement("b"), { textContent: ago(clip) });
  button.dataset.index = clip.index;
  button.classList.toggle("vm-picked", clip.index === pickedClip);
  button.lastElementChild.replaceChildren(`${said}: `, strong, ` (${clockOf(clip.start_seconds)}), ${percent(clip.share)}`);
  const hint = place === 0 && isPlaying ? vm.words.mem_pause : vm.words.mem_play;
  button.setAttribute("aria-label", `${button.lastElementChild.textContent}. ${hint}`);
  button.title = hint;
}
function drawPlayer(clip) {
  player.hidden = !clip;
  if (!clip) return;
  const toggle = player.querySelector("[data-clip=toggle]"), { frames, at } = reel;
  toggle.querySelector("path").setAttribute("d", isPlaying ? PAUSE : PLAY);
  toggle.lastElementChild.textContent = vm.words[isPlaying ? "mem_pause" : "mem_play"];
  player.querySelector("[data-clip=close]").hidden = pickedClip === null;
  const isOwn = reel.clip === clip.index && frames.length > 0;
  player.dataset.frame = isOwn ? at : "";
  player.querySelector(".vm-mem-frame").textContent = isOwn
    ? vm.fill("mem_frame", { at: at + 1, count: frames.length, time: vm.clock(frames[at].seconds, total(), true) })
    : `${clockOf(clip.start_seconds)} – ${clockOf(clip.end_seconds)}`;
  const most = isOwn ? largest(clip.map) : view.brightest;
  find(".vm-mem-brightest").textContent = vm.fill(isOwn ? "mem_scale_time" : "mem_scale", { share: percent(most) });
}

// The frames of the clip at the left; they are asked for when it is played or stepped through.
async function loadReel() {
  const [clip] = placed();
  if (!clip) return false;
  if (reel.clip === clip.index && reel.frames.length) return true;
  Object.assign(reel, { clip: clip.index, frames: [], at: 0 });
  const count = Math.min(MAX_FRAMES, vm.last.settings?.values.clip_frames ?? MAX_FRAMES);
  const frames = await inside.frames(clip.start_seconds, clip.end_seconds, count);
  if (reel.clip !== clip.index || !frames.length) return false;
  reel.frames = frames;
  return true;
}
async function play() {
  const { index } = placed()[0];
  isPlaying = true;
  drawPair();
  const isLoaded = await loadReel();
  if (!isPlaying || !view || placed()[0]?.index !== index) return; // another was picked meanwhile
  if (!isLoaded) { stop(); return; }
  clearInterval(reel.timer);
  const clip = clipOf(index), pace = (1000 * (clip.end_seconds - clip.start_seconds)) / reel.frames.length;
  reel.timer = setInterval(() => step(1), Math.max(80, Math.min(500, pace)));
  drawPair();
}
function stop() {
  isPlaying = false;
  clearInterval(reel.timer);
  if (view?.clips.length) drawPair();
}
function step(by) {
  const clip = view && clipOf(reel.clip);
  if (!clip || !reel.frames.length) return;
  reel.at = (reel.at + by + reel.frames.length) % reel.frames.length;
  drawFrame(clip);
  drawPlayer(clip);
}

// A clip is picked: it plays, and the timeline goes to its time. null: none, the strongest is shown again.
function pick(index) {
  stop();
  pickedClip = index;
  Object.assign(reel, { clip: null, frames: [], at: 0 });
  markPicked();
  drawPair();
  pickedChanged();
  if (index === null) return;
  if (calm.matches) loadReel().then(drawPair);
  else play();
}
// Of the clips that are there now: one that was evicted cannot stay picked.
function keepPicked() {
  if (pickedClip !== null && !clipOf(pickedClip)) pick(null);
  else if (reel.clip !== null && reel.clip !== placed()[0]?.index) {
    Object.assign(reel, { clip: null, frames: [], at: 0 });
    stop();
  }
}

for (const button of pair) {
  button.addEventListener("click", () => {
    const index = Number(button.dataset.index);
    if (index !== pickedClip) pick(index);
    else if (isPlaying) stop();
    else play();
  });
}
const byHand = {
  toggle: () => (isPlaying ? stop() : pickedClip === null ? pickAndPlay() : play()),
  back: () => stepByHand(-1),
  on: () => stepByHand(1),
  close: () => { pick(null); player.querySelector("[data-clip=toggle]").focus(); },
};
function pickAndPlay() {
  pick(placed()[0].index);
  if (calm.matches) play(); // asked for in so many words
}
async function stepByHand(by) {
  stop();
  if (pickedClip === null) {
    pickedClip = placed()[0].index;
    markPicked();
    pickedChanged();
  }
  if (await loadReel()) step(by);
}
function markPicked() {
  const clip = pickedClip === null ? null : clipOf(pickedClip);
  vm.emit("mark", clip && { start: clip.start_seconds, end: clip.end_seconds });
}
player.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-clip]");
  if (pressed) byHand[pressed.dataset.clip]();
});
