// The ethogram and the actogram, drawn by the server's figures; saved as PNG or SVG by the browser.

import { ask } from "../shared/ask.js";
import { drawPlot } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";
import { pictureButtons, refill } from "./pieces.js";
import { keepShown, queryOfShown } from "./state.js";

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const plot = find(".vm-results-plot");
  const none = find(".vm-results-none");
  const axis = find("[data-figure=axis]");
  const kinds = [...element.querySelectorAll("[data-kind]")];
  let kind = "ethogram";

  async function load() {
    const query = queryOfShown({ kind, axis: kind === "actogram" ? axis.value : "" });
    const answer = await ask("results_figure", () => `results/figure?${query}`);
    if (!answer) return;
    none.hidden = !answer.error;
    none.textContent = answer.error ?? "";
    plot.hidden = Boolean(answer.error);
    if (answer.error) return;
    refill(axis, [{ options: answer.axes.map((name) => [name, name]) }]);
    axis.closest("label").hidden = kind !== "actogram" || answer.axes.length < 2;
    plot.setAttribute("aria-label", fill("results_drawn", { kind: words[`results_${kind}`], whose: answer.whose }));
    await drawPlot(plot, answer.figure);
  }
  find(".vm-results-controls").append(...pictureButtons(plot, () => kind));
  for (const button of kinds) {
    button.addEventListener("click", () => {
      ({ kind } = button.dataset);
      for (const one of kinds) one.setAttribute("aria-pressed", String(one === button));
      load();
    });
  }
  axis.addEventListener("change", load);
  keepShown(load);
}
