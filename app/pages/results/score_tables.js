// The tables of a model's scores against a person's labels.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { cell, dot, headCell, number, rowHead, scrolling } from "./pieces.js";

export function drawScore(score, { person, facts }) {
  const title = make("h3", {}, fill("results_scores", { person }), ` · ${score.axis} `);
  title.append(make("small", { textContent: words.results_scores_hint }));
  return make(
    "section",
    { ariaLabel: title.textContent },
    title,
    make("div", { className: "vm-results-two" }, whole(score), classes(score, facts)),
  );
}

function whole(score) {
  const { majority, macro_f1_interval: interval } = score;
  const rows = [
    ["results_macro", score.macro_f1, majority.macro_f1, 2],
    ["results_macro_none", score.macro_f1_with_none, majority.macro_f1_with_none, 2],
    ["results_same", score.percent_agreement, majority.percent_agreement, 1],
  ].map(([key, mine, theirs, digits]) =>
    make(
      "tr",
      {},
      rowHead(words[key]),
      ...[mine, theirs].map((value) => cell(number(value, digits), { className: "vm-number" })),
    ),
  );
  const heads = [words.results_model_column, fill("results_majority", { behaviour: majority.behaviour || "–" })];
  const table = make(
    "table",
    {},
    make("thead", {}, make("tr", {}, make("td"), ...heads.map((text) => headCell(text, { className: "vm-number" })))),
    make("tbody", {}, ...rows),
  );
  return make(
    "div",
    {},
    table,
    ...lines(score, interval).map((textContent) => make("p", { className: "vm-aside", textContent })),
  );
}
function lines(score, interval) {
  const { segmental, edges, edit_score: edit } = score;
  const sure =
    interval.low === null
      ? fill("results_no_interval", { why: interval.undefined_because })
      : fill("results_interval_of", {
          low: number(interval.low, 2),
          high: number(interval.high, 2),
          count: interval.num_blocks,
          seconds: interval.block_seconds,
        });
  const bouts = fill("results_segmental", {
    percents: segmental.map((one) => one.iou_percent).join(", "),
    values: segmental.map((one) => number(one.f1, 2)).join(", "),
    edit: number(edit, 2),
  });
  const [start, end] = [edges.start, edges.end].map((one) =>
    one.median_seconds === null ? "–" : format.span(one.median_seconds),
  );
  return [sure, bouts, fill("results_edges", { start, end })];
}
function classes(score, facts) {
  const hasAp = score.per_class.some((one) => one.average_precision !== null);
  const titles = ["results_precision", "results_recall", "results_f1", ...(hasAp ? ["results_ap"] : [])];
  titles.push("results_support", "results_predicted", "results_num", "results_predicted_bouts");
  const rows = score.per_class
    .filter((one) => one.f1 !== null)
    .map((one) => {
      const figures = [one.precision, one.recall, one.f1, ...(hasAp ? [one.average_precision] : [])];
      const values = [
        ...figures.map((value) => number(value, 2)),
        number(one.support_seconds, 1),
        number(one.predicted_seconds, 1),
        String(one.num_bouts),
        String(one.num_predicted_bouts),
      ];
      const name = rowHead(dot(facts[one.behaviour]?.colour), make("span", { textContent: one.behaviour }));
      return make("tr", {}, name, ...values.map((text) => cell(text, { className: "vm-number" })));
    });
  const heads = titles.map((key) => headCell(words[key], { className: "vm-number" }));
  const table = make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...heads)), make("tbody", {}, ...rows));
  return scrolling(table, score.axis);
}
