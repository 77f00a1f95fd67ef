// The list of bouts, a person's and a model's, the latest in the video first. Only rows on view are in the document.

import { make, perFrame } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { words } from "../shared/words.js";
import { isPoint } from "./editing/edits.js";

const ROW = 30; // pixels
const MARGIN = 6; // rows beyond those on view

export function makeBoutsList(element, { store, player, openings, selection, model, coding, openMenu }) {
  const scroller = element.querySelector(".vm-code-rows");
  const spacer = scroller.querySelector("div");
  const count = element.querySelector(".vm-code-count");
  const [which, whose] = ["behaviour", "source"].map((name) => element.querySelector(`[data-filter=${name}]`));
  const empty = element.querySelector(".vm-code-no-bouts");
  let rows = []; // { bout, isModel }, in order of time
  let growing = []; // { bout, cell }: rows on view of what is on

  function refresh() {
    refreshBehaviours();
    const isMeant = ({ behaviour }) => !which.value || behaviour === which.value;
    const sources = whose.value;
    const mine =
      sources === "model"
        ? []
        : store.bouts.filter((one) => isMeant(one) && (sources === "" || sourceOf(one) === sources));
    const theirs = ["", "model"].includes(sources) ? model.bouts.filter(isMeant) : [];
    rows = [...mine.map((bout) => ({ bout, isModel: false })), ...theirs.map((bout) => ({ bout, isModel: true }))];
    if (theirs.length && mine.length)
      rows.sort((one, other) => one.bout.start - other.bout.start || one.isModel - other.isModel);
    count.textContent = rows.length ? rows.length.toLocaleString("en") : "";
    empty.hidden = rows.length > 0;
    const none = store.bouts.length || model.bouts.length ? "label_no_such_bouts" : "label_no_bouts";
    empty.textContent = words[store.isLoaded ? none : "label_loading"];
    spacer.style.height = `${rows.length * ROW}px`;
    draw();
  }
  const sourceOf = ({ score, source }) => (source === "model" ? "model" : score === null ? "yours" : "confirmed");
  function refreshBehaviours() {
    const names = store.ethogram.map(({ name }) => name);
    if (which.options.length === names.length + 1 && names.every((name, at) => which.options[at + 1].value === name))
      return;
    const { value } = which;
    which.replaceChildren(new Option(words.label_all_behaviours, ""), ...names.map((name) => new Option(name, name)));
    which.value = names.includes(value) ? value : "";
  }

  const draw = perFrame(() => {
    const [top, high] = [scroller.scrollTop, scroller.clientHeight];
    const first = Math.max(0, Math.floor(top / ROW) - MARGIN);
    const last = Math.min(rows.length, Math.ceil((top + high) / ROW) + MARGIN);
    growing = [];
    const focused = spacer.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    // The latest first: what was coded last is at the top.
    const shown = rows.slice(rows.length - last, rows.length - first).reverse();
    spacer.replaceChildren(...shown.map((row, index) => makeRow(row, first + index)));
    if (focused !== null) spacer.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true });
  });
  function makeRow({ bout, isModel }, index) {
    const length = make("span", { className: "vm-code-number", textContent: lengthOf(bout, isModel) });
    if (!isModel && openings.isOpen(bout)) growing.push({ bout, cell: length });
    const source = isModel ? "model" : sourceOf(bout);
    const dot = make("i", { className: "vm-dot" });
    dot.style.background = store.behaviour(bout.behaviour)?.colour ?? "";
    const of = bout.subject ? make("em", { textContent: ` ${bout.subject}` }) : "";
    const score = isModel && bout.score !== null ? ` ${bout.score.toFixed(2)}` : "";
    const mark = bout.comment
      ? make("span", { title: bout.comment, textContent: "✎", ariaLabel: words.label_has_note })
      : "";
    const name = make("span", { className: "vm-code-name", textContent: `${bout.behaviour}${score}` });
    const row = make(
      "button",
      { type: "button", className: "vm-code-row" },
      make("span", { className: "vm-code-what" }, make("span", {}, dot, name, of), mark),
      make("span", { className: "vm-code-number", textContent: format.clock(bout.start, { hasTenths: true }) }),
      length,
      make("span", { className: "vm-code-source", textContent: words[`label_source_${source}`] }),
    );
    row.dataset.at = index;
    row.dataset.source = source;
    if (isModel) {
      row.title = model.warning;
      row.toggleAttribute("data-unlike", model.isUnlike);
    }
    row.style.top = `${index * ROW}px`;
    if (selection.is(bout, isModel)) row.setAttribute("aria-current", "true");
    const item = make("div", { role: "listitem" }, row);
    const choose = () => coding.go(bout, isModel);
    row.addEventListener("click", choose);
    row.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      selection.set(bout, isModel);
      openMenu(event, null);
    });
    return item;
  }
  // "1.80 s", "1 min 14 s", "2.40 s …" of what is on
  function lengthOf(bout, isModel = false) {
    if (isPoint(bout)) return words.label_point;
    const seconds = openings.endOf(bout, isModel ? 0 : player.seconds) - bout.start;
    const text = seconds < 10 ? `${Math.max(0, seconds).toFixed(2)} s` : format.span(seconds);
    return !isModel && openings.isOpen(bout) ? `${text} …` : text;
  }

  function showChosen() {
    const index = rows.findIndex(({ bout, isModel }) => selection.is(bout, isModel));
    if (index >= 0) {
      const at = (rows.length - 1 - index) * ROW;
      const { scrollTop: top, clientHeight: high } = scroller;
      if (at < top || at + ROW > top + high) scroller.scrollTop = at - high / 3;
    }
    draw();
  }

  scroller.addEventListener("scroll", draw, { passive: true });
  for (const filter of [which, whose]) filter.addEventListener("change", refresh);
  store.on("changed", refresh);
  model.on(refresh);
  selection.on(showChosen);
  new ResizeObserver(draw).observe(scroller);
  // The length of what is on grows: no more often than one can read it, and in its place, since of a row that is made
  // anew under a press the click comes to nothing.
  let drawnAt = 0;
  player.on("time", () => {
    if (performance.now() - drawnAt < 500) return;
    drawnAt = performance.now();
    for (const { bout, cell } of growing) cell.textContent = lengthOf(bout);
  });
  return {
    get rows() {
      return rows;
    },
  };
}
