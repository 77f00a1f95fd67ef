// Buttons, menus and dialogs of the page, and the keys that are its own: each action has several ways to it.

import * as bus from "../shared/bus.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { openEthogramEditor } from "./behaviours/editor.js";
import { makeAlert, makeButton, makeDialog, sayIn } from "./dialog.js";
import { isPoint } from "./editing/edits.js";
import { openExport } from "./exchange/export.js";
import { openImport } from "./exchange/import.js";
import { openMenuAt } from "./menu.js";

export function startActions({ element, area, store, player, openings, selection, coding, tell, refuse, rows }) {
  const button = (name) => element.querySelector(`[data-code=${name}]`);
  const menus = element.querySelector(".vm-code");
  let listKeys = () => [];
  let help = null;
  let note = null;

  const step = (way) => coding.step(rows(), way);
  const shown = (bout) => {
    const time = format.clock(bout.start, { hasTenths: true });
    return isPoint(bout)
      ? time
      : `${time} – ${format.clock(openings.endOf(bout, player.seconds), { hasTenths: true })}`;
  };

  // Menus. Without items: that of the chosen bout.
  function openMenu(place, items, onClosed) {
    const at = "clientX" in place ? { x: place.clientX, y: place.clientY } : below(place);
    if (items) {
      openMenuAt(menus, at, items, { label: words.label_menu_mark, onClosed });
      return;
    }
    const bout = coding.chooseHere();
    if (bout) openMenuAt(menus, at, itemsOf(bout), { label: `${words.label_menu}: ${bout.behaviour}, ${shown(bout)}` });
  }
  function below(node) {
    const { left, bottom } = node.getBoundingClientRect();
    return { x: left, y: bottom + 2 };
  }
  function itemsOf(bout) {
    const { isModel } = selection;
    const others = othersThan(bout);
    const general = [
      { words: words.label_menu_go, run: () => coding.go(bout, isModel) },
      { words: words.label_menu_loop, key: "l", isOff: isPoint(bout), run: () => coding.loop() },
    ];
    if (isModel)
      return [
        { words: words.label_menu_confirm, key: "Enter", run: () => coding.confirm() },
        ...general,
        null,
        ...others,
      ];
    return [
      ...general,
      null,
      { words: words.label_menu_start, key: "[", run: () => coding.edgeHere("start") },
      { words: words.label_menu_end, key: "]", isOff: isPoint(bout), run: () => coding.edgeHere("end") },
      { words: words.label_menu_split, key: "S", isOff: isPoint(bout), run: () => coding.split() },
      { words: words.label_menu_join, key: "J", isOff: isPoint(bout), run: () => coding.join() },
      { words: words.label_menu_note, key: "N", run: openNote },
      { words: words.label_menu_remove, key: "Delete", run: () => coding.remove() },
      null,
      ...others,
    ];
  }
  // What a bout could be as well.
  function othersThan(bout) {
    const isLike = ({ name, kind }) => name !== bout.behaviour && (kind === "point") === isPoint(bout);
    return store.ethogram.filter(isLike).map(({ name, key, colour }) => ({
      words: fill("label_menu_change", { behaviour: name }),
      key: key && `Alt ${key}`,
      colour,
      run: () => coding.reclassify(name),
    }));
  }
  function openReclassify() {
    const bout = coding.chooseHere();
    if (bout) openMenuAt(menus, below(button("more")), othersThan(bout), { label: words.label_key_reclassify });
  }

  // Dialogs.

  function openHelp() {
    help ??= makeDialog({ title: words.label_keys_title, className: "vm-code-help" });
    help.body.replaceChildren(...listKeys());
    help.open();
  }
  function openNote() {
    const bout = coding.chooseHere();
    if (!bout) return;
    if (selection.isModel) {
      refuse(words.label_note_not_yours);
      return;
    }
    note ??= makeNote();
    note.show(bout);
  }
  function makeNote() {
    const dialog = makeDialog({ title: "", className: "vm-dialog-small vm-code-note" });
    const alert = makeAlert();
    const text = make("textarea", { rows: 4, maxLength: 5000 });
    let bout = null;
    const save = () => {
      if (coding.setNote(bout, text.value.trim())) dialog.close();
      else sayIn(alert, words.label_gone); // what was written stays, to be copied
    };
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    });
    text.setAttribute("aria-labelledby", dialog.heading.id);
    dialog.body.append(text, alert);
    dialog.foot.append(makeButton(words.label_note_save, save, "vm-primary"));
    return {
      show(wanted) {
        bout = wanted;
        text.value = bout.comment;
        const of = [bout.behaviour, bout.subject].filter(Boolean).join(", ");
        dialog.heading.textContent = fill("label_note_of", { bout: of, time: shown(bout) });
        sayIn(alert, "");
        dialog.open();
        text.focus();
      },
    };
  }

  // Whom one codes: the next of the animals that were named.
  function nextSubject() {
    const named = [...new Set(["", ...store.bouts.map(({ subject }) => subject)])].sort();
    store.setSubject(named[(named.indexOf(store.subject) + 1) % named.length]);
    tell(`${words.label_subject} ${store.subject || words.label_no_subject}`);
  }
  function leave() {
    if (coding.marking) coding.stopMarking();
    else if (selection.bout) selection.set(null);
    else if (area.contains(document.activeElement)) {
      document.activeElement.blur();
      tell(words.label_said_left);
    }
  }

  const clicks = {
    undo: store.undo,
    redo: store.redo,
    previous: () => step(-1),
    next: () => step(1),
    start: () => coding.edgeHere("start"),
    end: () => coding.edgeHere("end"),
    more: () => openMenu(button("more"), null),
    scored: () => coding.mark("scored"),
    not_scored: () => coding.mark("not scored"),
    help: openHelp,
    edit: openEthogramEditor,
    import: openImport,
    export: openExport,
    loop: () => coding.loop(),
  };
  element.addEventListener("click", (event) => {
    const found = event.target.closest("[data-code]");
    if (found) clicks[found.dataset.code]?.();
  });
  // Whoever clicks a button, or chooses from a list by mouse, goes on coding by keys: Space is to play, and not to press
  // the button again. Who came there by Tab stays.
  let isByMouse = false;
  element.addEventListener("pointerdown", () => {
    isByMouse = true;
  });
  element.addEventListener("keydown", () => {
    isByMouse = false;
  });
  const goOn = ({ target }) => {
    // Of the videos, buttons ask back.
    const isMeant = isByMouse && target.closest("button:not(.vm-chooser button), select") && !target.closest("dialog");
    if (isMeant && !document.querySelector("dialog[open]")) area.focus({ preventScroll: true });
  };
  element.addEventListener("click", (event) => event.target.closest("button") && goOn(event));
  element.addEventListener("change", (event) => event.target.closest("select") && goOn(event));
  bus.on("project_video", () => {
    if (isByMouse && document.activeElement?.matches(".vm-chooser button")) area.focus({ preventScroll: true });
  });

  // The page's own keys, in the order of the list of keys.
  const commands = (timeline) => [
    { key: "Tab", words: words.label_key_next, isOfArea: true, mayRepeat: true, run: () => step(1) },
    { key: "Shift+Tab", words: words.label_key_previous, isOfArea: true, mayRepeat: true, run: () => step(-1) },
    { key: "[", words: words.label_key_start, run: () => coding.edgeHere("start") },
    { key: "]", words: words.label_key_end, run: () => coding.edgeHere("end") },
    { key: "{", words: words.label_key_earlier, mayRepeat: true, run: () => coding.shiftEdge("start") },
    { key: "}", words: words.label_key_later, mayRepeat: true, run: () => coding.shiftEdge("end") },
    { key: "Enter", words: words.label_key_confirm, run: () => coding.confirm() },
    { key: "Delete", keys: ["Delete", "Backspace"], words: words.label_key_remove, run: () => coding.remove() },
    { key: "Backspace", words: "", run: () => coding.remove() },
    { key: "S", words: words.label_key_split, run: () => coding.split() },
    { key: "J", words: words.label_key_join, run: () => coding.join() },
    { key: "R", words: words.label_key_reclassify, run: openReclassify },
    { key: "N", words: words.label_key_note, run: openNote },
    { key: "D", words: words.label_key_scored, run: () => coding.mark("scored") },
    { key: "O", words: words.label_key_not_scored, run: () => coding.mark("not scored") },
    { key: "E", words: words.label_key_unmark, run: () => coding.unmarkHere() },
    { key: "B", words: words.label_key_subject, run: nextSubject },
    { key: "I", words: words.label_key_closer, mayRepeat: true, run: () => timeline.zoom(0.5) },
    { key: "U", words: words.label_key_wider, mayRepeat: true, run: () => timeline.zoom(2) },
    { key: "A", words: words.label_key_all, run: () => timeline.showAll() },
    { key: "?", words: words.label_key_help, run: openHelp },
    { key: "Escape", words: words.label_key_escape, run: leave },
  ];

  return {
    openMenu,
    commands,
    setKeys(list) {
      listKeys = list;
    },
    // What the player loops when nobody says more.
    loopOf() {
      const { bout } = selection;
      return bout && !isPoint(bout) ? { start: bout.start, end: openings.endOf(bout, player.seconds) } : null;
    },
  };
}
