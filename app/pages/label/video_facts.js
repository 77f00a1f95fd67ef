// The dialog for the start of a recording: said by its file or its name, or typed.

import * as bus from "../shared/bus.js";
import { make } from "../shared/dom.js";
import { chosenVideo, setStart } from "../shared/video/project.js";
import { clockStart } from "../shared/video/wall_clock.js";
import { fill, words } from "../shared/words.js";
import { makeAlert, makeButton, makeDialog, makeField, sayIn } from "./dialog.js";

let facts = null;

// A button that opens it, at the end of the row where the video is chosen; it says whether the start is known.
export function addStartButton(row) {
  const button = makeButton(words.start_set, openVideoFacts);
  row.append(button);
  bus.on("project_video", (video) => {
    button.disabled = !video;
    button.textContent = video?.start ? words.start_change : words.start_set;
  });
  button.disabled = !chosenVideo();
}

function openVideoFacts() {
  facts ??= makeFacts();
  facts.open();
}

function makeFacts() {
  const dialog = makeDialog({ title: words.start_title, className: "vm-dialog-small vm-start" });
  // By the clock on the wall where it was recorded, whatever the zone of this browser.
  const input = make("input", { type: "datetime-local", step: 1 });
  const field = makeField("", input);
  const hint = make("p", { className: "vm-aside", textContent: words.start_hint });
  const source = make("p", { className: "vm-start-from" });
  const alert = makeAlert();
  const save = makeButton(words.start_save, () => take(), "vm-primary");
  const clear = makeButton(words.start_clear, () => send(""));
  dialog.body.append(hint, field, source, alert);
  dialog.foot.append(clear, save);
  let video = null;

  function open() {
    video = chosenVideo();
    sayIn(alert, video ? "" : words.start_missing);
    field.hidden = save.hidden = !video;
    clear.hidden = !video?.start;
    source.textContent = "";
    if (video) {
      field.querySelector("span").textContent = input.ariaLabel = fill("start_of", { video: video.name });
      input.value = video.start ? clockStart(video.start).replace(" ", "T") : "";
      source.textContent = video.start ? words[`start_from_${video.start_from}`] : words.start_none;
    }
    dialog.open();
    if (video) input.focus();
  }
  async function send(start) {
    const answer = await setStart(video.name, start);
    if (answer.error) return sayIn(alert, answer.error);
    return dialog.close();
  }
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      take();
    }
  });
  // What is half typed has no value: it is not taken for nothing.
  function take() {
    if (input.value) send(input.value);
    else sayIn(alert, words.start_wrong);
  }

  return { open };
}
