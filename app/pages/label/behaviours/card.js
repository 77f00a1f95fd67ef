// The behaviours with their keys: which are on and since when, and how much of each axis is labelled.

import { make, perFrame } from "../../shared/dom.js";
import * as format from "../../shared/format.js";
import { fill } from "../../shared/words.js";
import { isPoint, united } from "../editing/edits.js";
import { shownKey } from "../keys.js";

export function makeEthogramCard(element, { store, player, openings, coding, timeline }) {
  const holder = element.querySelector(".vm-code-behaviours");
  const buttons = new Map(); // behaviour -> { row, since }
  const sums = new Map(); // axis -> element
  let drawnFor = null;

  function build() {
    if (drawnFor === store.ethogram) return;
    drawnFor = store.ethogram;
    buttons.clear();
    sums.clear();
    const axes = [...new Set(store.ethogram.map(({ axis }) => axis))];
    holder.replaceChildren(...axes.map(makeAxis));
  }
  function makeAxis(axis) {
    const members = store.ethogram.filter((one) => one.axis === axis);
    const hasStates = members.some(({ kind }) => kind === "state");
    const sum = make("span", { className: "vm-code-sum" });
    sums.set(axis, sum);
    const title = hasStates ? fill("label_axis", { axis }) : fill("label_axis_points", { axis });
    const list = make("div", { className: "vm-code-keys" }, ...members.map(makeBehaviour));
    return make(
      "div",
      { role: "group", ariaLabel: title },
      make("div", { className: "vm-code-axis" }, make("span", { textContent: title }), sum),
      list,
    );
  }
  function makeBehaviour({ name, key, colour, kind, description }) {
    const dot = make("i", { className: "vm-dot" });
    dot.style.background = colour;
    const since = make("small");
    const shown = make("kbd", { textContent: shownKey(key) || "–" });
    const row = make(
      "button",
      { type: "button", className: "vm-code-key", title: description },
      shown,
      dot,
      make("span", { textContent: name }),
      since,
    );
    row.dataset.behaviour = name;
    if (kind === "state") row.setAttribute("aria-pressed", "false");
    // As its key: a press, held or not; with Alt the chosen bout becomes it.
    row.addEventListener("click", (event) => {
      timeline.expect(event);
      if (event.altKey) coding.reclassify(name);
      else coding.toggle(name);
      coding.releaseAll();
    });
    buttons.set(name, { row, since, kind });
    return row;
  }

  const draw = perFrame(() => {
    build();
    const at = coding.now();
    const on = new Map();
    for (const axis of sums.keys()) {
      const state = coding.stateAt(axis, at);
      if (state) on.set(state.behaviour, state);
    }
    for (const [name, { row, since, kind }] of buttons) {
      if (kind === "point") continue;
      const state = on.get(name);
      const isOn = Boolean(state);
      const text = isOn ? fill("label_on_since", { time: format.clock(state.start) }) : "";
      if (since.textContent !== text) since.textContent = text;
      if (row.getAttribute("aria-pressed") !== String(isOn)) row.setAttribute("aria-pressed", isOn);
    }
  });
  const sum = perFrame(() => {
    build();
    for (const [axis, place] of sums) {
      const isMine = ({ subject }) => subject === store.subject;
      const points = store.bouts.filter((one) => isMine(one) && isPoint(one) && store.axes.get(one.behaviour) === axis);
      const states = store.bouts.filter(
        (one) => isMine(one) && !isPoint(one) && store.axes.get(one.behaviour) === axis,
      );
      const spans = store.scored.filter((one) => isMine(one) && one.axis === axis);
      const labelled = united([
        ...states.map((one) => [one.start, openings.endOf(one, player.seconds)]),
        ...spans.map(({ start, end }) => [start, end]),
      ]);
      const seconds = labelled.reduce((total, [start, end]) => total + end - start, 0);
      if (!seconds && points.length)
        place.textContent = fill(points.length === 1 ? "label_num_point" : "label_num_points", {
          count: points.length,
        });
      else place.textContent = seconds ? fill("label_labelled", { span: format.span(seconds) }) : "";
    }
  });

  store.on("changed", draw);
  store.on("changed", sum);
  let summedAt = 0;
  player.on("time", () => {
    draw();
    if (!openings.all.length || performance.now() - summedAt < 1000) return;
    summedAt = performance.now();
    sum();
  });
}
