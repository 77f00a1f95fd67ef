// A dialog of the Label page: a native one, so that the focus stays in it and Escape closes it.

import { make } from "../shared/dom.js";
import { words } from "../shared/words.js";

let numDialogs = 0;

// Where nothing has the focus, keys are the open dialog's, too: Escape closes it, and codes nothing behind it.
document.addEventListener(
  "keydown",
  (event) => {
    const isBehind = event.target === document.body && document.querySelector("dialog.vm-dialog[open]");
    if (isBehind) event.stopPropagation();
  },
  { capture: true },
);

// `onClosed()` is called however it is closed. Gives back its element, the places to fill, and how to open and close it.
export function makeDialog({ title, className, onClosed = () => {} }) {
  numDialogs += 1;
  const heading = make("h2", { textContent: title, id: `vm-dialog-${numDialogs}` });
  const cross = make("button", { type: "button", className: "vm-dialog-close", textContent: "×" });
  cross.setAttribute("aria-label", words.dialog_close);
  const body = make("div", { className: "vm-dialog-body" });
  const foot = make("footer");
  const element = make("dialog", { className: `vm vm-dialog ${className}` });
  element.append(make("header", {}, heading, cross), body, foot);
  element.setAttribute("aria-labelledby", heading.id);
  cross.addEventListener("click", () => element.close());
  element.addEventListener("close", onClosed);
  // The keys are the dialog's alone: the page would code behaviours with them.
  element.addEventListener("keydown", (event) => event.stopPropagation());
  // So that they are, too, when what had the focus was hidden or drawn anew.
  element.tabIndex = -1;
  element.addEventListener("focusout", () => {
    setTimeout(() => element.open && document.activeElement === document.body && element.focus());
  });
  document.body.append(element);
  return { element, heading, body, foot, open: () => element.showModal(), close: () => element.close() };
}

export function makeButton(textContent, onClick, className = "") {
  const button = make("button", { type: "button", textContent, className });
  button.addEventListener("click", onClick);
  return button;
}

// A label around a control, with its words above it, and a hint below it, which is no part of its name.
export function makeField(title, control, hint = "") {
  const label = make("label", { className: "vm-field" }, make("span", { textContent: title }), control);
  control.setAttribute("aria-label", title);
  if (!hint) return label;
  numHints += 1;
  const small = make("small", { textContent: hint, id: `vm-hint-${numHints}` });
  control.setAttribute("aria-describedby", small.id);
  small.setAttribute("aria-hidden", "true");
  label.append(small);
  return label;
}
let numHints = 0;

export function makeSelect(options, value) {
  const select = make("select", {}, ...options.map(([key, text]) => new Option(text, key)));
  select.value = value;
  return select;
}

export function makeInput(properties = {}) {
  return make("input", { type: "text", autocomplete: "off", spellcheck: false, ...properties });
}

// A sentence that a screen reader says when it comes; empty: it is gone.
export function makeAlert(className = "") {
  const alert = make("p", { className: `vm-refused ${className}`, hidden: true });
  alert.role = "alert";
  return alert;
}
export function sayIn(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

// What was done, with a way back: `onUndo()` is offered if it is given.
export function makeSaid() {
  const text = make("span");
  const element = make("p", { className: "vm-said" }, text);
  element.role = "status";
  return {
    element,
    say(sentence, onUndo = null) {
      text.textContent = sentence ?? "";
      element.replaceChildren(text);
      if (onUndo) element.append(" ", makeButton(words.dialog_undo, onUndo, "vm-link"));
    },
  };
}

// "renamed lying to resting" -> "Renamed lying to resting"
export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
