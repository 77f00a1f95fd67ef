// Pieces of markup that several cards of the Teach page make.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { words } from "../shared/words.js";

export function dot(colour) {
  const mark = make("i", { className: "vm-dot" });
  mark.style.background = colour || "var(--dim)";
  mark.setAttribute("aria-hidden", "true");
  return mark;
}

export const cell = (content, properties = {}) => make("td", properties, ...[content].flat());
export const headCell = (text, properties = {}) => make("th", { scope: "col", textContent: text, ...properties });
export const rowHead = (...children) => make("th", { scope: "row" }, ...children);
export const aside = (textContent) => make("span", { className: "vm-aside", textContent });

export function card(name, title, hint, ...children) {
  const heading = make("h2", { textContent: title });
  const header = make("header", {}, heading, ...(hint ? [aside(hint)] : []));
  return make("section", { className: `vm-card vm-teach-${name}`, ariaLabel: title }, header, ...children);
}

// 0.871 -> "0.87"; none: a dash
export const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));

export const plural = (count, one, many) =>
  count === 1 ? words[one] : words[many].replace("{count}", count.toLocaleString("en"));

// Today by the clock, else by the date.
export function whenWords(text) {
  const at = new Date(text);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString([], isToday ? { timeStyle: "short" } : { dateStyle: "medium" });
}

export const spanOf = (seconds) => format.span(seconds);
