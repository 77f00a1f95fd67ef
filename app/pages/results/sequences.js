// What follows what: the counts as a table, and the figure of their shares.

import { ask } from "../shared/ask.js";
import { make } from "../shared/dom.js";
import { drawPlot } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";
import { cell, DARKEST, debounced, dot, headCell, pictureButtons, refill, rowHead } from "./pieces.js";
import { factsOf, keepShown, queryOfShown } from "./state.js";

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const plot = find(".vm-results-plot");
  const none = find(".vm-results-none");
  const axis = find("[data-sequence=axis]");
  const gap = find("[data-sequence=gap]");

  async function load() {
    if (!gap.validity.valid) return;
    const query = queryOfShown({ axis: axis.value, gap: gap.value });
    const answer = await ask("results_transitions", () => `results/transitions?${query}`);
    if (!answer) return;
    const isAny = !answer.error && answer.counts.some((row) => row.some(Boolean));
    none.hidden = isAny;
    none.textContent = answer.error ?? (isAny ? "" : words.results_no_sequences);
    find(".vm-results-two").hidden = !isAny;
    find("[data-file]").hidden = !isAny;
    find(".vm-results-left").textContent = "";
    if (answer.error) {
      axis.replaceChildren(); // of other labels: the next question is for their first
      return;
    }
    refill(axis, [{ options: answer.axes.map((name) => [name, name]) }]);
    axis.value = answer.axis;
    axis.closest("label").hidden = answer.axes.length < 2;
    if (answer.num_left_out)
      (isAny ? find(".vm-results-left") : none).append(" ", fill("results_left_out", { count: answer.num_left_out }));
    if (!isAny) return;
    find("[data-file]").href = `results/transitions.csv?${query}`;
    drawTable(answer);
    await drawPlot(plot, answer.figure);
  }
  function drawTable({ names, counts, probabilities, behaviours }) {
    const facts = factsOf(behaviours);
    const used = names.map((_, at) => at).filter((at) => counts[at].some(Boolean) || counts.some((row) => row[at]));
    find("thead").replaceChildren(
      make("tr", {}, make("td"), ...used.map((at) => headCell(names[at], { className: "vm-number" }))),
    );
    find("tbody").replaceChildren(
      ...used.map((from) =>
        make(
          "tr",
          {},
          rowHead(dot(facts[names[from]]?.colour), make("span", { textContent: names[from] })),
          ...used.map((to) => countCell(counts[from][to], probabilities[from][to])),
        ),
      ),
    );
  }
  function countCell(count, share) {
    const made = cell(count ? count.toLocaleString("en") : "·", { className: "vm-number vm-results-shaded" });
    if (count) made.append(" ", make("small", { textContent: `${Math.round(100 * share)} %` }));
    made.style.setProperty("--share", count ? `${Math.round(DARKEST * share)}%` : "0%");
    return made;
  }
  find(".vm-results-controls").append(...pictureButtons(plot, () => "transitions"));
  axis.addEventListener("change", load);
  gap.addEventListener("input", debounced(load));
  keepShown(load);
}
