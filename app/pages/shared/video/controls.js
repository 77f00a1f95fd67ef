// The elements of the player of the project's videos, and how each is drawn; its sound, as it was left.

import { make, PAUSE, PLAY } from "../dom.js";
import { keep, keptValue } from "../kept.js";
import { words } from "../words.js";

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4, 8, 16];
const SOUND = "vidmem-sound";
const BACK = "M17 4.5v15l-11-7.5zM5 5h2v14H5z";
const ON = "M7 4.5v15l11-7.5zM17 5h2v14h-2z";
const LOOP = "M12 5V1.5L7 6l5 4.5V7a5 5 0 1 1-5 5H5a7 7 0 1 0 7-7z";
const FULL = "M4 9V4h5v2H6v3zM15 4h5v5h-2V6h-3zM20 15v5h-5v-2h3v-3zM9 20H4v-5h2v3h3z";
const LOUD = "M4 9h4l5-4v14l-5-4H4zM15.5 8a5 5 0 0 1 0 8zM17 4.5a9 9 0 0 1 0 15v-2a7 7 0 0 0 0-11z";
const MUTE = "M4 9h4l5-4v14l-5-4H4zM16 9l5 6m0-6l-5 6";

export function restoreSound(video) {
  const { volume, muted } = keptValue(SOUND) ?? {};
  if (volume >= 0 && volume <= 1) video.volume = volume;
  video.muted = Boolean(muted);
}
export function keepSound({ volume, muted }) {
  keep(SOUND, JSON.stringify({ volume, muted }));
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}
function button(name, label, content, properties = {}) {
  const made = make("button", { type: "button", title: label, ariaLabel: label, ...properties }, content);
  made.dataset.do = name;
  return made;
}
// What was used with the pointer lets go of the keys, which are those of the page then.
function letGo(control) {
  let isByPointer = false;
  control.addEventListener("pointerdown", () => {
    isByPointer = true;
  });
  control.addEventListener("keydown", () => {
    isByPointer = false;
  });
  control.addEventListener("change", () => {
    if (isByPointer) control.blur();
  });
}

// The elements, and how each is drawn.
export function layOutPlayer(element) {
  const video = make("video", { className: "vm-vp-video", preload: "auto", playsInline: true });
  const stage = make("div", { className: "vm-vp-stage" }, video);
  const overlay = make("div", { className: "vm-vp-overlay" });
  const message = make("div", { className: "vm-vp-message" });
  message.setAttribute("role", "status");
  const screen = make("div", { className: "vm-vp-screen" }, stage, overlay, message);
  const seekBar = make("input", { type: "range", className: "vm-vp-seek", min: 0, max: 1, step: "any", value: 0 });
  seekBar.ariaLabel = words.vp_position;
  const toggle = button("toggle", words.vp_play, icon(PLAY), { className: "vm-main" });
  const back = button("back", words.vp_frame_back, icon(BACK));
  const forward = button("forward", words.vp_frame_on, icon(ON));
  const loop = button("loop", words.vp_loop, icon(LOOP), { ariaPressed: "false" });
  const speed = make(
    "select",
    { className: "vm-vp-speed", ariaLabel: words.vp_speed, title: words.vp_speed },
    ...SPEEDS.map((one) => new Option(`${one} ×`, one, one === 1, one === 1)),
  );
  const zoomOut = button("zoom_out", words.vp_zoom_out, "−");
  const zoomOff = button("zoom_off", words.vp_zoom_off, "1 ×");
  const zoomIn = button("zoom_in", words.vp_zoom_in, "+");
  const zooming = make("span", { className: "vm-vp-group", ariaLabel: words.vp_zoom }, zoomOut, zoomOff, zoomIn);
  zooming.setAttribute("role", "group");
  const mute = button("mute", words.vp_mute, icon(LOUD), { ariaPressed: "false" });
  const volume = make("input", { type: "range", className: "vm-vp-volume", min: 0, max: 1, step: 0.05, value: 1 });
  volume.ariaLabel = words.vp_volume;
  const full = button("full", words.vp_full, icon(FULL));
  const clock = make("span", { className: "vm-vp-clock" });
  const bar = make(
    "div",
    { className: "vm-vp-bar" },
    ...[toggle, back, forward, loop, speed, zooming, mute, volume, full, clock],
  );
  const note = make("p", { className: "vm-vp-note", hidden: true });
  note.setAttribute("role", "status");
  const root = make("div", { className: "vm-vp" }, screen, seekBar, bar, note);
  element.replaceChildren(root);
  for (const one of [seekBar, speed, volume]) letGo(one);
  back.append(make("span", { textContent: words.vp_frame }));
  forward.prepend(make("span", { textContent: words.vp_frame }));
  loop.append(make("span", { textContent: words.vp_loop_short }));
  const playing = [toggle, back, forward, loop, speed, seekBar];

  return {
    ...{ root, video, stage, overlay, message, screen, seekBar, clock, note },
    enable: (isUsable) => {
      for (const one of playing) one.disabled = !isUsable;
    },
    drawPlay: (isPlaying) => {
      toggle.querySelector("path").setAttribute("d", isPlaying ? PAUSE : PLAY);
      toggle.title = toggle.ariaLabel = words[isPlaying ? "vp_pause" : "vp_play"];
    },
    drawLoop: (isOn) => {
      loop.ariaPressed = String(isOn);
    },
    drawSpeed: (value) => {
      speed.value = value;
      if (speed.selectedIndex < 0) {
        speed.append(new Option(`${value} ×`, value));
        speed.value = value;
      }
    },
    drawZoom: (value) => {
      zoomOff.textContent = `${Number(value.toFixed(1))} ×`;
    },
    drawSound: ({ muted, volume: loudness }) => {
      const isSilent = muted || loudness === 0;
      mute.querySelector("path").setAttribute("d", isSilent ? MUTE : LOUD);
      mute.ariaPressed = String(isSilent);
      volume.value = muted ? 0 : loudness;
    },
    listen: (actions) => {
      bar.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
      speed.addEventListener("change", () => actions.speed(speed.value));
      volume.addEventListener("input", () => actions.volume(Number(volume.value)));
    },
  };
}
