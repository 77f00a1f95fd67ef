// What is labelled at the playhead, on the picture: a person's states solid, a model's dashed.

import { make, perFrame } from "../shared/dom.js";
import { fill, words } from "../shared/words.js";
import { isPoint } from "./editing/edits.js";

export function startOverlay({ store, player, model, coding }) {
  let drawn = "";
  const draw = perFrame(() => {
    const at = coding.now();
    const axes = [...new Set(store.axes.values())];
    const mine = axes.map((axis) => coding.stateAt(axis, at)).filter(Boolean);
    const theirs = model.bouts.filter((one) => !isPoint(one) && one.start <= at && at < one.end);
    const lines = [
      ...mine.map(({ behaviour, subject }) => ({
        text: subject ? `${subject}: ${behaviour}` : behaviour,
        behaviour,
        isModel: false,
      })),
      ...theirs.map(({ behaviour, score }) => ({
        text: fill("label_model_says", { behaviour, score: score === null ? "" : score.toFixed(2) }).trim(),
        behaviour,
        isModel: true,
        warning: model.warning,
        isUnlike: model.isUnlike,
      })),
    ];
    const text = JSON.stringify(lines);
    if (text === drawn) return;
    drawn = text;
    player.overlay.replaceChildren(...lines.map(makeBadge));
  });
  function makeBadge({ text, behaviour, isModel, warning, isUnlike }) {
    const dot = make("i", { className: "vm-dot" });
    dot.style.background = store.behaviour(behaviour)?.colour ?? "";
    const badge = make(
      "b",
      { className: "vm-code-badge", title: warning || words[isModel ? "label_model" : "label_yours"] },
      dot,
      make("span", { textContent: text }),
    );
    badge.classList.toggle("vm-code-badge-model", isModel);
    badge.classList.toggle("vm-code-badge-unsure", Boolean(warning));
    badge.classList.toggle("vm-code-badge-unlike", Boolean(isUnlike)); // as Watch does
    return badge;
  }
  store.on("changed", draw);
  model.on(draw);
  player.on("time", draw);
}
