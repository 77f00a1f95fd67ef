// A camera as the source: by its address, or the one of this device, whose pictures are sent from here.

import { fetchJson, pause, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { jpegOf, makeCamera, sizeToSend } from "../shared/camera.js";
import { words } from "../shared/words.js";

const SILENCE = 2000; // milliseconds until a lost server gets the next picture

export function startLiveSource(element, refuse) {
  const find = (selector) => element.querySelector(selector);

  const addressForm = find(".vm-address");
  const addressInput = addressForm.querySelector("input");
  const webcam = find(".vm-webcam");
  const camera = makeCamera({
    changed: drawWebcam,
    lost(sentence) {
      release();
      refuse(sentence);
      bus.act("stop");
    },
  });
  const sheet = document.createElement("canvas");
  let sending = 0;
  let isBusy = false;
  let hasBegun = false;

  addressForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = addressInput.value.trim();
    if (!address) {
      addressInput.focus();
      return;
    }
    refuse(null);
    bus.act("address", { address });
  });
  bus.on("hello", ({ may_watch_addresses: may }) => {
    addressForm.hidden = !may;
    find(".vm-no-address").hidden = may;
  });

  // The camera of this device: asked for, drawn at the model's rate, released when the run ends.
  async function startWebcam() {
    if (camera.isOpening) return undefined;
    refuse(null);
    hasBegun = false;
    const opening = camera.open();
    drawWebcam();
    const why = await opening;
    drawWebcam();
    if (why) return refuse(why);
    if (!camera.isOpen) return undefined; // it was released meanwhile
    [sheet.width, sheet.height] = sizeToSend(camera.screen);
    bus.act("webcam", { width: sheet.width, height: sheet.height });
    return beat();
  }
  function release() {
    clearTimeout(sending);
    camera.release();
  }
  function drawWebcam() {
    webcam.disabled = camera.isOpening;
    webcam.setAttribute("aria-pressed", camera.isOpen);
    webcam.querySelector("span").textContent = words[camera.isOpen ? "webcam_stop" : "webcam_start"];
  }
  // The newest picture, and only when the one before has arrived: what the line cannot carry is not sent.
  function beat() {
    if (!camera.isOpen) return;
    sending = setTimeout(beat, 1000 / Math.min(15, Math.max(1, bus.last.settings?.values.fps ?? 4)));
    if (!isBusy && bus.last.source?.is_webcam) sendPicture();
  }
  async function sendPicture() {
    isBusy = true;
    try {
      sheet.getContext("2d").drawImage(camera.screen, 0, 0, sheet.width, sheet.height);
      const seconds = performance.now() / 1000;
      const picture = await jpegOf(sheet);
      const query = queryOf({ run: bus.run, seconds: seconds.toFixed(4) });
      const answer = await fetchJson(`webcam/picture?${query}`, { method: "POST", body: picture });
      // That the app is gone for a while, the player says.
      if (answer.isSilent) await pause(SILENCE);
      else if (answer.error && camera.isOpen) {
        release();
        refuse(answer.error);
      }
    } finally {
      isBusy = false;
    }
  }
  webcam.addEventListener("click", () => {
    if (!camera.isOpen) {
      startWebcam();
      return;
    }
    release();
    if (bus.last.source?.is_webcam) bus.act("stop");
  });
  // To play on after the camera was released, it is asked for again.
  for (const name of ["play", "step"]) {
    bus.instead(name, () => {
      const isWanted = !camera.isOpen && Boolean(bus.last.source?.is_webcam);
      if (isWanted) startWebcam();
      return isWanted;
    });
  }
  // The run decides how long the camera is held; another source releases it, and so does a run that is refused.
  bus.on("play", ({ status }) => {
    if (!camera.isOpen || !bus.last.source?.is_webcam) return;
    if (["opening", "playing", "paused"].includes(status)) hasBegun = true;
    else if (hasBegun) release();
  });
  bus.on("notice", (notice) => {
    if (camera.isOpen && !hasBegun && notice?.level === "error") release();
  });
  bus.on("source", (source) => {
    if (camera.isOpen && hasBegun && !source?.is_webcam) release();
  });
}
