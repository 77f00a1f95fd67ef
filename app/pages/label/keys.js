// What the keys of the page do. A person's own keys, of the ethogram, come first, then the player's, then the page's.

import { isTyping, make } from "../shared/dom.js";
import { fill, words } from "../shared/words.js";

const SHOWN = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Delete: "Delete",
  Escape: "Esc",
};
export const shownKey = (key) => SHOWN[key] ?? key;

// Keys that a button, a link or a list in focus needs for itself.
const OWN_OF_CONTROLS = new Set([" ", "Enter"]);
const OWN_OF_LISTS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

// `commands` and `playerKeys`: { key, words, run, isOfArea }. What `isOfArea` works in the work area alone.
export function startKeys(parts) {
  const { area, store, player, playerKeys, playerKeyOf, commands, coding, timeline, isShown } = parts;
  const pressed = new Map(); // code of a key that is down -> behaviour
  const byKey = new Map(commands.map((one) => [one.key, one]));

  // As it is written on the key: of a layout that needs AltGr for a bracket, the bracket; with Caps Lock as without.
  function keyOf(event) {
    const { key } = event;
    if (key.length !== 1 || !event.getModifierState?.("CapsLock")) return key;
    return key === key.toLowerCase() ? key.toUpperCase() : key.toLowerCase();
  }
  const ofEthogram = (key) => store.ethogram.find((one) => one.key && one.key === key);
  const isPlain = (event) => event.getModifierState?.("AltGraph") || !(event.ctrlKey || event.metaKey || event.altKey);

  function withControl(event) {
    const key = event.key.toLowerCase();
    if (event.altKey || event.getModifierState?.("AltGraph")) return null;
    if (key === "z") return event.shiftKey ? store.redo : store.undo;
    return key === "y" ? store.redo : null;
  }
  function isLeftAlone(event) {
    const { target } = event;
    if (event.defaultPrevented || event.isComposing || !isShown() || !target.closest) return true;
    if (isTyping(target) || target.closest("dialog, [role=menu], [role=slider]")) return true;
    if (OWN_OF_LISTS.has(event.key) && target.closest(".vm-code-rows")) return true;
    return OWN_OF_CONTROLS.has(event.key) && target.closest("button, a, summary, [role=button]") !== null;
  }

  document.addEventListener("keydown", (event) => {
    if (isLeftAlone(event)) return;
    if ((event.ctrlKey || event.metaKey) && !event.getModifierState?.("AltGraph")) {
      const step = withControl(event);
      if (!step) return;
      event.preventDefault();
      step();
      return;
    }
    if (event.altKey && !event.getModifierState?.("AltGraph")) {
      const meant = ofEthogram(keyOf(event)) ?? ofEthogram(letterOf(event.code));
      if (!meant) return;
      event.preventDefault();
      timeline.expect(event);
      coding.reclassify(meant.name);
      return;
    }
    if (!isPlain(event)) return;
    const key = keyOf(event);
    const behaviour = ofEthogram(key);
    if (behaviour) {
      event.preventDefault();
      if (event.repeat) return; // held, not pressed again
      pressed.set(event.code, behaviour.name);
      timeline.expect(event);
      coding.toggle(behaviour.name);
      return;
    }
    const ofPlayer = playerKeyOf(event);
    const ofPage = byKey.get(event.shiftKey && byKey.has(`Shift+${key}`) ? `Shift+${key}` : key);
    const wanted = ofPlayer ?? ofPage;
    if (!wanted || (wanted.isOfArea && !isInArea())) return;
    if (event.repeat && !ofPlayer && !wanted.mayRepeat) return;
    event.preventDefault();
    timeline.expect(event);
    wanted.run(player);
  });
  // In the work area itself, not in what stands in it: there Tab goes on as everywhere.
  const isInArea = () => document.activeElement === area;

  document.addEventListener("keyup", (event) => {
    const name = pressed.get(event.code);
    pressed.delete(event.code);
    if (name) coding.release(name);
  });
  window.addEventListener("blur", () => {
    pressed.clear();
    coding.releaseAll();
  });

  // All keys in a table: those of behaviours, the player's and the page's, and which of these a behaviour has taken.
  return function listKeys() {
    const own = store.ethogram.filter(({ key }) => key).map(({ key, name, colour }) => ({ key, words: name, colour }));
    return [
      section(words.label_keys_own, own, own.length ? words.label_keys_own_hint : words.label_keys_none),
      section(words.label_keys_page, [...commands.filter((one) => one.words), ...WITH_CONTROL()]),
      section(words.label_keys_player, united(playerKeys)),
    ];
  };
  function section(title, keys, hint = "") {
    const rows = keys.map(({ key, keys: more, words: says, colour }) => {
      const taken = colour ? null : ofEthogram(key);
      const dot = make("i", { className: "vm-dot", hidden: !colour });
      dot.style.background = colour ?? "";
      const text = taken ? fill("label_key_taken", { words: says, behaviour: taken.name }) : says;
      const shown = (more ?? [key]).flatMap((one, index) => [
        index ? " " : "",
        make("kbd", { textContent: shownKey(one) }),
      ]);
      const row = make("tr", {}, make("th", { scope: "row" }, ...shown), make("td", {}, dot, text));
      if (taken) row.dataset.taken = "";
      return row;
    });
    const table = make("table", {}, make("caption", { textContent: title }), make("tbody", {}, ...rows));
    return make("section", {}, table, ...(hint ? [make("p", { className: "vm-aside", textContent: hint })] : []));
  }
}
// Keys that do alike things in one row.
function united(keys) {
  const rows = [];
  for (const { key, isShifted, words: says } of keys) {
    const shown = isShifted ? `Shift ${shownKey(key)}` : key;
    if (rows.at(-1)?.words === says) rows.at(-1).keys.push(shown);
    else rows.push({ key, keys: [shown], words: says });
  }
  return rows;
}
const WITH_CONTROL = () => [
  { keys: ["Ctrl Z"], words: words.label_undo },
  { keys: ["Ctrl Shift Z", "Ctrl Y"], words: words.label_redo },
];
// "KeyQ" -> "q": where Alt makes another character of a letter
const letterOf = (code) => (/^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : code.replace(/^Digit/, ""));
