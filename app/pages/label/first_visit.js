// What to do on a first visit: a video, a list of behaviours, a first bout, and on it goes.

import { fetchJson, post } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown, make } from "../shared/dom.js";
import { videosOfProject } from "../shared/video/project.js";
import { fill, words } from "../shared/words.js";
import { openEthogramEditor } from "./behaviours/editor.js";

export function startFirstVisit({ element, store, openings, refuse }) {
  const card = element.querySelector(".vm-code-first");
  const presets = card.querySelector(".vm-code-presets");
  let isOffered = false;

  // What is over goes when the page or another video is opened: under the hands that code, all would move.
  function draw({ mayGo = false } = {}) {
    if (!bus.last.project_videos || !(store.isLoaded || store.ethogram.length)) return;
    const videos = videosOfProject();
    const done = {
      video: videos.length > 0,
      ethogram: store.ethogram.length > 0,
      code: videos.some((one) => one.num_bouts) || store.bouts.some((one) => !openings.isOpen(one)), // one that ended
    };
    const isOver = Object.values(done).every(Boolean);
    if (!isOver) card.hidden = false;
    else if (mayGo) card.hidden = true;
    for (const [name, isDone] of Object.entries(done)) {
      const step = card.querySelector(`[data-step=${name}]`);
      step.toggleAttribute("data-done", isDone);
    }
    if (!done.ethogram) offerPresets();
  }
  async function offerPresets() {
    if (isOffered || !isViewShown("label")) return;
    isOffered = true;
    const answer = await fetchJson("label/ethogram");
    if (answer.error) {
      isOffered = false;
      return;
    }
    const buttons = answer.presets.map(({ name, num }) => {
      const button = make("button", { type: "button", textContent: fill("label_preset", { name, num }) });
      button.addEventListener("click", () => take(name));
      return button;
    });
    const own = make("button", { type: "button", textContent: words.label_own_behaviours });
    own.addEventListener("click", openEthogramEditor);
    presets.replaceChildren(...buttons, own);
  }
  async function take(preset) {
    const { revision, author } = store;
    const answer = await post("label/ethogram/preset", { preset, revision, author });
    if (answer.error) refuse(answer.error);
    await store.apply();
  }
  store.on("changed", () => draw());
  store.on("loaded", () => draw({ mayGo: true }));
  bus.on("project_videos", () => draw());
  bus.on("view_shown", () => draw({ mayGo: true }));
}
