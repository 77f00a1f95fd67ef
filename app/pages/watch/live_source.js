// A camera as the source: by its address, or the one of this device, whose pictures are sent from here.

import { fetchJson, pause, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { words } from "../shared/words.js";

const MAX_WIDTH = 640; // pixels
const QUALITY = 0.85; // of a JPEG
const SILENCE = 2000; // milliseconds until a lost server gets the next picture
const WHY = {
  NotAllowedError: "webcam_denied",
  SecurityError: "webcam_denied",
  NotFoundError: "webcam_missing",
  OverconstrainedError: "webcam_missing",
};

export function startLiveSource(element, refuse) {
  const find = (selector) => element.querySelector(selector);

  const addressForm = find(".vm-address");
  const addressInput = addressForm.querySelector("input");
  const webcam = find(".vm-webcam");
  const camera = document.createElement("video");
  const sheet = document.createElement("canvas");
  Object.assign(camera, { muted: true, playsInline: true });
  let stream = null;
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
    if (webcam.disabled) return undefined; // it is being opened
    refuse(null);
    if (!navigator.mediaDevices?.getUserMedia) return refuse(words.webcam_insecure);
    [webcam.disabled, hasBegun] = [true, false];
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: MAX_WIDTH } }, audio: false });
      camera.srcObject = stream;
      await camera.play();
    } catch (error) {
      release();
      return refuse(words[WHY[error.name] ?? "webcam_busy"]);
    } finally {
      webcam.disabled = false;
    }
    if (!stream) return undefined; // it was released meanwhile
    const scale = Math.min(1, MAX_WIDTH / camera.videoWidth);
    [sheet.width, sheet.height] = [Math.round(camera.videoWidth * scale), Math.round(camera.videoHeight * scale)];
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      release();
      refuse(words.webcam_lost);
      bus.act("stop");
    });
    bus.act("webcam", { width: sheet.width, height: sheet.height });
    drawWebcam();
    return beat();
  }
  function release() {
    clearTimeout(sending);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = camera.srcObject = null;
    drawWebcam();
  }
  function drawWebcam() {
    webcam.setAttribute("aria-pressed", stream !== null);
    webcam.querySelector("span").textContent = words[stream ? "webcam_stop" : "webcam_start"];
  }
  // The newest picture, and only when the one before has arrived: what the line cannot carry is not sent.
  function beat() {
    if (!stream) return;
    sending = setTimeout(beat, 1000 / Math.min(15, Math.max(1, bus.last.settings?.values.fps ?? 4)));
    if (!isBusy && bus.last.source?.is_webcam) sendPicture();
  }
  async function sendPicture() {
    isBusy = true;
    try {
      sheet.getContext("2d").drawImage(camera, 0, 0, sheet.width, sheet.height);
      const seconds = performance.now() / 1000;
      const picture = await new Promise((done) => sheet.toBlob(done, "image/jpeg", QUALITY));
      const query = queryOf({ run: bus.run, seconds: seconds.toFixed(4) });
      const answer = await fetchJson(`webcam/picture?${query}`, { method: "POST", body: picture });
      // That the app is gone for a while, the player says.
      if (answer.isSilent) await pause(SILENCE);
      else if (answer.error && stream) {
        release();
        refuse(answer.error);
      }
    } finally {
      isBusy = false;
    }
  }
  webcam.addEventListener("click", () => {
    if (!stream) {
      startWebcam();
      return;
    }
    release();
    if (bus.last.source?.is_webcam) bus.act("stop");
  });
  // To play on after the camera was released, it is asked for again.
  for (const name of ["play", "step"]) {
    bus.instead(name, () => {
      const isWanted = !stream && Boolean(bus.last.source?.is_webcam);
      if (isWanted) startWebcam();
      return isWanted;
    });
  }
  // The run decides how long the camera is held; another source releases it, and so does a run that is refused.
  bus.on("play", ({ status }) => {
    if (!stream || !bus.last.source?.is_webcam) return;
    if (["opening", "playing", "paused"].includes(status)) hasBegun = true;
    else if (hasBegun) release();
  });
  bus.on("notice", (notice) => {
    if (stream && !hasBegun && notice?.level === "error") release();
  });
  bus.on("source", (source) => {
    if (stream && hasBegun && !source?.is_webcam) release();
  });
  window.addEventListener("pagehide", release);
}
