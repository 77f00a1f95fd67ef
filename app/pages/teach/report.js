// The report of a model: one sentence first, then bars, mistakes that play, what more labels bring, and tables.

import * as bus from "../shared/bus.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { goToLabel } from "../shared/video/go_to_label.js";
import { playSpan } from "../shared/video/span_player.js";
import { fill, words } from "../shared/words.js";
import { behaviourBars, confusionMatrix, learningCurve } from "./charts.js";
import { aside, card, cell, headCell, plural, rowHead, score, spanOf, whenWords } from "./pieces.js";

// All cards of a model: those of the wide column, and those beside it.
export function reportCards(answer) {
  const { model, axes } = answer;
  const title = fill("teach_report", { name: model.title });
  if (!axes.length) {
    const said = make("p", { className: "vm-empty", textContent: words.teach_no_report });
    return { main: [card("report", model.title, taughtWords(model), said, acts(model))], side: [] };
  }
  const whole = card("report", model.title, taughtWords(model), lead(answer));
  whole.ariaLabel = title;
  for (const [index, axis] of axes.entries()) whole.append(axisPart(answer, axis, index));
  whole.append(spansPart());
  const table = card("table", words.teach_table, words.teach_table_hint, candidatesTable(answer), acts(model));
  return { main: [whole, table], side: [calibrationCard(answer), nextCard(answer)].filter(Boolean) };
}

function taughtWords({ taught_at: at, labelled_seconds: seconds, num_videos: numVideos }) {
  const when = whenWords(at);
  if (!seconds || !numVideos) return fill("teach_taught_plain", { when });
  const videos = plural(numVideos, "teach_one_video", "teach_num_videos");
  return fill("teach_taught", { when, seconds: format.span(seconds), videos });
}

// One sentence for each axis: how good, compared with what, usable for what.
function lead(answer) {
  const { axes, tested_seconds: tested } = answer;
  const lines = axes.map((axis, at) => {
    const { f1, low, high, majority, rating, weak, untested } = axis;
    const made = make("p", { className: "vm-teach-lead" });
    if (axes.length > 1)
      made.append(make("b", { className: "vm-teach-axis-name", textContent: fill("teach_axis", { axis: axis.name }) }));
    const verdict = make("span", { className: "vm-teach-rate", textContent: words[`teach_rate_${rating}`] });
    verdict.dataset.rating = rating;
    if (f1 !== null) {
      const number = make("b", {
        className: "vm-teach-rate",
        textContent: fill("teach_lead_score", { f1: score(f1) }),
      });
      number.dataset.rating = rating;
      made.append(...(at ? [] : [fill("teach_lead", { tested: format.span(tested) })]), number);
      if (low !== null && high !== null)
        made.append(fill("teach_lead_interval", { low: score(low), high: score(high) }));
      const { behaviour, f1: least } = majority;
      made.append(behaviour ? fill("teach_lead_majority", { behaviour, f1: score(least) }) : words.teach_lead_alone);
    }
    made.append(verdict);
    if (weak.length) made.append(" ", make("span", { className: "vm-teach-weak", textContent: weakWords(weak) }));
    if (untested.length) made.append(" ", aside(fill("teach_untested", { names: untested.join(", ") })));
    return made;
  });
  return make("div", {}, ...corrected(answer), ...lines, ...notes(answer));
}
// Of a correction, what came of it stands first.
function corrected({ earlier }) {
  if (!earlier || earlier.change === "unknown") return [];
  const values = { before: score(earlier.macro_f1_before), now: score(earlier.macro_f1_now) };
  const textContent = fill(`teach_corrected_${earlier.change}`, values);
  const made = make("p", { className: "vm-teach-corrected", textContent });
  made.dataset.change = earlier.change;
  return [made];
}
function notes({ better, is_linear: isLinear }) {
  const said = [];
  if (better.length) said.push(fill("teach_better", { names: better.join(", ") }));
  if (isLinear) said.push(words.teach_is_linear);
  return said.map((textContent) => make("p", { className: "vm-aside vm-teach-note", textContent }));
}
function weakWords(weak) {
  const each = weak.map(({ name, f1, labelled_seconds: labelled, tested_seconds: tested }) =>
    fill("teach_weak", { behaviour: name, f1: score(f1), seconds: format.span(labelled || tested) }),
  );
  return `${each.join("; ")}.`;
}

function axisPart(answer, axis, index) {
  const { axes, curve, colours } = answer;
  const part = (title, hint, content) =>
    make("div", {}, make("h3", {}, title, " ", make("small", { textContent: hint })), content);
  const made = make(
    "div",
    { className: "vm-teach-three" },
    part(words.teach_by_behaviour, words.teach_by_behaviour_hint, behaviourBars(axis.classes)),
    part(
      words.teach_mistaken,
      words.teach_mistaken_hint,
      scrolling(
        words.teach_mistaken,
        confusionMatrix(axis.confusion, colours, (labelled, predicted) =>
          showSpans(made, answer, { axis: axis.name, labelled, predicted }),
        ),
      ),
    ),
    part(words.teach_curve, words.teach_curve_hint, learningCurve(curve, index, answer.earlier !== null)),
  );
  const name = axes.length > 1 ? [make("h3", { className: "vm-teach-axis-title", textContent: axis.name })] : [];
  return make("div", { className: "vm-teach-axis-part" }, ...name, made);
}

// The spans behind a cell: a list, and the player that loops the one that is chosen.
function spansPart() {
  const close = make("button", { type: "button", textContent: words.teach_close });
  const heading = make("h3");
  const made = make(
    "div",
    { className: "vm-teach-spans", hidden: true },
    make("div", { className: "vm-head" }, heading, close),
    make(
      "div",
      { className: "vm-teach-two" },
      make("ol", { className: "vm-teach-span-list" }),
      make("div", { className: "vm-teach-player" }),
    ),
  );
  made.setAttribute("role", "group");
  close.addEventListener("click", () => {
    made.hidden = true;
    made.opener?.focus();
  });
  return made;
}
function showSpans(within, { judged }, { axis, labelled, predicted }) {
  const element = within.closest(".vm-teach-report").querySelector(".vm-teach-spans");
  const spans = judged.filter((one) => one.axis === axis && one.labelled === labelled && one.predicted === predicted);
  const seconds = spans.reduce((sum, one) => sum + one.end_seconds - one.start_seconds, 0);
  const isRight = labelled === predicted;
  const title = fill(isRight ? "teach_cell_right" : "teach_cell_wrong", { labelled, predicted });
  const counted = fill("teach_cell_spans", {
    count: plural(spans.length, "teach_one_span", "teach_num_spans"),
    seconds: format.span(seconds),
  });
  element.querySelector("h3").replaceChildren(title, " ", make("small", { textContent: counted }));
  element.ariaLabel = title;
  element.opener = document.activeElement;
  element.hidden = false;
  const place = element.querySelector(".vm-teach-player");
  const list = element.querySelector("ol");
  const play = (one, button) => {
    for (const other of list.querySelectorAll("button")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    playSpan(place, { video: one.video, start: one.start_seconds, end: one.end_seconds, title });
  };
  const items = spans.map((one) => {
    const [from, to] = [one.start_seconds, one.end_seconds].map((time) => format.clock(time, { hasTenths: true }));
    const button = make("button", {
      type: "button",
      textContent: fill("teach_next_at", { video: one.video, from, to }),
    });
    button.addEventListener("click", () => play(one, button));
    return make("li", {}, button);
  });
  list.replaceChildren(...items);
  const first = list.querySelector("button");
  if (first) {
    play(spans[0], first);
    first.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }
}

function candidatesTable(answer) {
  const { axes, candidates, majority, memory, latency_seconds: latency } = answer;
  const heads = [
    headCell(words.teach_col_model),
    ...axes.map((axis) =>
      headCell(axes.length > 1 ? axis.name : words.teach_col_f1, { className: "vm-number", title: words.teach_col_f1 }),
    ),
    headCell(words.teach_col_bouts, { className: "vm-number", title: words.teach_col_bouts_hint }),
    headCell(words.teach_col_edges, { className: "vm-number" }),
    headCell(words.teach_col_answer, { className: "vm-number" }),
    headCell(words.teach_col_taught, { className: "vm-number" }),
  ];
  const plain = (title, values, more = ["–", "–", "–", "–"], className = "") =>
    make(
      "tr",
      { className },
      rowHead(title),
      ...[...values.map(score), ...more].map((text) => cell(text, { className: "vm-number" })),
    );
  const named = [...new Set(majority.map((one) => one.behaviour).filter(Boolean))].join(", ");
  const rows = [
    plain(
      fill("teach_majority", { behaviour: named }),
      majority.map((one) => one.f1),
      undefined,
      "vm-teach-dim",
    ),
  ];
  for (const one of candidates) {
    const isModel = one === candidates.at(-1);
    const more = [
      score(one.bouts_f1),
      one.edge_seconds === null ? "–" : spanOf(one.edge_seconds),
      isModel ? spanOf(latency) : "–",
      spanOf(one.seconds),
    ];
    const title = isModel ? fill("teach_the_model", { title: one.title }) : one.title;
    rows.push(plain(title, one.f1, more, isModel ? "vm-teach-chosen" : ""));
  }
  if (answer.earlier) {
    const { title: name, f1, bouts_f1: bouts, edge_seconds: edge } = answer.earlier;
    rows.push(plain(name, f1, [score(bouts), edge === null ? "–" : spanOf(edge), "–", "–"], "vm-teach-dim"));
  }
  const title = candidates.at(-1).title;
  const isMemory = candidates.at(-1).name === "fam";
  const kinds = isMemory ? ["teach_memory_off", "teach_memory_half"] : ["teach_reach_off", "teach_reach_half"];
  for (const [at, row] of memory.rows.slice(0, -1).entries()) {
    const text = fill("teach_memory_row", { title, words: words[kinds[row.memory === 0 ? 0 : 1] ?? kinds[at]] });
    rows.push(plain(text, row.macro_f1, undefined, "vm-teach-dim"));
  }
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
  return scrolling(words.teach_table, table);
}
// A table that may be wider than its place, reached by the keyboard too.
function scrolling(label, table) {
  const made = make("div", { className: "vm-teach-scroll", tabIndex: 0, ariaLabel: label }, table);
  made.setAttribute("role", "group");
  return made;
}

function acts(model) {
  const use = make("button", { type: "button", className: "vm-primary vm-teach-use", textContent: words.teach_use });
  use.addEventListener("click", () => {
    bus.act("model", { model: model.model });
    location.hash = "#watch";
  });
  const download = make("a", {
    className: "vm-button",
    href: `teach/model.zip?model=${encodeURIComponent(model.model)}`,
    textContent: words.teach_download,
    title: words.teach_download_hint,
  });
  download.dataset.file = "zip";
  return make("div", { className: "vm-teach-buttons" }, use, download);
}

function calibrationCard({ axes }) {
  const known = axes.filter((axis) => axis.calibration.estimated_accuracy !== null);
  const hint = words.teach_unlabelled_hint;
  if (!known.length) {
    return card("unlabelled", words.teach_unlabelled, hint, make("p", { textContent: words.teach_unlabelled_none }));
  }
  const percent = (share) => `${Math.round(100 * share)} %`;
  const parts = known.map(({ name, calibration }) => {
    const number = make("b", { className: "vm-teach-big", textContent: percent(calibration.estimated_accuracy) });
    return make("p", {}, number, ...(axes.length > 1 ? [" ", name] : []));
  });
  const error = known.map(({ calibration }) => percent(calibration.error)).join(words.teach_and);
  parts.push(make("p", { className: "vm-aside", textContent: fill("teach_unlabelled_of", { error }) }));
  return card("unlabelled", words.teach_unlabelled, hint, ...parts);
}

function nextCard({ label_next: places }) {
  if (!places.length) return null;
  const items = places.map((one) => {
    const [from, to] = [one.start_seconds, one.end_seconds].map((time) => format.clock(time));
    const button = make("button", { type: "button" }, fill("teach_next_at", { video: one.video, from, to }));
    button.addEventListener("click", () => goToLabel(one.video, { seconds: one.start_seconds }));
    const doubt = fill("teach_doubt", { percent: `${Math.round(100 * one.doubt)} %` });
    return make("li", {}, button, aside(doubt));
  });
  return card("next", words.teach_next, words.teach_next_hint, make("ul", {}, ...items));
}
