// The models of the project: shown, compared, renamed, deleted.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { card, cell, headCell, rowHead, score, whenWords } from "./pieces.js";

// `show(model)`: another one is looked at; `act(what, values)`: "rename" or "delete", gives back whether it was done.
export function makeModels(element, { show, act }) {
  const body = element.querySelector("tbody");
  let models = [];
  let shown = "";
  let asked = null; // what is asked about the model on view: "rename" or "delete"
  let drawn = "";

  function draw(next, chosen) {
    models = next;
    if (chosen !== shown) asked = null;
    shown = chosen;
    element.hidden = !models.length;
    const text = JSON.stringify([models, shown, asked]);
    if (text === drawn) return;
    drawn = text;
    const held = document.activeElement;
    const focus = body.contains(held) ? held.dataset : {};
    body.replaceChildren(...models.flatMap((one) => (one.model === shown ? [rowOf(one), actsRow(one)] : [rowOf(one)])));
    if (focus.show) body.querySelector(`[data-show="${CSS.escape(focus.show)}"]`)?.focus();
    else if (focus.act) body.querySelector(`[data-act="${focus.act}"]`)?.focus();
  }
  function redraw() {
    draw(models, shown);
  }

  function rowOf(one) {
    const button = make("button", {
      type: "button",
      textContent: one.title,
      title: fill("teach_show", { name: one.title }),
    });
    button.dataset.show = one.model;
    if (one.model === shown) button.setAttribute("aria-current", "true");
    const labels = one.labelled_seconds ? format.span(one.labelled_seconds) : "–";
    return make(
      "tr",
      { className: one.model === shown ? "vm-teach-chosen" : "" },
      rowHead(button, make("small", { textContent: whenWords(one.taught_at) })),
      cell(score(one.macro_f1), { className: "vm-number" }),
      cell(labels, { className: "vm-number" }),
    );
  }
  function button(key, what, properties = {}) {
    const made = make("button", { type: "button", textContent: words[key], ...properties });
    made.dataset.act = what;
    return made;
  }
  function actsRow(one) {
    const content = { rename: renameForm, delete: deleteQuestion }[asked]?.(one) ?? plainActs();
    return make("tr", { className: "vm-teach-model-acts" }, make("td", { colSpan: 3 }, ...content));
  }
  const plainActs = () => [
    make("span", { className: "vm-teach-buttons" }, button("teach_rename", "rename"), button("teach_delete", "delete")),
  ];
  function renameForm(one) {
    const input = make("input", { type: "text", value: one.title, maxLength: 60 });
    input.setAttribute("aria-label", fill("teach_rename_to", { name: one.title }));
    const form = make(
      "form",
      {},
      input,
      button("teach_rename_yes", "rename-sure", { type: "submit" }),
      button("teach_keep", "keep"),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await act("rename", { model: one.model, title: input.value })) asked = null;
      redraw();
    });
    return [form];
  }
  const deleteQuestion = (one) => [
    make("p", { textContent: fill("teach_delete_sure", { name: one.title }) }),
    make(
      "span",
      { className: "vm-teach-buttons" },
      button("teach_delete_yes", "delete-sure", { className: "vm-teach-bad" }),
      button("teach_keep", "keep"),
    ),
  ];

  function ask(what) {
    asked = what;
    redraw();
    if (what === "rename") body.querySelector("form input")?.select();
    else body.querySelector(what ? "[data-act=keep]" : "[data-act=rename]")?.focus();
  }
  body.addEventListener("click", async (event) => {
    const { show: wanted, act: what } = event.target.closest("button")?.dataset ?? {};
    if (wanted) show(wanted);
    if (what === "rename" || what === "delete") ask(what);
    if (what === "keep") ask(null);
    if (what === "delete-sure") {
      asked = null;
      await act("delete", { model: shown });
      redraw();
    }
  });
  body.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && asked) ask(null);
  });
  return { draw };
}

// A choice of another model, and the two side by side; `choose(model)`: "" is no other.
export function compareCard(models, first, second, choose) {
  const others = models.filter((one) => one.model !== first.model.model);
  const select = make(
    "select",
    {},
    new Option(words.teach_compare_none, ""),
    ...others.map((one) => new Option(one.title, one.model)),
  );
  select.value = second?.model.model ?? "";
  select.addEventListener("change", () => choose(select.value));
  const label = make(
    "label",
    { className: "vm-teach-field" },
    make("span", { textContent: words.teach_compare }),
    select,
  );
  const title = second
    ? fill("teach_compared", { first: first.model.title, second: second.model.title })
    : words.teach_compare;
  const made = card("compare", title, second ? words.teach_compared_hint : "", label);
  if (second) made.append(compareTable(first, second));
  return made;
}
function compareTable(first, second) {
  const heads = ["", first.model.title, second.model.title, words.teach_difference];
  const rows = [];
  const row = (name, one, other, className = "") => {
    const both = one !== null && one !== undefined && other !== null && other !== undefined;
    const difference = both ? format.signed(one - other) : "–";
    const cells = [score(one), score(other), difference].map((text) => cell(text, { className: "vm-number" }));
    rows.push(make("tr", { className }, rowHead(name), ...cells));
  };
  for (const axis of first.axes) {
    const beside = second.axes.find((one) => one.name === axis.name);
    row(first.axes.length > 1 ? axis.name : words.teach_score, axis.f1, beside?.f1, "vm-teach-chosen");
    for (const { name, f1 } of axis.classes) row(name, f1, beside?.classes.find((one) => one.name === name)?.f1);
  }
  const seconds = [first, second].map(({ model }) =>
    model.labelled_seconds ? format.span(model.labelled_seconds) : "–",
  );
  rows.push(
    make(
      "tr",
      { className: "vm-teach-dim" },
      rowHead(words.teach_labels),
      ...[...seconds, ""].map((text) => cell(text, { className: "vm-number" })),
    ),
  );
  const head = make("tr", {}, make("td"), ...heads.slice(1).map((text) => headCell(text, { className: "vm-number" })));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}
