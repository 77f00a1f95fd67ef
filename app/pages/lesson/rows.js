// The behaviours of a lesson: a name that is held while it is shown, and a bar that says how likely it is now.

import { isTyping, make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill } from "../shared/words.js";

const OWN_OF_BUTTONS = new Set([" ", "Enter"]);

// `isOn()`: keys count; `hold(number)` and `release()` of the behaviour that is shown.
export function makeRows(list, { isOn, hold, release }) {
  let rows = [];
  let names = "";
  let holder = null; // what holds: a key by its code, "pointer" or "button"

  function take(number, by) {
    if (number >= rows.length || !isOn()) return;
    holder = hold(number) ? by : null;
    drawHeld(holder ? number : -1);
  }
  function letGo(by) {
    if (!holder || (by && holder !== by)) return;
    holder = null;
    drawHeld(-1);
    release();
  }
  function drawHeld(held) {
    for (const [number, { button }] of rows.entries()) button.setAttribute("aria-pressed", number === held);
  }

  function makeRow({ name, colour }, number) {
    const dot = make("i", { className: "vm-dot" });
    dot.style.background = colour;
    const amount = make("small");
    const button = make(
      "button",
      { type: "button", className: "vm-lesson-show", title: fill("lesson_show", { name }) },
      make("kbd", { textContent: number + 1 }),
      dot,
      make("span", { textContent: name }),
      amount,
    );
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      button.setPointerCapture(event.pointerId);
      take(number, "pointer");
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      button.addEventListener(end, () => letGo("pointer"));
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a phone
    button.addEventListener("keydown", (event) => {
      if (!OWN_OF_BUTTONS.has(event.key)) return;
      event.preventDefault();
      if (!event.repeat) take(number, "button");
    });
    button.addEventListener("keyup", ({ key }) => OWN_OF_BUTTONS.has(key) && letGo("button"));
    button.addEventListener("blur", () => letGo("button"));
    const fillOf = make("i");
    fillOf.style.background = colour;
    const bar = make("div", { className: "vm-lesson-bar" }, fillOf);
    for (const [attribute, value] of [
      ["role", "meter"],
      ["aria-label", fill("lesson_share", { name })],
      ["aria-valuemin", 0],
      ["aria-valuemax", 100],
    ])
      bar.setAttribute(attribute, value);
    const share = make("span", { className: "vm-lesson-share" });
    share.setAttribute("aria-hidden", "true"); // the meter says it
    return { element: make("li", {}, button, bar, share), button, amount, bar, fillOf, share };
  }
  function draw({ behaviours, examples, probabilities }) {
    const wanted = JSON.stringify(behaviours);
    if (wanted !== names) {
      names = wanted;
      rows = behaviours.map(makeRow);
      list.replaceChildren(...rows.map(({ element }) => element));
    }
    const highest = Math.max(...probabilities);
    for (const [number, { element, amount, bar, fillOf, share }] of rows.entries()) {
      const own = examples.filter(([which]) => which === number);
      const seconds = own.reduce((sum, [, start, end]) => sum + end - start, 0);
      const key = ["lesson_no_examples", "lesson_one_example"][own.length] ?? "lesson_num_examples";
      amount.textContent = fill(key, { count: own.length, seconds: format.span(Math.round(seconds)) });
      const percent = Math.round(100 * (probabilities[number] ?? 0));
      bar.setAttribute("aria-valuenow", percent);
      fillOf.style.width = `${percent}%`;
      share.textContent = probabilities.length ? `${percent} %` : "";
      element.toggleAttribute("data-top", probabilities[number] === highest);
    }
  }

  // The digit that a key has on any keyboard: on some it is typed with Shift.
  const digitOf = ({ code }) => Number(/^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1] ?? 0);
  document.addEventListener("keydown", (event) => {
    const digit = digitOf(event);
    if (!digit || !isOn() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    event.preventDefault();
    if (!event.repeat) take(digit - 1, event.code);
  });
  document.addEventListener("keyup", ({ code }) => letGo(code));
  window.addEventListener("blur", () => letGo());

  return {
    draw,
    // What is held is over, whoever holds it.
    drop: () => letGo(),
    // The words of what a row says of a behaviour that was shown.
    said: (number, seconds) =>
      fill("lesson_example", { name: rows[number].button.querySelector("span").textContent, seconds }),
  };
}
