// The ethogram editor: every change is an edit of the project, sent one after the other, and what is shown is what the
// server answers.

import { fetchJson, post } from "../../shared/ask.js";
import { make } from "../../shared/dom.js";
import { fill, words } from "../../shared/words.js";
import {
  capital,
  makeAlert,
  makeButton,
  makeDialog,
  makeField,
  makeInput,
  makeSaid,
  makeSelect,
  sayIn,
} from "../dialog.js";
import { store } from "../editing/store.js";
import { freeKey } from "./keys.js";
import { colourWarnings, makeRow, onChanged, onEnter } from "./row.js";

let editor = null;

export function openEthogramEditor() {
  editor ??= makeEditor();
  editor.open();
}

function makeEditor() {
  const dialog = makeDialog({ title: words.eth_title, className: "vm-eth" });
  const trouble = makeAlert();
  const intro = make("p", { className: "vm-empty", textContent: words.eth_empty });
  const hint = make("p", { className: "vm-aside", textContent: words.eth_hint });
  const presets = make("div", { className: "vm-eth-presets" });
  const titles = make(
    "div",
    { className: "vm-eth-titles" },
    ...["", "", "eth_name", "eth_key", "eth_kind", "eth_axis", "eth_bouts"].map((key) =>
      make("span", { textContent: words[key] ?? "" }),
    ),
  );
  titles.setAttribute("aria-hidden", "true");
  const list = make("ol", { className: "vm-eth-list" });
  list.setAttribute("aria-label", words.eth_list);
  const adding = make("div", { className: "vm-eth-adding" });
  const warnings = make("ul", { className: "vm-eth-warnings" });
  const axes = make("section", { className: "vm-eth-axes" });
  const said = makeSaid();
  dialog.body.append(trouble, hint, presets, intro, titles, list, adding, warnings, axes);
  dialog.foot.append(
    said.element,
    makeButton(words.dialog_done, () => dialog.close(), "vm-primary"),
  );

  let view = null; // as the server said last
  let asked = {}; // name -> what its row is open for
  let refusals = {}; // name of a behaviour, or "axis " and the name of one, "add", "preset", "undo" -> a sentence
  let line = Promise.resolve(); // one edit at a time: each is made on the revision that the one before gave
  let numWaiting = 0; // edits in it
  const renamed = new Map(); // old name -> new one, of what may have been pressed under its old one
  let isPressed = false; // what is pressed is not drawn anew: its click would come to nothing
  let isDue = false;
  let isDrawing = false;
  let hasAsked = false; // a question was opened just now: it gets the focus

  function open() {
    asked = {};
    refusals = {};
    said.say("");
    dialog.open();
    line = line.then(load);
  }
  async function load() {
    const answer = await fetchJson("label/ethogram");
    sayIn(trouble, answer.error);
    if (answer.error) return;
    view = answer;
    draw();
  }

  // Has one edit done. `at` is where its refusal is said, `notice` a sentence to be said with what was done, `step` by how
  // much a behaviour moves.
  function send(edit, fields, { at = fields.name, notice = "", step = 0 } = {}) {
    if (isDrawing) return line; // what is taken away to be drawn anew loses the focus, and nobody left it
    numWaiting += 1;
    line = line.then(async () => {
      numWaiting -= 1;
      asked = {};
      refusals = {};
      const about = { revision: view.revision, author: store.author ?? "" };
      const name = edit === "add" ? fields.name : (renamed.get(fields.name) ?? fields.name);
      const to = step ? view.behaviours.findIndex((one) => one.name === name) + step : fields.to;
      const answer = await post(`label/ethogram/${edit}`, { ...about, ...fields, name, to });
      if (answer.error) {
        refusals = { [renamed.get(at) ?? at]: answer.error };
        await load(); // somebody else may have changed it
        return;
      }
      if (edit === "rename") renamed.set(fields.name, fields.new_name);
      view = answer;
      if (answer.words) {
        const isUndo = edit === "undo";
        said.say(`${capital(answer.words)}. ${notice}`, isUndo ? null : () => undo(answer.edit));
      }
      store.apply();
      draw();
    });
    return line;
  }
  async function undo(edit) {
    await send("undo", { edit }, { at: "undo" });
    if (refusals.undo) said.say(refusals.undo);
  }

  // All anew, with the focus where it was and what is being typed kept.
  function draw() {
    isDue = isPressed;
    if (isDue) return;
    const typed = keepTyped();
    isDrawing = true;
    if (!numWaiting) renamed.clear();
    intro.hidden = view.behaviours.length > 0;
    titles.hidden = !intro.hidden;
    drawPresets();
    list.replaceChildren(...view.behaviours.map(drawRow));
    drawAdding();
    warnings.replaceChildren(...colourWarnings(view).map((textContent) => make("li", { textContent })));
    drawAxes();
    isDrawing = false;
    putBack(typed);
  }
  dialog.element.addEventListener("pointerdown", () => {
    isPressed = true;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, () => {
      isPressed = false;
      setTimeout(() => isDue && draw()); // after the click
    });
  }
  function drawRow(behaviour, index) {
    const { name } = behaviour;
    const setOpen = (what, { isDrawn = true } = {}) => {
      if (isDrawing) return; // as in `send`
      asked = what ? { [name]: what } : {};
      hasAsked = ["axis", "delete"].includes(what) || Boolean(what?.clash);
      if (!isDrawn) return;
      refusals = {};
      draw();
    };
    const about = { view, index, open: asked[name], refusal: refusals[name], send, setOpen };
    const { row, grip } = makeRow(behaviour, about);
    letDrag(row, grip, name, index);
    return row;
  }
  function keepTyped() {
    const active = document.activeElement;
    const focus = dialog.element.contains(active) ? active.dataset.focus : undefined;
    if (focus === undefined) return null;
    const [of, field] = focus.split("\n");
    const isTyping = active.matches("input[type=text]") && active.value !== active.defaultValue;
    return {
      focus: `${renamed.get(of) ?? of}\n${field}`,
      value: isTyping ? active.value : null,
      place: [active.selectionStart, active.selectionEnd],
    };
  }
  function putBack(typed) {
    const controls = [...dialog.element.querySelectorAll("[data-focus]")];
    const question = controls.find((one) => "question" in one.dataset);
    const before = controls.find((one) => one.dataset.focus === typed?.focus);
    const control = hasAsked ? question : (before ?? question);
    control?.focus({ preventScroll: !hasAsked });
    hasAsked = false;
    if (!control || control !== before || typed.value === null) return;
    control.value = typed.value;
    control.setSelectionRange(...typed.place);
  }

  function drawPresets() {
    const options = view.presets.map(({ name, num, num_new: numNew }) => {
      const key = numNew === num ? "eth_preset_option" : numNew ? "eth_preset_option_some" : "eth_preset_option_none";
      return [name, fill(key, { name, num, num_new: numNew })];
    });
    const select = makeSelect(options, presetShown() ?? options[0][0]);
    select.dataset.focus = "preset\nselect";
    const add = makeButton(words.eth_preset_add, () => send("preset", { preset: select.value }, { at: "preset" }));
    add.dataset.focus = "preset\nadd";
    const allow = () => {
      add.disabled = !view.presets.find((one) => one.name === select.value).num_new;
    };
    select.addEventListener("change", allow);
    allow();
    const alert = makeAlert();
    sayIn(alert, refusals.preset);
    presets.replaceChildren(makeField(words.eth_preset, select), add, alert);
  }
  const presetShown = () => presets.querySelector("select")?.value;

  function drawAdding() {
    const name = makeInput({ maxLength: 100, placeholder: words.eth_add });
    name.setAttribute("aria-label", words.eth_add_name);
    name.dataset.focus = "\nadd";
    const last = view.behaviours.at(-1);
    const options = view.axes.map((one) => [one, one]);
    const axis = makeSelect(options, adding.querySelector(".vm-eth-add-axis")?.value ?? last?.axis);
    if (!axis.value && options.length) axis.value = last.axis;
    axis.className = "vm-eth-add-axis";
    axis.setAttribute("aria-label", words.eth_axis);
    axis.hidden = options.length < 2;
    const kind = makeSelect(
      [
        ["state", words.eth_state],
        ["point", words.eth_point],
      ],
      adding.querySelector(".vm-eth-add-kind")?.value ?? "state",
    );
    kind.className = "vm-eth-add-kind";
    kind.setAttribute("aria-label", words.eth_kind);
    const add = () => {
      const text = name.value.trim();
      if (!text) {
        name.focus();
        return;
      }
      const fields = { name: text, kind: kind.value, key: freeKey(text, view.behaviours) };
      if (axis.value) fields.axis = axis.value;
      name.defaultValue = name.value; // it is sent
      send("add", fields, { at: "add" }).then(() => {
        const input = adding.querySelector("input");
        if (refusals.add) input.value = text;
        input.focus();
      });
    };
    onEnter(name, add);
    const button = makeButton(words.eth_add_button, add);
    button.dataset.focus = "\nadd button";
    const alert = makeAlert();
    sayIn(alert, refusals.add);
    adding.replaceChildren(name, kind, axis, button, alert);
  }

  function drawAxes() {
    axes.hidden = !view.axes.length;
    const inputs = view.axes.map((axis) => {
      const num = view.behaviours.filter((one) => one.axis === axis).length;
      const input = makeInput({ defaultValue: axis, maxLength: 100 });
      input.setAttribute("aria-label", fill("eth_axis_name", { axis }));
      input.dataset.focus = `\naxis ${axis}`;
      onChanged(input, axis, (text) => send("rename_axis", { axis, new_axis: text }, { at: `axis ${axis}` }));
      const alert = makeAlert();
      sayIn(alert, refusals[`axis ${axis}`]);
      return make("li", {}, input, make("span", { className: "vm-aside", textContent: num }), alert);
    });
    axes.replaceChildren(
      make("h3", { textContent: words.eth_axes }),
      make("p", { className: "vm-aside", textContent: words.eth_axes_hint }),
      make("ul", {}, ...inputs),
    );
  }

  // A row is dragged by its grip; the buttons beside it do the same.
  let dragged = null;
  function letDrag(row, grip, name, index) {
    grip.addEventListener("dragstart", (event) => {
      dragged = { name, index };
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", name);
      event.dataTransfer.setDragImage(row, 12, 12);
      row.classList.add("vm-dragged");
    });
    grip.addEventListener("dragend", () => {
      dragged = null;
      for (const one of list.children) one.classList.remove("vm-dragged", "vm-before", "vm-after");
    });
    const isAbove = (event) => {
      const box = row.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    };
    row.addEventListener("dragover", (event) => {
      if (!dragged) return;
      event.preventDefault();
      for (const one of list.children) one.classList.remove("vm-before", "vm-after");
      row.classList.add(isAbove(event) ? "vm-before" : "vm-after");
    });
    row.addEventListener("drop", (event) => {
      if (!dragged) return;
      event.preventDefault();
      event.stopPropagation();
      const place = index + (isAbove(event) ? 0 : 1);
      const to = place > dragged.index ? place - 1 : place; // without itself
      if (to !== dragged.index) send("move", { name: dragged.name, to });
    });
  }

  return { open };
}
