// What the keys of the page do, and the buttons that show them. A person's own keys, of the ethogram, come first.

import { isTyping, isViewShown, make } from "../shared/dom.js";
import { playerKeyOf } from "../shared/video/player.js";
import { fill, words } from "../shared/words.js";
import { VIEW } from "./state.js";

const OWN_OF_CONTROLS = new Set([" ", "Enter"]); // a button in focus needs them for itself

export function makeKeys(element, { review, player, deciding, area, leave }) {
  const find = (selector) => element.querySelector(selector);
  const [acts, moves] = [".vm-review-acts", ".vm-review-moves"].map(find);

  // `isBlind`, `isAlike`: also while spans are gone over that are shown blindly, or are alike. `group`: 0 for what it is,
  // 1 for edges and steps.
  const commands = [
    {
      key: "x",
      name: "none",
      group: 0,
      isBlind: true,
      isAlike: true,
      words: words.review_none_of_these,
      run: deciding.sayNone,
    },
    {
      key: "n",
      name: "untold",
      group: 0,
      isBlind: true,
      isAlike: true,
      words: words.review_untold,
      run: deciding.sayUntold,
    },
    {
      key: "[",
      group: 1,
      isBlind: true,
      isAlike: true,
      words: words.review_start,
      run: () => deciding.edgeHere("start"),
    },
    { key: "]", group: 1, isBlind: true, isAlike: true, words: words.review_end, run: () => deciding.edgeHere("end") },
    { key: "{", isAlike: true, group: 1, words: words.review_start_earlier, run: () => deciding.shiftEdge("start") },
    { key: "}", isAlike: true, group: 1, words: words.review_end_later, run: () => deciding.shiftEdge("end") },
    {
      key: "ArrowUp",
      isAlike: true,
      shown: "↑",
      name: "previous",
      group: 1,
      words: words.review_previous,
      run: () => deciding.step(-1),
    },
    {
      key: "ArrowDown",
      isAlike: true,
      shown: "↓",
      name: "next",
      group: 1,
      words: words.review_next,
      run: () => deciding.step(1),
    },
    { key: "M", shown: "Shift M", name: "alike", group: 0, words: words.review_alike, run: deciding.beginAlike },
    { key: "u", name: "undo", group: 1, isBlind: true, isAlike: true, words: words.review_undo, run: deciding.undo },
  ];
  const hidden = [
    { key: "Tab", isAlike: true, isOfArea: true, run: () => deciding.step(1) },
    { key: "Shift+Tab", isAlike: true, isOfArea: true, run: () => deciding.step(-1) },
    { key: "Enter", run: deciding.confirm },
    { key: "Escape", isBlind: true, isAlike: true, run: leave },
  ];
  const states = () => (review.answer?.behaviours ?? []).filter((one) => one.is_state && one.is_known);
  const ofEthogram = (key) => states().find((one) => one.key && one.key === key);
  // Letters count with and without Shift, as far as no behaviour has them.
  function commandOf(event) {
    const { key, shiftKey } = event;
    if (shiftKey && key.startsWith("Arrow")) return undefined; // which move a picture that is zoomed
    const all = [...commands, ...hidden];
    const named = shiftKey && key === "Tab" ? "Shift+Tab" : key;
    return (
      all.find((one) => one.key === named) ?? (key.length === 1 && all.find((one) => one.key === key.toLowerCase()))
    );
  }

  const isOn = (command) => !review.walk || Boolean(review.walk.isBlind ? command.isBlind : command.isAlike);

  function isLeftAlone(event) {
    const { target } = event;
    if (event.defaultPrevented || event.isComposing || !isViewShown(VIEW) || !target.closest) return true;
    if (isTyping(target) || target.closest("dialog, [role=menu], summary")) return true;
    const isButton = target.closest("button, a") !== null;
    return OWN_OF_CONTROLS.has(event.key) && isButton;
  }
  document.addEventListener("keydown", (event) => {
    if (isLeftAlone(event)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) {
      event.preventDefault();
      deciding.undo();
      return;
    }
    const isAltGr = event.getModifierState?.("AltGraph");
    if (!isAltGr && (event.ctrlKey || event.metaKey || event.altKey)) return;
    const behaviour = ofEthogram(event.key);
    if (behaviour) {
      event.preventDefault();
      if (!event.repeat) deciding.say(behaviour.name);
      return;
    }
    const command = commandOf(event);
    const isOff = command && ((command.isOfArea && document.activeElement !== area) || !isOn(command));
    const wanted = command && !isOff ? command : playerKeyOf(event);
    if (!wanted || (isOff && event.key === "Tab")) return;
    event.preventDefault();
    if (event.repeat && wanted === command && !event.key.startsWith("Arrow")) return;
    wanted.run(player);
  });

  function button({ shown = "", colour = "", words: says, run, name = "", isMain = false, title = "" }) {
    const made = make("button", { type: "button", title });
    if (shown) made.append(make("kbd", { textContent: shown }));
    if (colour) {
      const dot = make("i", { className: "vm-dot" });
      dot.style.background = colour;
      made.append(dot);
    }
    made.append(make("span", { textContent: says }));
    made.classList.toggle("vm-primary", isMain);
    if (name) made.dataset.act = name;
    made.addEventListener("click", ({ detail }) => {
      run(player);
      if (detail) area.focus({ preventScroll: true }); // whoever clicks goes on by keys
    });
    return made;
  }
  const shownKey = ({ key, shown }) => shown ?? (key.length === 1 ? key.toUpperCase() : key);
  function buttonOf(command) {
    const taken = ofEthogram(command.key);
    const says = command.name === "undo" ? undoWords() : command.words;
    const made = button({ ...command, words: says, shown: taken ? `Shift ${shownKey(command)}` : shownKey(command) });
    if (command.name === "undo") made.disabled = !review.undoable;
    return made;
  }
  function undoWords() {
    const step = review.undoable?.words.replace(` in ${review.video}`, "");
    return step ? fill("review_undo_what", { words: step }) : words.review_undo;
  }
  function draw() {
    const { bout, walk } = review;
    const ours = states().map((one) =>
      button({ shown: one.key, colour: one.colour, words: one.name, name: "say", run: () => deciding.say(one.name) }),
    );
    const key = deciding.isOver() ? "review_confirm_over" : "review_confirm";
    const confirm =
      bout && !walk
        ? [button({ shown: "Enter", words: fill(key, bout), name: "confirm", isMain: true, run: deciding.confirm })]
        : [];
    const of = (group) => commands.filter((one) => one.group === group && isOn(one)).map(buttonOf);
    const stop = walk
      ? [button({ shown: "Esc", words: words.review_stop, name: "stop", run: () => deciding.endWalk() })]
      : [];
    acts.replaceChildren(...confirm, ...ours, ...of(0));
    moves.replaceChildren(...of(1), ...stop);
    const isKeyless = states().some((one) => !one.key);
    const keys = [words.review_keys_player, isKeyless ? words.review_no_keys : ""];
    find(".vm-review-keys").textContent = keys.filter(Boolean).join(" ");
  }
  for (const topic of ["answer", "bout", "draft", "walk", "saved"]) review.on(topic, draw);
}
