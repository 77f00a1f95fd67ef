// The card with the button: what is missing, how labels would be split, a name, and settings.

import { ask, post, queryOf } from "../shared/ask.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { keep, keptValue } from "../shared/kept.js";
import { fill, words } from "../shared/words.js";

const KEPT = "vidmem-teach-settings";
const SOON = 300; // milliseconds from a change of a setting to the question

// `changed(split)`: how labels would be split, or null; `begun()`: a model is being taught.
export function makeForm(element, { changed, begun, subjectChanged }) {
  const find = (selector) => element.querySelector(selector);
  const form = find("form");
  const { name, model, fps, encoder, baselines, subject } = form.elements;
  const button = find(".vm-teach-begin");
  const error = find(".vm-teach-error");
  const split = find(".vm-teach-split");
  const axesPart = find(".vm-teach-axes");
  let labelled = null;
  let isTyped = false; // the name is one's own
  let canTeach = false;
  let isSending = false;
  let numWaiting = 0;
  let timer = 0;
  restore();

  function restore() {
    const kept = keptValue(KEPT) ?? {};
    for (const [select, value] of [
      [model, kept.model],
      [fps, kept.fps],
      [encoder, kept.encoder],
    ])
      if ([...select.options].some((one) => one.value === value)) select.value = value;
    if (kept.baselines === false) baselines.checked = false;
  }
  const store = () =>
    keep(
      KEPT,
      JSON.stringify({ model: model.value, fps: fps.value, encoder: encoder.value, baselines: baselines.checked }),
    );

  const boxes = () => [...axesPart.querySelectorAll("input")];
  function axes() {
    const all = boxes();
    const chosen = all.filter((one) => one.checked).map((one) => one.value);
    return chosen.length === all.length ? "" : JSON.stringify(chosen);
  }
  const values = () => ({
    model: model.value,
    encoder: encoder.value,
    fps: fps.value,
    axes: axes(),
    subject: subject.options.length ? subject.value : "",
    baselines: baselines.checked ? "1" : "0",
  });

  async function preview() {
    const isNothing = boxes().length > 0 && !boxes().some((one) => one.checked);
    const answer = isNothing
      ? { error: words.teach_axes_none }
      : await ask("teach_preview", () => `teach/preview?${queryOf(values())}`);
    if (!answer) return;
    canTeach = !answer.error;
    error.hidden = canTeach;
    error.textContent = canTeach ? "" : fill("teach_refused", { why: answer.error });
    split.textContent = canTeach ? answer.words : "";
    drawButton();
    changed(canTeach ? answer.split : null);
  }
  function previewSoon() {
    clearTimeout(timer);
    timer = setTimeout(preview, SOON);
  }
  function drawButton() {
    button.textContent = fill(numWaiting ? "teach_queue" : "teach_button", { name: name.value.trim() || "…" });
    button.disabled = !canTeach || isSending || !name.value.trim();
  }

  function draw(next) {
    const isNew = labelled?.revision !== next.revision || labelled?.subject !== next.subject;
    labelled = next;
    element.hidden = false;
    const title = next.newest ? words.teach_again : words.teach_new;
    find("h2").textContent = title;
    if (!isTyped) name.value = next.next_name;
    drawSince(next);
    const list = find(".vm-teach-missing ul");
    list.replaceChildren(...next.missing.map((textContent) => make("li", { textContent })));
    find(".vm-teach-missing").hidden = !next.missing.length || !next.num_bouts;
    drawSubjects(next);
    drawAxes(next);
    drawButton();
    if (isNew) preview();
  }
  function drawSince({ newest, behaviours }) {
    const line = find(".vm-teach-since");
    const before = Object.values(newest?.behaviour_seconds ?? {}).reduce((sum, one) => sum + one, 0);
    line.hidden = !before;
    if (!before) return;
    const now = behaviours.reduce((sum, one) => sum + one.seconds, 0);
    const change = Math.round(now - before);
    const key = change > 0 ? "teach_since" : change < 0 ? "teach_since_less" : "teach_since_none";
    const amount = `${change > 0 ? "+ " : ""}${format.span(Math.abs(change))}`;
    line.textContent = fill(key, { change: amount, name: newest.title });
  }
  function drawSubjects({ subject: chosen, subjects }) {
    find(".vm-teach-whose").hidden = subjects.length < 2;
    const options = subjects.map(([one, seconds]) => {
      const text = fill("teach_subject_of", { name: one || words.teach_nobody, seconds: format.span(seconds) });
      return new Option(text, `=${one}`);
    });
    if (subjects.length < 2) subject.replaceChildren();
    else subject.replaceChildren(...options);
    if (subjects.length > 1) subject.value = `=${chosen}`;
  }
  function drawAxes({ axes: names, behaviours }) {
    const said = names.filter((axis) => behaviours.some((one) => one.axis === axis && one.num_bouts));
    axesPart.hidden = said.length < 2;
    const unchecked = new Set(
      boxes()
        .filter((one) => !one.checked)
        .map((one) => one.value),
    );
    const made = said.map((axis) => {
      const box = make("input", { type: "checkbox", value: axis, checked: !unchecked.has(axis) });
      return make("label", { className: "vm-teach-check" }, box, make("span", { textContent: axis }));
    });
    axesPart.querySelector("div").replaceChildren(...(said.length < 2 ? [] : made));
  }

  form.addEventListener("input", (event) => {
    if (event.target === name) {
      isTyped = name.value.trim() !== "";
      drawButton();
      return;
    }
    store();
    if (event.target === subject) subjectChanged(subject.value);
    else previewSoon();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    isSending = true;
    drawButton();
    const answer = await post("teach/begin", { ...values(), name: name.value });
    isSending = false;
    error.hidden = !answer.error;
    error.textContent = answer.error ?? "";
    if (!answer.error) isTyped = false;
    drawButton();
    if (!answer.error) begun();
  });

  return {
    draw,
    // How many models wait to be taught, or are.
    setWaiting(count) {
      numWaiting = count;
      drawButton();
    },
  };
}
