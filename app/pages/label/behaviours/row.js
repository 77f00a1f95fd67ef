// One behaviour in the ethogram editor: its controls, and below them what is asked or refused about it.

import { make } from "../../shared/dom.js";
import { fill, words } from "../../shared/words.js";
import { makeAlert, makeButton, makeField, makeInput, makeSelect, sayIn } from "../dialog.js";
import { areAlike, poorContrast } from "./colours.js";
import { readKey, shownKey, usesOf } from "./keys.js";

const OTHER = "\0"; // the option "another axis", which no axis is called
export const bouts = (num) => (num === 1 ? words.eth_bout : fill("eth_bouts_number", { num }));

// `send(edit, fields)` has it done; `view` is the whole ethogram. Where a row is opened to ask something, `open` says what:
// then it is asked anew whenever all is drawn again.
export function makeRow(behaviour, { view, index, open, refusal, send, setOpen }) {
  const { name, colour, key, kind, axis, description, num_bouts: numBouts } = behaviour;
  const row = make("li", { className: "vm-eth-row" });
  row.dataset.behaviour = name;
  const below = make("div", { className: "vm-eth-below" });
  const alert = makeAlert();
  // By its field a control is found again, and gets the focus back, when all is drawn anew.
  const mark = (element, field, label) => {
    element.dataset.focus = `${name}\n${field}`;
    if (label) element.setAttribute("aria-label", label);
    return element;
  };
  const markQuestion = (element) => {
    element.dataset.question = "";
    return mark(element, "question");
  };

  // Order
  const grip = make("span", { className: "vm-eth-grip", textContent: "⠿", title: words.eth_drag, draggable: true });
  grip.setAttribute("aria-hidden", "true");
  // By steps from where it is when its turn comes: who presses twice moves it by two. Not `disabled` at an end, which
  // would take the focus from who presses.
  const makeMove = (sign, field, step, isAtEnd) => {
    const button = makeButton(sign, () => {
      if (!isAtEnd) send("move", { name }, { step });
    });
    button.ariaDisabled = String(isAtEnd);
    return mark(button, field, fill(`eth_${field}`, { name }));
  };
  const up = makeMove("↑", "up", -1, index === 0);
  const down = makeMove("↓", "down", 1, index === view.behaviours.length - 1);
  const order = make("span", { className: "vm-eth-order" }, grip, up, down);

  // Colour
  const swatch = mark(
    makeButton("", () => setOpen(open === "colour" ? "" : "colour"), "vm-eth-swatch"),
    "colour",
    fill("eth_colour_of", { name }),
  );
  swatch.style.setProperty("--swatch", colour);
  swatch.ariaExpanded = String(open === "colour");

  // Name and description
  const nameInput = mark(makeInput({ defaultValue: name, maxLength: 100 }), "name", fill("eth_name_of", { name }));
  onChanged(nameInput, name, (text) => send("rename", { name, new_name: text }));
  const text = mark(
    makeInput({ defaultValue: description, maxLength: 2000, placeholder: words.eth_description }),
    "description",
    fill("eth_description_of", { name }),
  );
  text.className = "vm-eth-text";
  onChanged(text, description, (value) => send("change", { name, description: value }));

  const keyButton = mark(
    makeButton(shownKey(key), () => setOpen("key"), "vm-eth-key"),
    "key",
    fill("eth_key_of", { name, key: shownKey(key) }),
  );
  if (open === "key") listenForKey(keyButton);

  // Kind and axis
  const kindSelect = mark(
    makeSelect(
      [
        ["state", words.eth_state],
        ["point", words.eth_point],
      ],
      kind,
    ),
    "kind",
    fill("eth_kind_of", { name }),
  );
  kindSelect.addEventListener("change", () => send("change", { name, kind: kindSelect.value }));
  const axisSelect = mark(
    makeSelect([...view.axes.map((one) => [one, one]), [OTHER, words.eth_axis_other]], axis),
    "axis",
    fill("eth_axis_of", { name }),
  );
  axisSelect.addEventListener("change", () => {
    if (axisSelect.value === OTHER) setOpen("axis");
    else send("change", { name, axis: axisSelect.value });
  });

  const count = make("span", { className: "vm-eth-count", textContent: numBouts ? bouts(numBouts) : "" });
  const remove = mark(
    makeButton("×", () => (numBouts ? setOpen("delete") : send("delete", { name, num_bouts: 0 })), "vm-eth-delete"),
    "delete",
    fill("eth_delete", { name }),
  );
  row.append(order, swatch, nameInput, keyButton, kindSelect, axisSelect, count, remove, text, below);
  fillBelow();
  return { row, grip };

  function fillBelow() {
    if (open === "colour") below.append(palette());
    if (open === "axis") below.append(axisQuestion());
    if (open === "delete") below.append(deleteQuestion());
    if (open?.clash) below.append(clashQuestion(open.clash));
    sayIn(alert, refusal);
    below.append(alert);
  }

  // A key is recorded by pressing it, until the focus goes elsewhere.
  function listenForKey(button) {
    button.textContent = words.eth_key_press;
    button.classList.add("vm-eth-listening");
    const hint = make("p", { className: "vm-aside", textContent: fill("eth_key_hint", { name }) });
    hint.role = "status";
    below.append(hint);
    let isListening = true;
    button.addEventListener("keydown", (event) => {
      if (event.key === "Tab" || !isListening) return;
      event.preventDefault();
      if (event.key === "Escape") setOpen("");
      else if (["Delete", "Backspace"].includes(event.key)) takeKey("");
      else {
        const pressed = readKey(event);
        if (pressed.refused) sayIn(alert, pressed.refused);
        else if (pressed.key) takeKey(pressed.key);
      }
    });
    // Else the key that opened it would press it again when it comes up.
    button.addEventListener("keyup", (event) => isListening && event.preventDefault());
    // In place: were all drawn anew, the click that took the focus away would find nothing to press.
    button.addEventListener("blur", () => {
      isListening = false;
      button.textContent = shownKey(key);
      button.classList.remove("vm-eth-listening");
      hint.remove();
      setOpen("", { isDrawn: false });
    });
  }
  function takeKey(pressed) {
    if (pressed === key) {
      setOpen("");
      return;
    }
    const other = view.behaviours.find((one) => one.key && one.key === pressed);
    if (other) setOpen({ clash: { pressed, other: other.name } });
    else sendKey(pressed);
  }
  function sendKey(pressed, fields = {}) {
    const what = pressed ? usesOf(pressed).join(", ") : "";
    const notice = what && fill("eth_key_over", { key: shownKey(pressed), what, name });
    send("key", { name, key: pressed, ...fields }, { notice });
  }
  function clashQuestion({ pressed, other }) {
    const question = make("p", { textContent: fill("eth_key_clash", { key: shownKey(pressed), other }) });
    question.role = "alert";
    const take = makeButton(fill("eth_key_take", { other }), () => sendKey(pressed, { take: true }));
    return asked(
      question,
      markQuestion(take),
      mark(
        makeButton(words.eth_key_keep, () => setOpen("")),
        "leave",
      ),
    );
  }
  function deleteQuestion() {
    const count = bouts(numBouts);
    const question = make("p", { textContent: fill("eth_delete_sure", { count, name }) });
    question.role = "alert";
    const keep = makeButton(words.eth_delete_no, () => setOpen(""));
    const yes = makeButton(
      fill("eth_delete_yes", { count }),
      () => send("delete", { name, num_bouts: numBouts }),
      "vm-bad",
    );
    return asked(question, mark(yes, "yes"), markQuestion(keep));
  }
  function axisQuestion() {
    const input = markQuestion(makeInput({ maxLength: 100 }));
    const put = () => input.value.trim() && send("change", { name, axis: input.value.trim() });
    onEnter(input, put);
    const field = makeField(fill("eth_axis_new", { name }), input);
    return asked(
      field,
      mark(makeButton(words.eth_axis_move, put), "put"),
      mark(
        makeButton(words.eth_key_keep, () => setOpen("")),
        "leave",
      ),
    );
  }
  function asked(...parts) {
    return make("div", { className: "vm-eth-asked" }, ...parts);
  }
  function palette() {
    const swatches = view.palette.map((one) => {
      const users = view.behaviours.filter((other) => other.colour === one && other.name !== name).map((x) => x.name);
      const label = users.length
        ? fill("eth_colour_swatch_used", { colour: one, names: users.join(", ") })
        : fill("eth_colour_swatch", { colour: one });
      const button = mark(
        makeButton("", () => send("change", { name, colour: one }), "vm-eth-swatch"),
        `colour ${one}`,
        label,
      );
      button.style.setProperty("--swatch", one);
      button.title = label;
      button.ariaPressed = String(one === colour);
      if (users.length) button.classList.add("vm-used");
      return button;
    });
    const own = make("input", { type: "color", value: colour });
    own.addEventListener("change", () => own.value !== colour && send("change", { name, colour: own.value }));
    const group = make("div", { className: "vm-eth-swatches" }, ...swatches);
    group.role = "group";
    group.setAttribute("aria-label", words.eth_palette);
    const field = makeField(words.eth_colour_own, mark(own, "own colour"));
    field.classList.add("vm-eth-own");
    return make("div", { className: "vm-eth-colours" }, group, field);
  }
}

// Sentences about the colours of behaviours: hard to see, or hard to tell apart. Those of the palette are meant so.
export function colourWarnings({ behaviours, palette }) {
  const sentences = [];
  const own = behaviours.filter((one) => !palette.includes(one.colour));
  for (const { name, colour } of own) {
    const { light, dark } = poorContrast(colour);
    if (light) sentences.push(fill("eth_colour_poor_light", { name, ratio: light.toFixed(1) }));
    if (dark) sentences.push(fill("eth_colour_poor_dark", { name, ratio: dark.toFixed(1) }));
    const other = behaviours.find((one) => one.name !== name && areAlike(one.colour, colour));
    if (other) sentences.push(fill("eth_colour_alike", { name, other: other.name }));
  }
  return sentences;
}

// What was typed is taken when it is left or Enter is pressed; Escape puts back what was there.
export function onChanged(input, before, take) {
  let last = before;
  const commit = () => {
    const value = input.value.trim();
    if (value === before) input.value = before;
    if (value === last) return;
    last = value;
    input.defaultValue = input.value; // it is no text any more that is being typed
    take(value);
  };
  input.addEventListener("change", commit);
  // A text that was put back when all was drawn anew is no change to a browser: not when it is left, nor with Enter.
  input.addEventListener("blur", commit);
  onEnter(input, commit);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && input.value !== before) {
      event.preventDefault(); // not the dialog's
      input.value = before;
    }
  });
}
export function onEnter(input, take) {
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return; // that one chooses a character
    event.preventDefault();
    take();
  });
}
