// Before a lesson: which behaviours are told apart, those of an axis of the project or others.

import { fill, words } from "../shared/words.js";

const OTHERS = ""; // none of the project's axes

// `begin(behaviours, axis)`.
export function makeSetup(element, { begin }) {
  const form = element.querySelector("form");
  const { axis, names } = form.elements;
  const named = element.querySelector(".vm-lesson-names");
  let axes = [];

  const drawNames = () => {
    named.hidden = axis.value !== OTHERS;
  };
  axis.addEventListener("change", drawNames);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const known = axes.find((one) => one.axis === axis.value);
    const typed = names.value.split(",").map((one) => one.trim());
    begin(known?.behaviours ?? typed.filter(Boolean), axis.value);
  });

  return {
    show(isShown) {
      element.hidden = !isShown;
    },
    draw(next) {
      const wanted = JSON.stringify(next);
      if (wanted === JSON.stringify(axes) && axis.options.length) return;
      const chosen = axis.options.length ? axis.value : next[0]?.axis;
      axes = next;
      axis.replaceChildren(
        ...axes.map(
          (one) => new Option(fill("lesson_axis_of", { axis: one.axis, names: one.behaviours.join(", ") }), one.axis),
        ),
        new Option(words.lesson_axis_own, OTHERS),
      );
      axis.value = axes.some((one) => one.axis === chosen) ? chosen : OTHERS;
      element.querySelector(".vm-lesson-axis").hidden = !axes.length;
      drawNames();
    },
  };
}
