// The probabilities of the newest prediction, and what the model holds; a panel of the player's part.

import * as bus from "../shared/bus.js";
import * as format from "../shared/format.js";
import { words } from "../shared/words.js";
import { columnColour } from "./colours.js";

export function startNowPanel(element) {
  const find = (selector) => element.querySelector(selector);
  const bars = find(".vm-bars");
  const facts = find(".vm-facts");
  const when = find(".vm-when");
  const empty = find(".vm-now .vm-empty");
  const badge = find(".vm-badge");
  let rows = [];

  function buildRows(count) {
    bars.replaceChildren();
    rows = Array.from({ length: count }, () => {
      const row = document.createElement("div");
      row.innerHTML = "<b></b><u><i></i></u><span></span>";
      bars.append(row);
      const [name, track, number] = row.children;
      return { row, name, bar: track.firstElementChild, number };
    });
  }
  // classes: [name, colour, probability], in the order in which they are shown; of several axes [..., axis] too
  function drawBars(classes, isIdle) {
    if (rows.length !== classes.length) buildRows(classes.length);
    const best = [];
    for (const [, , probability, axis = 0] of classes) best[axis] = Math.max(best[axis] ?? 0, probability);
    classes.forEach(([name, colour, probability, axis = 0], at) => {
      const { row, name: label, bar, number } = rows[at];
      row.classList.toggle("vm-first", !isIdle && probability === best[axis]);
      row.classList.toggle("vm-apart", at > 0 && axis !== (classes[at - 1][3] ?? 0));
      label.textContent = label.title = name;
      bar.style.width = `${probability * 100}%`;
      bar.style.background = columnColour(colour);
      number.textContent = isIdle ? "–" : probability.toFixed(2);
    });
    bars.classList.toggle("vm-idle", isIdle);
  }
  function drawFacts(pairs) {
    facts.replaceChildren(
      ...pairs.flatMap(([term, value]) => {
        const dt = document.createElement("dt");
        const dd = document.createElement("dd");
        dt.textContent = term;
        dd.textContent = value;
        return [dt, dd];
      }),
    );
  }
  // While an earlier picture is looked at, the panel stays with the newest clip, and says so.
  function drawWhen() {
    const { now, look } = bus.last;
    const hasTenths = (bus.last.source?.duration_seconds ?? 0) < 600;
    const [start, end] = [now?.start_seconds, now?.end_seconds].map((seconds) =>
      format.clock(seconds ?? 0, { hasTenths }),
    );
    when.textContent = now ? [`${start} – ${end}`, ...(look ? [words.now_newest] : [])].join(" · ") : "";
  }
  bus.on("look", drawWhen);
  bus.on("now", (now) => {
    drawWhen();
    empty.hidden = Boolean(now);
    badge.hidden = now?.is_final ?? true;
    bars.classList.toggle("vm-provisional", !badge.hidden);
    drawFacts(now?.facts ?? []);
    if (now) drawBars(now.classes, false);
    else
      drawBars(
        (bus.last.model?.classes ?? []).slice(0, 12).map((name, at) => [name, at, 0]),
        true,
      );
  });
  bus.on("model", (model) => {
    if (!bus.last.now)
      drawBars(
        model.classes.slice(0, 12).map((name, at) => [name, at, 0]),
        true,
      );
  });
}
