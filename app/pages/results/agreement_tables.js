// The tables of an agreement: its figures, the confusion matrix, events, and parts.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { cell, DARKEST, dot, headCell, number, rowHead, scrolling } from "./pieces.js";

const FIGURES = [
  ["results_kappa", "kappa", 2],
  ["results_ac1", "ac1", 2],
  ["results_same", "percent_agreement", 1],
];
const orUndefined = (value, digits) => (value === null ? words.results_undefined : number(value, digits));

// One axis: what both scored, its figures, the confusion, and the parts where there are several.
export function drawAxis(axis, agreement, { facts, onCell }) {
  const { pooled } = axis;
  const title = make("h3", { textContent: axis.axis });
  // Of nothing there are no figures; what there is of one only stands in the line below.
  if (!pooled.duration_weighted.total_seconds)
    return make("section", { ariaLabel: axis.axis }, title, leftOut(pooled), whyUndefined(pooled));
  const parts = [
    ...(axis.by_video.length > 1 ? axis.by_video : []),
    ...(axis.by_subject.length > 1 ? axis.by_subject : []),
  ];
  return make(
    "section",
    { className: "vm-results-axis-part", ariaLabel: axis.axis },
    title,
    leftOut(pooled),
    make(
      "div",
      { className: "vm-results-two" },
      make(
        "div",
        {},
        figureTable(pooled, agreement),
        whyUndefined(pooled),
        ...(parts.length ? [partsTable(parts)] : []),
      ),
      confusionTable(axis, facts, onCell),
    ),
  );
}

export function drawPooled(agreement) {
  const { pooled } = agreement;
  const title = make("h3", { textContent: words.results_all_axes });
  const half = make("div", { className: "vm-results-two" }, figureTable(pooled, agreement));
  return make("section", {}, title, leftOut(pooled), half, whyUndefined(pooled));
}

function leftOut({ duration_weighted: seconds, left_out: out }) {
  const lines = [
    fill("results_both_scored", { scored: format.span(seconds.total_seconds) }),
    fill("results_out", {
      first: format.span(out.only_first_seconds),
      second: format.span(out.only_second_seconds),
      not: format.span(out.not_scored_seconds),
    }),
  ];
  if (out.unlabelled_seconds) lines.push(fill("results_out_neither", { seconds: format.span(out.unlabelled_seconds) }));
  return make("p", { className: "vm-aside", textContent: lines.join(" ") });
}
function figureTable({ scan_sampled: scans, duration_weighted: seconds }, agreement) {
  const interval = Number(agreement.interval_seconds.toPrecision(6));
  const count = scans.total_scans.toLocaleString("en");
  const heads = [fill("results_scans", { interval, count }), words.results_duration];
  const rows = FIGURES.map(([title, name, digits]) =>
    make(
      "tr",
      {},
      rowHead(words[title]),
      ...[scans, seconds].map((one) => cell(orUndefined(one[name], digits), { className: "vm-number" })),
    ),
  );
  const head = make("tr", {}, make("td"), ...heads.map((text) => headCell(text, { className: "vm-number" })));
  return make("table", { className: "vm-results-figures-table" }, make("thead", {}, head), make("tbody", {}, ...rows));
}
function whyUndefined({ scan_sampled: scans, duration_weighted: seconds }) {
  const why = scans.kappa_undefined_because ?? seconds.kappa_undefined_because;
  const text = why ? fill("results_undefined_why", { why }) : "";
  return make("p", { className: "vm-aside", textContent: text, hidden: !why });
}
function partsTable(parts) {
  const titles = ["results_kappa_scans", "results_kappa_duration", "results_ac1", "results_same", "results_seconds"];
  const heads = titles.map((key) => headCell(words[key], { className: "vm-number" }));
  const rows = parts.map(({ video, subject, scan_sampled: scans, duration_weighted: seconds }) => {
    const values = [
      orUndefined(scans.kappa, 2),
      orUndefined(seconds.kappa, 2),
      orUndefined(seconds.ac1, 2),
      orUndefined(seconds.percent_agreement, 1),
      format.span(seconds.total_seconds),
    ];
    const name = video ?? (subject || words.results_nobody);
    return make("tr", {}, rowHead(name), ...values.map((text) => cell(text, { className: "vm-number" })));
  });
  const table = make(
    "table",
    {},
    make("caption", { textContent: words.results_parts }),
    make("thead", {}, make("tr", {}, make("td"), ...heads)),
    make("tbody", {}, ...rows),
  );
  return scrolling(table, words.results_parts);
}
function confusionTable({ axis, pooled }, facts, onCell) {
  const { class_names: names, confusion_seconds: rows } = pooled.duration_weighted;
  if (!names.length) return make("div");
  const total = pooled.duration_weighted.total_seconds;
  const heads = names.map((name) => headCell(name, { className: "vm-number" }));
  const made = rows.map((row, from) =>
    make(
      "tr",
      {},
      rowHead(dot(facts[names[from]]?.colour), make("span", { textContent: names[from] })),
      ...row.map((seconds, to) => confusionCell(seconds, { axis, names, from, to, total, onCell })),
    ),
  );
  const table = make(
    "table",
    { className: "vm-results-confusion" },
    make("caption", { textContent: words.results_confusion }),
    make("thead", {}, make("tr", {}, make("td"), ...heads)),
    make("tbody", {}, ...made),
  );
  return scrolling(table, words.results_confusion);
}
function confusionCell(seconds, { axis, names, from, to, total, onCell }) {
  const made = make("td", { className: "vm-number vm-results-shaded" });
  made.style.setProperty("--share", `${Math.round((DARKEST * seconds) / total)}%`);
  if (from !== to) made.classList.add("vm-results-differs");
  if (!seconds) {
    made.textContent = "·";
    return made;
  }
  const button = make("button", { type: "button", textContent: seconds.toFixed(1) });
  button.setAttribute("aria-label", `${names[from]}, ${names[to]}: ${format.span(seconds)}`);
  button.addEventListener("click", () => onCell(axis, names[from], names[to]));
  made.append(button);
  return made;
}

export function drawEvents(events) {
  const tolerance = Number(events[0].tolerance_seconds.toPrecision(6));
  const titles = [
    "results_first",
    "results_second",
    "results_matched",
    "results_same",
    "results_f1",
    "results_out_events",
  ];
  const heads = titles.map((key) => headCell(words[key], { className: "vm-number" }));
  const rows = events.map((one) => {
    const values = [
      String(one.num_first),
      String(one.num_second),
      String(one.num_matched),
      number(one.percent_agreement, 1),
      number(one.f1, 2),
      String(one.num_left_out),
    ];
    return make("tr", {}, rowHead(one.behaviour), ...values.map((text) => cell(text, { className: "vm-number" })));
  });
  const table = make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...heads)), make("tbody", {}, ...rows));
  const title = fill("results_events", { tolerance });
  return make("section", {}, make("h3", { textContent: title }), scrolling(table, title));
}
