// The drawings of a report: bars by behaviour, the confusion matrix, and what more labels would bring. And of a job: how
// the error falls while it learns.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { dot, headCell, rowHead, score, spanOf } from "./pieces.js";

const SVG = "http://www.w3.org/2000/svg";
// Percent of its colour that a cell of the matrix gets: between the two, neither dark nor light text could be read.
const shadeOf = (share) => (share > 0.5 ? 70 + 30 * share : 76 * share);
const [WIDE, HIGH] = [300, 170]; // of the curve, in pixels of its own
const [LEFT, RIGHT, TOP, BOTTOM] = [30, 12, 10, 26];
const FLAT = 0.02; // of macro-F1 from the last point but one to the last: less is no rise

// A bar for each behaviour: its F1, and how much of it was labelled.
export function behaviourBars(classes) {
  const rows = classes.map(
    ({ name, colour, f1, precision, recall, labelled_seconds: labelled, tested_seconds: tested }) => {
      const bar = make("i");
      bar.style.width = `${100 * (f1 ?? 0)}%`;
      bar.style.background = colour || "var(--dim)";
      const track = make("div", { className: "vm-teach-bar" }, bar);
      track.setAttribute("aria-hidden", "true");
      const title = fill("teach_f1_of", { f1: score(f1), precision: score(precision), recall: score(recall) });
      return make(
        "tr",
        { title },
        rowHead(make("span", { textContent: name })),
        make("td", { className: "vm-teach-bar-cell" }, track),
        make("td", { className: "vm-number", textContent: tested ? score(f1) : words.teach_not_tested }),
        make("td", { className: "vm-number vm-teach-dim", textContent: labelled ? spanOf(labelled) : "" }),
      );
    },
  );
  const heads = [words.teach_behaviour, "", "F1", words.teach_seconds].map((text) => headCell(text));
  heads[1].setAttribute("aria-hidden", "true");
  const head = make("thead", { className: "vm-visually-hidden" }, make("tr", {}, ...heads));
  return make("table", { className: "vm-teach-bars" }, head, make("tbody", {}, ...rows));
}

// Seconds that were labelled as one thing and predicted as another; `onCell(labelled, predicted)`.
export function confusionMatrix({ names, seconds }, colours, onCell) {
  const totals = seconds.map((row) => row.reduce((sum, one) => sum + one, 0));
  const heads = names.map((name) => {
    const mark = dot(colours[name]);
    const text = make("span", { className: "vm-visually-hidden", textContent: name });
    return make("th", { scope: "col", title: name }, mark, text);
  });
  const corner = make("td", { className: "vm-teach-corner", textContent: `${words.teach_model_says} →` });
  const rows = names.map((name, at) => {
    const cells = names.map((other, to) => {
      const share = totals[at] ? seconds[at][to] / totals[at] : 0;
      return matrixCell({ name, other, isRight: at === to, seconds: seconds[at][to], share }, onCell);
    });
    return make("tr", {}, rowHead(dot(colours[name]), make("span", { textContent: name, title: name })), ...cells);
  });
  const table = make(
    "table",
    { className: "vm-teach-matrix" },
    make("caption", { className: "vm-visually-hidden", textContent: words.teach_mistaken }),
    make("thead", {}, make("tr", {}, corner, ...heads)),
    make("tbody", {}, ...rows),
  );
  table.style.setProperty("--columns", String(names.length));
  return table;
}
function matrixCell({ name, other, isRight, seconds, share }, onCell) {
  const made = make("td", { className: isRight ? "vm-teach-right" : "vm-teach-wrong" });
  made.style.setProperty("--share", `${Math.round(shadeOf(share))}%`);
  if (!seconds) {
    made.append(make("span", { className: "vm-teach-zero" }));
    return made;
  }
  const text = share >= 0.005 ? `${Math.round(100 * share)}` : "·";
  const button = make("button", { type: "button", textContent: text });
  button.dataset.isDark = String(share > 0.5);
  const label = fill("teach_cell", { labelled: name, predicted: other, seconds: format.span(seconds) });
  button.setAttribute("aria-label", label);
  button.title = label;
  button.addEventListener("click", () => onCell(name, other));
  made.append(button);
  return made;
}

// Macro-F1 of an axis over the amount of labels, which grows by doubling.
// `isLeftOut`: it is a correction, of which it is not found out.
export function learningCurve(points, index, isLeftOut) {
  const shown = points.filter((one) => one.macro_f1[index] !== null);
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  drawn.setAttribute("class", "vm-teach-curve");
  drawn.setAttribute("role", "img");
  const missing = words[isLeftOut ? "teach_curve_left_out" : "teach_curve_short"];
  if (shown.length < 2) return make("p", { className: "vm-empty", textContent: missing });
  const [first, last] = [shown[0].seconds, shown.at(-1).seconds];
  const x = (seconds) =>
    LEFT + ((WIDE - LEFT - RIGHT) * Math.log(seconds / first)) / Math.max(1e-6, Math.log(last / first));
  const y = (f1) => TOP + (HIGH - TOP - BOTTOM) * (1 - f1);
  const at = (one, f1) => `${x(one.seconds).toFixed(1)},${y(f1).toFixed(1)}`;
  const line = shown.map((one) => at(one, one.macro_f1[index]));
  const band = [
    ...shown.map((one) => at(one, one.highest[index])),
    ...shown.toReversed().map((one) => at(one, one.lowest[index])),
  ];
  for (const f1 of [0, 0.5, 1]) {
    add(drawn, "line", { x1: LEFT, x2: WIDE - RIGHT, y1: y(f1), y2: y(f1), class: "vm-teach-grid" });
    text(drawn, f1.toFixed(1), { x: LEFT - 6, y: y(f1) + 4, "text-anchor": "end" });
  }
  add(drawn, "polygon", { points: band.join(" "), class: "vm-teach-band" });
  add(drawn, "polyline", { points: line.join(" "), class: "vm-teach-line" });
  for (const one of shown) add(drawn, "circle", { cx: x(one.seconds), cy: y(one.macro_f1[index]), r: 3.5 });
  text(drawn, format.span(first), { x: LEFT, y: HIGH - 8 });
  text(drawn, format.span(last), { x: WIDE - RIGHT, y: HIGH - 8, "text-anchor": "end" });
  const values = shown.map((one) => score(one.macro_f1[index])).join(", ");
  drawn.setAttribute(
    "aria-label",
    fill("teach_curve_of", { first: format.span(first), last: format.span(last), values }),
  );
  const gained = shown.at(-1).macro_f1[index] - shown.at(-2).macro_f1[index];
  const said = gained > FLAT ? words.teach_curve_rises : words.teach_curve_flat;
  return make("div", {}, drawn, make("p", { className: "vm-aside", textContent: said }));
}

const LOW = 56; // height of the line of a job

// The error on time that is not learnt from, over the steps: [[steps, loss], ...], from 0 steps on.
export function lossLine(points) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", `0 0 ${WIDE} ${LOW}`);
  drawn.setAttribute("class", "vm-teach-curve");
  drawn.setAttribute("aria-hidden", "true"); // the sentence says it
  const losses = points.map(([, loss]) => loss);
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const last = points.at(-1);
  const best = points.find(([, loss]) => loss === least);
  const x = (steps) => 5 + ((WIDE - 10) * steps) / last[0];
  const y = (loss) => 5 + (LOW - 10) * (1 - (loss - least) / Math.max(1e-6, most - least));
  add(drawn, "line", { x1: 5, x2: WIDE - 5, y1: y(losses[0]), y2: y(losses[0]), class: "vm-teach-grid" });
  const line = points.map(([steps, loss]) => `${x(steps).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
  add(drawn, "polyline", { points: line, class: "vm-teach-line" });
  add(drawn, "circle", { cx: x(best[0]), cy: y(least), r: 3.5 });
  const values = { first: score(losses[0]), last: score(last[1]), steps: last[0], least: score(least), best: best[0] };
  const key = best === last ? "teach_loss" : best[0] ? "teach_loss_best" : "teach_loss_none";
  return make(
    "div",
    { className: "vm-teach-loss" },
    drawn,
    make("p", { className: "vm-aside", textContent: fill(key, values) }),
  );
}
function add(drawn, tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  drawn.append(made);
  return made;
}
function text(drawn, content, attributes) {
  add(drawn, "text", attributes).textContent = content;
}
