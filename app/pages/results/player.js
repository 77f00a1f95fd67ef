// One player for the whole page: it goes to the card that plays something.

import * as bus from "../shared/bus.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { makeVideoPlayer } from "../shared/video_player.js";
import { fill, words } from "../shared/words.js";

const AROUND = 1; // seconds before and after what is too short to be seen
const SHORT = 0.5;

const said = make("p", { className: "vm-aside", textContent: words.results_play });
const screen = make("div");
const whole = make("div", { className: "vm-results-player" }, said, screen);
said.setAttribute("role", "status");
screen.hidden = true;
let player = null;
let wanted = null;

export function place(element) {
  element.append(whole);
}

export function playSpan(element, { video, start, end, title }) {
  if (whole.parentElement !== element) element.append(whole);
  const record = bus.last.project_videos?.videos.find(({ name }) => name === video);
  if (record?.state !== "here") {
    player?.pause();
    screen.hidden = true;
    said.textContent = fill("results_not_here", { video, state: record?.state ?? "unseen" });
    return;
  }
  screen.hidden = false;
  const times = { from: format.clock(start, { hasTenths: true }), to: format.clock(end, { hasTenths: true }) };
  said.textContent = fill("results_playing", { behaviour: title, video, ...times });
  const isShort = end - start < SHORT;
  wanted = { video, start: Math.max(0, start - (isShort ? AROUND : 0)), end: end + (isShort ? AROUND : 0) };
  if (!player) {
    player = makeVideoPlayer(screen);
    player.on("loaded", begin);
  }
  if (player.record?.name === video) begin();
  else player.load(record);
}
function begin() {
  if (!wanted) return;
  player.loop({ start: wanted.start, end: wanted.end });
  player.seek(wanted.start);
  player.play();
}
bus.on("view_shown", () => player?.pause());
