// "Correct this": from what a taught model says at the picture on view to that moment on Label; a panel of the player's.

import { fetchJson, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { goToLabel } from "../shared/video/go_to_label.js";
import { addVideo } from "../shared/video/project.js";
import { fill } from "../shared/words.js";

// `shown()`: the picture that has a label of the model's; null: there is none on view.
export function startCorrecting(element, shown) {
  const find = (selector) => element.querySelector(selector);
  const button = find("[data-act=correct]");
  const hint = find(".vm-correct-key");
  const why = find(".vm-correct-why");
  const add = find("[data-act=add-and-correct]");

  function say(sentence, isAbsent = false) {
    why.hidden = !sentence;
    why.firstElementChild.textContent = sentence;
    add.hidden = !isAbsent;
  }
  async function goTo(video, run, seconds) {
    say(await goToLabel(video, { seconds, run }));
  }
  const place = () => fetchJson(`watch/correction?${queryOf({ run: bus.run })}`);

  async function correct() {
    const { seconds } = shown();
    const { video, run, error } = await place();
    if (error) say(error);
    else if (video) await goTo(video, run, seconds);
    else {
      say(fill("correct_absent", { name: bus.last.source.title }), true);
      add.focus();
    }
  }
  async function addAndCorrect() {
    const { seconds } = shown();
    const [{ run }, added] = [await place(), await addVideo(bus.last.source.key)];
    if (added.error) say(added.error);
    else await goTo(added.video.name, run, seconds);
  }

  bus.on("source", () => say(""));
  return {
    correct,
    addAndCorrect,
    draw() {
      const isOffered = shown() !== null && Boolean(bus.last.model?.is_taught);
      button.hidden = hint.hidden = !isOffered;
      if (!isOffered) say("");
    },
  };
}
