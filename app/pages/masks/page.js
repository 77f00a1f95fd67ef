// The Masks page: which mask, its numbers, and what is requested of the server.

import { ask, fetchJson, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { dark, theme, viewShown } from "../shared/dom.js";
import { makeChoice, makeGroup, makeRow, makeSlider } from "../shared/fields.js";
import { loadPlotly } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";
import { makeFigures } from "./figures.js";
import { makeSaved } from "./saved.js";

export function start(element) {
  const figures = makeFigures(element);
  const saved = makeSaved(element, () => refresh());
  const choice = element.querySelector(".vm-mask");
  const headChoice = element.querySelector(".vm-mask-head");
  const fields = element.querySelector(".vm-mask-fields");
  const problem = element.querySelector(".vm-mask-error");
  const table = element.querySelector(".vm-mask-numbers tbody");
  const empty = element.querySelector(".vm-mask-empty");
  let masks = null;
  let mask = null;
  let values = {};
  let head = "0";
  let chosen = "";
  let isOpening = false;

  const isShown = () => viewShown() === "masks";
  const offers = () => bus.last.masks?.masks ?? [];
  const isSaved = () => mask.name === "saved";
  function query() {
    const own = isSaved() ? saved.query() : { mask: mask.name };
    return queryOf({ run: bus.run, ...own, ...values, head, theme: theme() });
  }

  async function refresh() {
    if (isSaved() && !saved.isChosen()) {
      clear();
      return;
    }
    const request = query();
    const answer = isSaved()
      ? await ask("mask", () => `masks/saved/figures?${request}`, { options: saved.options })
      : await ask("mask", () => `masks/figures?${request}`);
    if (!answer) return;
    if (answer.error) refuse(answer.error);
    else show(answer, request);
  }
  function refuse(sentence) {
    clear();
    problem.textContent = sentence;
    problem.hidden = false;
  }
  function clear() {
    problem.hidden = true;
    element.querySelector(".vm-mask-title").textContent = "";
    saved.tell({});
    table.replaceChildren(); // its numbers were of another mask
    empty.hidden = true;
    figures.markStale(true);
  }
  function show(answer, request) {
    problem.hidden = true;
    const { texts } = answer;
    element.querySelector(".vm-mask-title").textContent = texts.title;
    element.querySelector("#vm-mask-summary").textContent = texts.summary;
    showHeads(texts);
    table.replaceChildren(...texts.checks.map(makeRow));
    const places = [
      ...texts.places,
      ...(texts.more_places ? [fill("mask_more_empty", { count: texts.more_places })] : []),
    ];
    empty.hidden = !places.length;
    empty
      .querySelector("ul")
      .replaceChildren(...places.map((place) => Object.assign(document.createElement("li"), { textContent: place })));
    for (const link of element.querySelectorAll("[data-file]")) {
      link.hidden = isSaved(); // whoever chose the file has it
      link.href = `masks/data.${link.dataset.file}?${request}`;
    }
    saved.tell(answer);
    figures.draw(answer);
  }
  function showHeads({ heads, head: shown }) {
    headChoice.parentElement.hidden = !heads.length;
    head = String(shown);
    if (headChoice.options.length !== heads.length || heads.some((name, at) => headChoice.options[at].text !== name)) {
      headChoice.replaceChildren(...heads.map((name, at) => new Option(name, at)));
    }
    headChoice.value = head;
  }

  // Fields: a slider over the numbers that are allowed, or a list of words.
  function control(field) {
    const build = field.stops ? makeSlider : makeChoice;
    return build({ ...field, start: values[field.name] }, (value) => changed(field.name, value));
  }
  function changed(name, value) {
    values = { ...values, [name]: value };
    chosen = choice.value = `mask:${mask.name}`; // no longer the model's own numbers
    refresh();
  }

  // A mask of the catalogue, or the model's own with its numbers as they are now.
  function fillChoice() {
    const own = offers().map((offer, at) => new Option(`${bus.last.masks.model}: ${offer.title}`, `model:${at}`));
    const groups = [
      makeGroup(
        words.masks_all,
        masks.filter(({ name }) => name !== "saved").map(({ name, title }) => new Option(title, `mask:${name}`)),
      ),
      makeGroup(words.masks_yours, [new Option(words.mask_saved, "mask:saved")]),
    ];
    if (own.length) groups.unshift(makeGroup(fill("masks_of", { model: bus.last.masks.model }), own));
    choice.replaceChildren(...groups);
  }
  function take(key) {
    const [kind, name] = key.split(":");
    const offer = kind === "model" ? offers()[Number(name)] : null;
    mask = masks.find((one) => one.name === (offer ? offer.mask : name));
    values = Object.fromEntries(mask.fields.map((field) => [field.name, offer?.values[field.name] ?? field.start]));
    if (offer && "clip" in offer.values) values.clip = bus.last.now?.index ?? 0;
    chosen = choice.value = key;
    element.querySelector(".vm-mask-hint").textContent = mask.hint;
    fields.replaceChildren(...mask.fields.map(control));
    saved.show(isSaved());
    refresh();
  }
  async function open() {
    if (!isShown() || isOpening) return;
    if (masks) {
      if (chosen.startsWith("model:")) showModel();
      return;
    }
    isOpening = true;
    const [answer, ofSaved, isPlotlyHere] = await Promise.all([
      fetchJson("masks/catalogue"),
      saved.describe(),
      loadPlotly(),
    ]);
    isOpening = false;
    if (answer.error || !isPlotlyHere) {
      refuse(answer.error ?? words.silent);
      return;
    }
    masks = [...answer, ofSaved];
    fillChoice();
    take(offers().length ? "model:0" : `mask:${masks[0].name}`);
  }
  // The model or its numbers changed: what was chosen of it is shown anew, what a hand has set stays.
  function showModel() {
    if (!masks) return;
    fillChoice();
    if (!chosen.startsWith("model:")) choice.value = chosen;
    else take(offers()[Number(chosen.slice(6))] ? chosen : offers().length ? "model:0" : `mask:${mask.name}`);
  }
  bus.on("view_shown", open);
  bus.on("masks", () => {
    if (isShown()) showModel();
  });
  choice.addEventListener("change", () => take(choice.value));
  headChoice.addEventListener("change", () => {
    head = headChoice.value;
    refresh();
  });
  dark.addEventListener("change", () => {
    if (masks && isShown()) refresh();
  });
}
