// One player for the spans of all pages: it goes to the card that plays something, and loops it.

import { fetchReady, queryOf } from "../ask.js";
import { make } from "../dom.js";
import * as format from "../format.js";
import { fill, words } from "../words.js";
import { makeVideoPlayer } from "./player.js";
import { loadVideos, videosOfProject } from "./project.js";

const AROUND = 1; // seconds before and after what is too short to be seen
const SHORT = 0.5;

const said = make("p", { className: "vm-aside", textContent: words.vp_span });
const screen = make("div");
const whole = make("div", { className: "vm-span-player" }, said, screen);
said.setAttribute("role", "status");
screen.hidden = true;
let player = null;
let wanted = null;

export function place(element) {
  element.append(whole);
}

export async function playSpan(element, { video, start, end, title }) {
  if (whole.parentElement !== element) element.append(whole);
  const find = () => videosOfProject().find(({ name }) => name === video);
  if (!find()) await loadVideos();
  const known = find();
  if (known?.state !== "here") {
    player?.pause();
    screen.hidden = true;
    said.textContent = fill("vp_span_not_here", { video, state: words[`vp_span_is_${known?.state ?? "unseen"}`] });
    return;
  }
  screen.hidden = false;
  const times = { from: format.clock(start, { hasTenths: true }), to: format.clock(end, { hasTenths: true }) };
  said.textContent = fill("vp_span_playing", { behaviour: title, video, ...times });
  const isShort = end - start < SHORT;
  const own = { video, start: Math.max(0, start - (isShort ? AROUND : 0)), end: end + (isShort ? AROUND : 0) };
  wanted = own;
  if (!player) {
    player = makeVideoPlayer(screen);
    player.on("loaded", begin);
  }
  if (player.record?.name === video) {
    begin();
    return;
  }
  // What a browser can decode is known once the file was looked at.
  const facts = known.is_probed ? known : (await fetchReady(`project/videos/facts?${queryOf({ video })}`)).video;
  if (wanted === own) player.load(facts ?? known, { at: own.start });
}
async function begin() {
  const own = wanted;
  if (!own || player.record?.name !== own.video) return;
  await player.seek(own.start);
  if (wanted !== own) return;
  player.loop({ start: own.start, end: own.end });
  player.play();
}
