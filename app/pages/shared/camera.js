// The camera of this device: asked for, shown, drawn as pictures, released.

import { make } from "./dom.js";
import { words } from "./words.js";

const MAX_WIDTH = 640; // pixels
const QUALITY = 0.85; // of a JPEG
const WHY = {
  NotAllowedError: "webcam_denied",
  SecurityError: "webcam_denied",
  NotFoundError: "webcam_missing",
  OverconstrainedError: "webcam_missing",
};

// `changed()`: it is open, or is not any more; `lost(sentence)`: it was taken away.
export function makeCamera({ changed, lost }) {
  const screen = make("video", { muted: true, playsInline: true });
  let stream = null;
  let isOpening = false;

  function release() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = screen.srcObject = null;
    changed();
  }
  // Answers with why it could not be opened; null: it is open, or was released meanwhile.
  async function open() {
    if (!navigator.mediaDevices?.getUserMedia) return words.webcam_insecure;
    isOpening = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: MAX_WIDTH } }, audio: false });
      screen.srcObject = stream;
      await screen.play();
    } catch (error) {
      release();
      return words[WHY[error.name] ?? "webcam_busy"];
    } finally {
      isOpening = false;
    }
    stream?.getVideoTracks()[0].addEventListener("ended", () => {
      release();
      lost(words.webcam_lost);
    });
    changed();
    return null;
  }
  window.addEventListener("pagehide", release);

  return {
    open,
    release,
    screen,
    get isOpen() {
      return stream !== null && !isOpening;
    },
    get isOpening() {
      return isOpening;
    },
  };
}

// Width and height at which the pictures of a video are sent.
export function sizeToSend({ videoWidth, videoHeight }, maxHeight = Number.POSITIVE_INFINITY) {
  const scale = Math.min(1, MAX_WIDTH / videoWidth, maxHeight / videoHeight);
  return [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
}

export const jpegOf = (sheet) => new Promise((done) => sheet.toBlob(done, "image/jpeg", QUALITY));
