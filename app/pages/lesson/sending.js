// Pictures go to the lesson while they are shown, and what is shown goes in between: one request after the other.
//
//   shown     .  .  a  .  .  b  .  .  .  c  .  .  d        ten sampled frames a second, in pairs
//   sent            [ a above b ]        [ c above d ]     a JPEG each: in b moves what moved since a
//
// Both pictures of a pair travel together, so that they are equally far apart however slow the line is. While something is
// shown some pairs may wait for what goes before them, such as a fit to the example before: nothing of it is missed. Else
// the newest pair counts alone.

import { fetchJson, fetchReady, pause, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { jpegOf, sizeToSend } from "../shared/camera.js";

const APART = 100; // milliseconds from the first picture of a pair to the second
const PERIOD = 200; // from one pair to the next
const SOON = 10; // until the next frame is looked for
const SILENCE = 2000; // until a lost server gets the next pair
const MOST_WAITING = 12; // pairs, of 2.4 seconds
const MAX_HEIGHT = 480; // pixels of one picture: image encoders see less, and both fit into what the app takes
const ROW = 16; // pixels of a block of a JPEG: what is above an edge of blocks does not bleed into what is below

// `receive(answer)` gets each answer; `isShowing()`: something is being shown.
export function makeSending(source, { receive, isShowing }) {
  const sheet = document.createElement("canvas");
  let line = Promise.resolve();
  let isOn = false;
  let numWaiting = 0; // pairs in the line

  function inLine(work) {
    const done = line.then(work);
    line = done.catch(() => {}); // a bug, which the console says; what comes next goes on
    return done;
  }
  function ask(what, values = {}) {
    return inLine(async () => {
      const query = queryOf({ run: bus.run, ...values });
      const answer = await fetchReady(`lesson/${what}?${query}`, { method: "POST" });
      receive(answer);
      return answer;
    });
  }

  function draw(number) {
    const [width, height] = sizeToSend(source.picture, MAX_HEIGHT);
    const high = Math.max(ROW, Math.round(height / ROW) * ROW);
    if (!number) [sheet.width, sheet.height] = [width, 2 * high];
    sheet.getContext("2d").drawImage(source.picture, 0, number * high, width, high);
    return source.seconds;
  }
  async function sendPair() {
    const first = draw(0);
    await pause(APART / source.speed);
    if (!isOn || !source.isRunning) return;
    // Of a video of few frames the next one may be still to come.
    const end = performance.now() + PERIOD;
    while (source.seconds <= first && performance.now() < end) await pause(SOON);
    const seconds = draw(1);
    const apart = seconds - first;
    if (!(apart > 0)) return; // it stands, or went back
    const body = await jpegOf(sheet);
    const query = queryOf({ run: bus.run, seconds: seconds.toFixed(4), apart: apart.toFixed(4) });
    numWaiting += 1;
    inLine(() => send(`lesson/pictures?${query}`, body));
    while (isOn && numWaiting >= (isShowing() ? MOST_WAITING : 1)) await pause(SOON);
  }
  async function send(address, body) {
    try {
      const answer = await fetchJson(address, { method: "POST", body });
      if (!answer.waiting && isOn) receive(answer); // of a pair that got no place nobody waits for the answer
      if (answer.isSilent) await pause(SILENCE);
    } finally {
      numWaiting -= 1;
    }
  }
  async function work() {
    while (isOn) {
      const began = performance.now();
      if (source.isRunning && source.picture.videoWidth && !document.hidden) await sendPair();
      await pause(Math.max(0, PERIOD - (performance.now() - began)));
    }
  }

  return {
    ask,
    begin() {
      if (isOn) return;
      isOn = true;
      work();
    },
    end() {
      isOn = false;
    },
  };
}
