// The card with the button: what is missing, how labels would be split, a name, and settings.

import { ask, post, queryOf } from "../shared/ask.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { keep, keptValue } from "../shared/kept.js";
import { fill, words } from "../shared/words.js";
import { makeRegionsField } from "./regions_field.js";

const KEPT = "vidmem-teach-settings";
const SOON = 300; // milliseconds from a change of a setting to the question
const ALL_SUBJECTS = "all";

// `changed(split)`: how labels would be split, or null; `begun()`: a model is being taught.
export function makeForm(element, { changed, begun, subjectChanged }) {
  const find = (selector) => element.querySelector(selector);
  const form = find("form");
  const { name, model, fps, encoder, look, baselines, subject } = form.elements;
  const button = find(".vm-teach-begin");
  const correct = find(".vm-teach-correct");
  const means = find(".vm-teach-correct-means");
  const error = find(".vm-teach-error");
  const split = find(".vm-teach-split");
  const axesPart = find(".vm-teach-axes");
  let labelled = null;
  let isTyped = false; // the name is one's own
  let canTeach = false;
  let corrected = null; // the model that can be corrected
  let offered = ""; // what of the newest model was looked at for that
  let isSending = false;
  let numWaiting = 0;
  let timer = 0;
  const regions = makeRegionsField(find(".vm-teach-regions"), previewSoon);
  restore();

  function restore() {
    const kept = keptValue(KEPT) ?? {};
    for (const [select, value] of [
      [model, kept.model],
      [fps, kept.fps],
      [encoder, kept.encoder],
      [look, kept.look === "regions" ? "whole" : kept.look], // a file is chosen anew
    ])
      if ([...select.options].some((one) => one.value === value)) select.value = value;
    if (kept.baselines === false) baselines.checked = false;
  }
  function store() {
    const [ofModel, ofFps, ofEncoder, ofLook] = [model, fps, encoder, look].map(({ value }) => value);
    const kept = { model: ofModel, fps: ofFps, encoder: ofEncoder, look: ofLook, baselines: baselines.checked };
    keep(KEPT, JSON.stringify(kept));
  }

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
    follow: look.value === "follow" ? "1" : "",
    regions: isOfRegions() ? regions.text : "",
    baselines: baselines.checked ? "1" : "0",
  });

  const isOfRegions = () => look.value === "regions";
  function isMissing() {
    if (boxes().length > 0 && !boxes().some((one) => one.checked)) return words.teach_axes_none;
    return isOfRegions() && !regions.text ? words.teach_regions_missing : "";
  }

  async function preview() {
    const missing = isMissing();
    const answer = missing
      ? { error: missing }
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
  // Whether the newest model can be corrected with the labels as they are; if they are those of then, it is not offered.
  async function previewCorrection({ newest }) {
    const isOffered = Boolean(newest?.has_changed);
    const answer = isOffered
      ? await ask("teach_correction", () => `teach/preview?${queryOf({ corrects: newest.model })}`)
      : {};
    if (!answer) return;
    corrected = isOffered && !answer.error ? newest : null;
    means.hidden = !isOffered;
    const key = answer.error ? "teach_correct_not" : "teach_correct_means";
    means.textContent = isOffered ? fill(key, { before: newest.title, why: answer.error }) : "";
    drawButton();
  }
  function drawButton() {
    const shown = name.value.trim() || "…";
    button.textContent = fill(numWaiting ? "teach_queue" : corrected ? "teach_anew" : "teach_button", { name: shown });
    button.disabled = !canTeach || isSending || !name.value.trim();
    button.classList.toggle("vm-primary", !corrected);
    correct.hidden = !corrected;
    if (!corrected) return;
    const key = numWaiting ? "teach_correct_queue" : "teach_correct";
    correct.textContent = fill(key, { before: corrected.title, name: shown });
    correct.disabled = isSending || !name.value.trim();
  }

  function draw(next) {
    const isNew = labelled?.revision !== next.revision || labelled?.subject !== next.subject;
    labelled = next;
    element.hidden = false;
    find("h2").textContent = next.newest ? words.teach_again : words.teach_new;
    if (!isTyped) name.value = next.next_name;
    drawSince(next);
    const list = find(".vm-teach-missing ul");
    list.replaceChildren(...next.missing.map((textContent) => make("li", { textContent })));
    find(".vm-teach-missing").hidden = !next.missing.length || !next.num_bouts;
    drawSubjects(next);
    drawAxes(next);
    drawButton();
    if (isNew) preview();
    const { model: newest, title: called, has_changed: hasChanged } = next.newest ?? {};
    const nowOffered = JSON.stringify([newest, called, hasChanged, next.revision]);
    if (nowOffered !== offered) previewCorrection(next);
    offered = nowOffered;
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
    if (isOfRegions()) options.unshift(new Option(words.teach_all_subjects, ALL_SUBJECTS));
    if (subjects.length < 2) subject.replaceChildren();
    else subject.replaceChildren(...options);
    if (subjects.length > 1) subject.value = chosen === null && isOfRegions() ? ALL_SUBJECTS : `=${chosen}`;
  }
  // Of regions all animals are taught, of the whole picture one; whose, the answer says.
  function lookChanged() {
    regions.show(isOfRegions());
    subjectChanged(isOfRegions() ? ALL_SUBJECTS : "");
    previewSoon();
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
    if (event.target.type === "file") return; // it says itself when it is read
    if (event.target === name) {
      isTyped = name.value.trim() !== "";
      drawButton();
      return;
    }
    store();
    if (event.target === subject) subjectChanged(subject.value);
    else if (event.target === look) lookChanged();
    else previewSoon();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) begin(values());
  });
  correct.addEventListener("click", () => begin({ corrects: corrected.model }));
  async function begin(wanted) {
    isSending = true;
    drawButton();
    const answer = await post("teach/begin", { ...wanted, name: name.value });
    isSending = false;
    error.hidden = !answer.error;
    error.textContent = answer.error ?? "";
    if (!answer.error) isTyped = false;
    drawButton();
    if (!answer.error) begun();
  }

  return {
    draw,
    // How many models wait to be taught, or are.
    setWaiting(count) {
      numWaiting = count;
      drawButton();
    },
  };
}
