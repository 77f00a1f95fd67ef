// What is shown: a video of the project that plays, or the camera of this device. Both have pictures and their times.

import { makeCamera } from "../shared/camera.js";
import { makeVideoChooser } from "../shared/video/chooser.js";
import { makeVideoPlayer } from "../shared/video/player.js";
import { words } from "../shared/words.js";

const LEAP = 1; // seconds from one frame to the next that nobody has played

// `refuse(sentence)`; `left(seconds)`: the source goes on elsewhere, and what was seen of it ends there.
export function makeSource(element, { refuse, left }) {
  const find = (selector) => element.querySelector(selector);
  const [file, own, webcam] = [".vm-lesson-file", ".vm-lesson-own", ".vm-lesson-webcam"].map(find);
  const choices = [...element.querySelectorAll("[name=lesson-source]")];
  makeVideoChooser(find(".vm-lesson-videos"));
  const player = makeVideoPlayer(find(".vm-lesson-player"));
  const film = find(".vm-lesson-player video");
  const camera = makeCamera({ changed: drawCamera, lost: refuse });
  let origin = 0; // milliseconds of the page at second 0 of the camera
  let seen = 0; // seconds of the newest frame of the video
  find(".vm-lesson-screen").append(camera.screen);

  const isCamera = () => choices.find((one) => one.checked).value === "camera";

  function drawCamera() {
    webcam.disabled = camera.isOpening;
    webcam.setAttribute("aria-pressed", camera.isOpen);
    webcam.textContent = words[camera.isOpen ? "webcam_stop" : "webcam_start"];
    own.toggleAttribute("data-open", camera.isOpen);
  }
  function draw() {
    file.hidden = isCamera();
    own.hidden = !isCamera();
    if (isCamera()) player.pause();
    else camera.release();
  }
  webcam.addEventListener("click", async () => {
    if (camera.isOpen) {
      left(source.seconds);
      camera.release();
      return;
    }
    refuse("");
    const opening = camera.open();
    drawCamera();
    refuse((await opening) ?? "");
    drawCamera();
  });
  for (const one of choices) one.addEventListener("change", draw);
  player.on("time", (seconds) => {
    if (seconds < seen || seconds > seen + LEAP * Math.max(1, player.speed)) left(seen);
    seen = seconds;
  });

  const source = {
    player,
    get isCamera() {
      return isCamera();
    },
    // Whether pictures come.
    get isRunning() {
      return isCamera() ? camera.isOpen : player.isPlaying;
    },
    // Of the frame on view.
    get seconds() {
      return isCamera() ? (performance.now() - origin) / 1000 : player.seconds;
    },
    get speed() {
      return isCamera() ? 1 : player.speed;
    },
    get picture() {
      return isCamera() ? camera.screen : film;
    },
    // What is shown from now on comes after what a lesson has: a page that was loaded anew counts from 0 again.
    goOnFrom(seconds) {
      origin = performance.now() - 1000 * seconds;
    },
    choose(value) {
      choices.find((one) => one.value === value).checked = true;
      draw();
    },
    // While a lesson is on, it is of one source.
    hold(isHeld) {
      find(".vm-lesson-which").hidden = find(".vm-lesson-videos").hidden = isHeld;
    },
    release() {
      player.pause();
      camera.release();
    },
  };
  draw();
  return source;
}
