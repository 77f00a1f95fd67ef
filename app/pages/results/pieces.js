// Pieces of markup that several cards of the Results page make.

import { make } from "../shared/dom.js";
import { savePlot } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";

export const DARKEST = 36; // percent of its colour that a shaded cell gets at most, so that its text can be read

export function dot(colour) {
  const mark = make("i", { className: "vm-dot" });
  mark.style.background = colour || "var(--dim)";
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

export const cell = (text, properties = {}) => make("td", { textContent: text, ...properties });
export const headCell = (text, properties = {}) => make("th", { scope: "col", textContent: text, ...properties });
export const rowHead = (...children) => make("th", { scope: "row" }, ...children);

// A table that may be wider than its place, reached by the keyboard too.
export function scrolling(table, label) {
  const made = make("div", { className: "vm-results-scroll", tabIndex: 0, ariaLabel: label }, table);
  made.setAttribute("role", "group");
  return made;
}

// A number with so many decimals; none: a dash.
export function number(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

// Options of a select anew, with the one that was chosen if it is still there.
export function refill(select, groups) {
  const before = select.value;
  const nodes = groups.flatMap(({ label, options }) => {
    const made = options.map(([value, text]) => new Option(text, value));
    return label ? (made.length ? [make("optgroup", { label }, ...made)] : []) : made;
  });
  select.replaceChildren(...nodes);
  if ([...select.options].some((one) => one.value === before)) select.value = before;
  return select.value;
}

// A run in a list, told apart from all others, with what must be known before its results are read.
export function runWords({ title, video, source, state, is_unlike: isUnlike }) {
  const run = fill("results_run_state", { title, video: video ?? source, state });
  return isUnlike ? fill("results_run_unlike", { run }) : run;
}

// Buttons that save the drawing of a plot: SVG to be printed, PNG to be shown.
export function pictureButtons(plot, nameOf) {
  return ["png", "svg"].map((format) => {
    const button = make("button", { type: "button", textContent: words[`results_${format}`] });
    button.dataset.picture = format;
    button.addEventListener("click", () => {
      if (plot.clientWidth && window.Plotly) savePlot(plot, nameOf(), format); // once there is something to save
    });
    return button;
  });
}

export const debounced = (act, wait = 350) => {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
};

export const plural = (count, one, many) =>
  count === 1 ? words[one] : words[many].replace("{count}", count.toLocaleString("en"));
