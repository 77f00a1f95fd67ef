// What is being taught: a card for each job, with its stages, the time left, and what can be done.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { lossLine } from "./charts.js";
import { aside } from "./pieces.js";

const MARKS = { done: "✓", now: "◐", waiting: "○" };

// `act(what, id)`: "cancel" or "again".
export function makeJobs(element, { act }) {
  let drawn = "";

  element.addEventListener("click", (event) => {
    const { act: what, id } = event.target.closest("button")?.dataset ?? {};
    if (what) act(what, id);
  });

  return {
    draw(jobs) {
      const shown = jobs.filter((one) => one.state !== "done");
      const text = JSON.stringify(shown);
      if (text === drawn) return;
      drawn = text;
      const held = document.activeElement?.closest?.(".vm-teach-jobs button")?.dataset;
      const focus = held && `[data-act="${held.act}"][data-id="${held.id}"]`;
      element.replaceChildren(...shown.map(jobCard));
      if (focus) element.querySelector(focus)?.focus();
    },
  };
}

function jobCard(job) {
  const made = {
    running: runningCard,
    queued: waitingCard,
    failed: (one) => endedCard(one, "teach_failed", one.sentence),
    interrupted: (one) => endedCard(one, "teach_interrupted", one.sentence || words.teach_interrupted_why),
  }[job.state](job);
  made.dataset.id = job.id;
  made.dataset.state = job.state;
  return made;
}
function jobSection(job, title, ...children) {
  const header = make("header", {}, make("h2", { textContent: title }), aside(job.name));
  return make(
    "section",
    { className: "vm-card vm-teach-job", ariaLabel: `${title}: ${job.name}` },
    header,
    ...children,
  );
}
function button(job, act, key, properties = {}) {
  const made = make("button", { type: "button", textContent: words[key], ...properties });
  Object.assign(made.dataset, { act, id: job.id });
  made.setAttribute("aria-label", `${words[key]}: ${job.name}`);
  return made;
}
const buttons = (...children) => make("div", { className: "vm-teach-buttons" }, ...children);
const line = (textContent) => make("p", { textContent });

function runningCard(job) {
  if (!job.is_here) return jobSection(job, words.teach_now, line(fill("teach_elsewhere", { name: job.name })));
  const cancel = button(job, "cancel", job.is_cancelled ? "teach_cancelling" : "teach_cancel", {
    disabled: job.is_cancelled,
    title: words.teach_cancel_hint,
  });
  if (!job.stages) return jobSection(job, words.teach_now, line(words.teach_begins), buttons(cancel));
  const percent = `${Math.round(100 * job.done)} %`;
  const bar = make("i");
  bar.style.width = `${100 * job.done}%`;
  const track = make("div", { className: "vm-progress" }, bar);
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-label", fill("teach_progress", { name: job.name, percent }));
  track.setAttribute("aria-valuenow", String(Math.round(100 * job.done)));
  const stages = make("ol", { className: "vm-teach-stages" }, ...job.stages.map(stageLine));
  const learning = job.stop_losses.length > 1 ? [lossLine(job.stop_losses)] : [];
  return jobSection(job, words.teach_now, stages, track, ...learning, buttons(cancel));
}
function stageLine({ title, state, done, note, seconds_left: left }) {
  const mark = make("span", { className: "vm-teach-mark", textContent: MARKS[state] });
  mark.setAttribute("aria-hidden", "true");
  const said = make("span", { className: "vm-visually-hidden", textContent: `${words[`teach_stage_${state}`]}: ` });
  const notes = [note];
  if (state === "now" && done > 0) notes.push(`${Math.floor(100 * done)} %`);
  if (state === "now" && left >= 1) notes.push(fill("teach_left", { time: format.span(Math.round(left)) }));
  const made = make("li", {}, mark, make("span", {}, said, title, " ", aside(notes.filter(Boolean).join(" · "))));
  made.dataset.state = state;
  if (state === "now") made.setAttribute("aria-current", "step");
  return made;
}

function waitingCard(job) {
  const key = job.is_here ? "teach_waits" : "teach_elsewhere";
  const acts = job.is_here ? [buttons(button(job, "cancel", "teach_cancel"))] : [];
  return jobSection(job, words.teach_now, line(fill(key, { name: job.name })), ...acts);
}

function endedCard(job, key, sentence) {
  const said = make("p", { className: "vm-teach-why", textContent: sentence });
  said.setAttribute("role", "alert");
  const acts = buttons(
    button(job, "again", "teach_go_on", { className: "vm-primary" }),
    button(job, "cancel", "teach_dismiss"),
  );
  return jobSection(job, fill(key, { name: job.name }), said, acts);
}
