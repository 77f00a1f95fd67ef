// Controls that several pages build from what the server says a number allows.

import { make } from "./dom.js";
import { fill } from "./words.js";

// A label with a title, a value, a range and a line that says what the value means.
export function makeSliderParts(title) {
  const name = make("span", { textContent: title });
  const value = make("b");
  const input = make("input", { type: "range", min: 0, step: 1 });
  const meaning = make("small");
  input.setAttribute("aria-label", title);
  const label = make("label", { className: "vm-slider" }, make("span", {}, name, " ", value), input, meaning);
  return { label, value, input, meaning };
}

// A slider over the numbers that are allowed; `changed(value)` hears of each move.
export function makeSlider({ name, title, stops, start }, changed) {
  const { label, value, input, meaning } = makeSliderParts(title);
  const allowed = [...new Set([...stops, start])].sort((a, b) => a - b);
  meaning.textContent = fill("mask_allowed", { low: allowed[0], high: allowed.at(-1) });
  Object.assign(input, { max: allowed.length - 1, value: allowed.indexOf(start) });
  input.dataset.number = name;
  const show = () => {
    const number = allowed[Number(input.value)];
    value.textContent = number.toLocaleString("en");
    input.setAttribute("aria-valuetext", String(number));
    return number;
  };
  input.addEventListener("input", () => changed(show()));
  show();
  return label;
}

export function makeChoice({ name, title, options, start }, changed) {
  const select = make("select", {}, ...options.map(([key, text]) => new Option(text, key)));
  select.value = start;
  select.dataset.number = name;
  select.setAttribute("aria-label", title);
  select.addEventListener("change", () => changed(select.value));
  return make("label", { className: "vm-slider" }, title, select);
}

export function makeGroup(title, options) {
  return make("optgroup", { label: title }, ...options);
}

// A line of a table: its name, and what it is.
export function makeRow([name, value]) {
  return make("tr", {}, make("th", { scope: "row", textContent: name }), make("td", { textContent: value }));
}

// Where in a list the number stands that is nearest to the one that is wanted.
export function indexOfNearest(numbers, wanted) {
  const away = numbers.map((number) => Math.abs(number - wanted));
  return away.indexOf(Math.min(...away));
}
