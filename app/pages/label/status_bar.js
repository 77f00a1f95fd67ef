// What is saved, what would be undone, whom one codes and as whom, and which run of a model is shown.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";

const PACE = 1000; // milliseconds between two looks at how long ago it was

export function startStatusBar({ element, area, store, player, model, coding }) {
  const find = (name) => element.querySelector(name);
  const button = (name) => find(`[data-code=${name}]`);
  const saved = find(".vm-code-saved");
  const [subject, author] = [find(".vm-code-subject"), find(".vm-code-author")];
  const names = find("#vm-code-subjects");
  const marking = find(".vm-code-marking");
  const [run, trouble] = [find(".vm-code-run select"), find(".vm-code-run-trouble")];
  const warning = find(".vm-code-run-warning");
  const offer = find(".vm-code-run-offer");
  let drawnRuns = "";
  const legend = find(".vm-code-legend");

  function drawSaved() {
    const { numWaiting: count, trouble: why, savedAt } = store;
    const isKnown = store.isLoaded && !why; // what an earlier page left waiting is known when the labels are here
    saved.dataset.state = why ? "trouble" : count ? "waiting" : isKnown ? "saved" : "loading";
    let text = isKnown ? words.label_saved_never : why;
    if (count) text = fill(why ? "label_waiting_trouble" : "label_waiting", { count, trouble: why });
    else if (isKnown && savedAt) {
      const age = Math.round((Date.now() - savedAt) / 1000);
      text = age < 1 ? words.label_saved_now : fill("label_saved", { age: format.span(age) });
    }
    if (saved.textContent !== text) saved.textContent = text;
  }
  function drawHistory() {
    for (const [what, step] of [
      ["undo", store.undoable],
      ["redo", store.redoable],
    ]) {
      const one = button(what);
      const by = step?.author && step.author !== store.author ? ` (${step.author})` : "";
      const done = `${step?.words.replace(` in ${store.video}`, "")}${by}`;
      const says = step ? fill(`label_${what}_what`, { words: done }) : words[`label_${what}`];
      one.disabled = !step && !(what === "undo" && store.numWaiting);
      one.textContent = one.title = says;
    }
  }
  function drawWho() {
    if (document.activeElement !== subject) subject.value = store.subject;
    if (document.activeElement !== author) author.value = store.author;
    const named = [...new Set(store.bouts.map((one) => one.subject))].filter(Boolean).sort();
    if (names.options.length !== named.length)
      names.replaceChildren(...named.map((value) => make("option", { value })));
    find(".vm-code-whom").textContent = store.subject ? `${words.label_subject} ${store.subject}` : "";
    find(".vm-code-no-behaviours").hidden = store.ethogram.length > 0 || !store.isLoaded;
  }
  function drawMarking() {
    const what = coding.marking?.what ?? "";
    button("scored").setAttribute("aria-pressed", what === "scored");
    button("not_scored").setAttribute("aria-pressed", what === "not scored");
    const name = words[what === "scored" ? "label_scored" : "label_not_scored"];
    marking.textContent = what
      ? fill("label_marking", { what: name, time: format.clock(coding.marking.from, { hasTenths: true }) })
      : "";
  }
  function drawRuns() {
    const options = model.runs.map(({ id, model: name, created, state }) => {
      const date = (created ?? "").slice(0, 19).replace("T", " ");
      return new Option(fill(state === "running" ? "label_run_going" : "label_run_name", { model: name, date }), id);
    });
    const text = JSON.stringify(options.map(({ text: says, value }) => [says, value]));
    if (text !== drawnRuns) run.replaceChildren(new Option(words.label_no_run, ""), ...options);
    drawnRuns = text; // an open list stays open
    run.value = model.runId;
    run.parentElement.hidden = !options.length;
    legend.textContent = words[model.runId ? "label_timeline_model" : "label_timeline_hint"];
    trouble.textContent = model.trouble || (model.runId && !model.bouts.length ? words.label_no_predictions : "");
    trouble.hidden = !trouble.textContent;
    warning.textContent = model.warning;
    warning.hidden = !model.warning;
    offer.hidden = !model.offered;
  }

  const takeSubject = () => store.setSubject(subject.value);
  const takeAuthor = () => store.setAuthor(author.value);
  for (const [input, take] of [
    [subject, takeSubject],
    [author, takeAuthor],
  ]) {
    input.addEventListener("change", take);
    input.addEventListener("keydown", (event) => {
      if (!["Enter", "Escape"].includes(event.key)) return;
      if (event.key === "Enter") take();
      area.focus({ preventScroll: true }); // and on with coding
    });
  }
  run.addEventListener("change", () => model.choose(run.value));
  run.addEventListener("focus", () => model.refresh());
  offer.addEventListener("click", (event) => {
    const { offer: pressed } = event.target.closest("button")?.dataset ?? {};
    if (pressed) model.choose(pressed === "show" ? model.offered.id : "");
  });
  store.on("saving", drawSaved);
  store.on("loaded", drawSaved);
  store.on("saving", drawHistory);
  store.on("changed", drawHistory);
  store.on("changed", drawWho);
  model.on(drawRuns);
  const wasMarking = coding.onMarking;
  coding.onMarking = () => {
    wasMarking();
    drawMarking();
  };
  player.on("loop", (span) => button("loop").setAttribute("aria-pressed", Boolean(span)));
  setInterval(drawSaved, PACE);
  drawSaved();
  drawRuns();
}
