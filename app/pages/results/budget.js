// The time budget: a group of rows for each subject, axis and period, with bars of the share of its scored time.

import { ask } from "../shared/ask.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { cell, dot, number, rowHead } from "./pieces.js";
import { factsOf, keepShown, queryOfShown } from "./state.js";

const spanOr = (seconds) => (seconds === null ? "–" : format.span(seconds));

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const table = find("table");
  const none = find(".vm-results-none");
  const every = find("[data-budget=every]");
  const perVideo = find("[data-budget=per_video]");

  async function load() {
    const query = queryOfShown({ every: every.value, per_video: perVideo.checked ? "1" : "" });
    const answer = await ask("results_budget", () => `results/budget?${query}`);
    if (!answer) return;
    for (const old of table.querySelectorAll("tbody")) old.remove();
    const says = answer.error ?? (answer.rows.length ? "" : words.results_budget_none);
    none.hidden = !says;
    none.textContent = says;
    find(".vm-results-scroll").hidden = Boolean(says);
    find("[data-file]").hidden = Boolean(says);
    find(".vm-results-denominator").textContent = says ? "" : explained(answer);
    find(".vm-results-cut").textContent = "";
    if (says) return;
    find("[data-file]").href = `results/budget.csv?${query}`;
    const facts = factsOf(answer.behaviours);
    for (const group of groupsOf(answer.rows)) table.append(drawGroup(group, facts));
    if (answer.rows.length < answer.num_rows) {
      const counts = { shown: answer.rows.length, num: answer.num_rows };
      find(".vm-results-cut").textContent = fill("results_budget_cut", counts);
    }
  }
  function explained({ denominator, every_seconds: period, is_clock_time: isClock }) {
    const lines = [fill("results_denominator", { denominator })];
    if (period) lines.push(isClock ? words.results_by_clock : words.results_by_video);
    return lines.join(" ");
  }
  const keyOf = (row) => JSON.stringify([row.video, row.subject, row.axis, row.period_start, row.period_start_seconds]);
  function groupsOf(rows) {
    const groups = [];
    for (const row of rows) {
      if (groups.length && keyOf(groups.at(-1)[0]) === keyOf(row)) groups.at(-1).push(row);
      else groups.push([row]);
    }
    return groups;
  }
  function drawGroup(group, facts) {
    const [first] = group;
    const name = [periodOf(first), first.video, first.subject, first.axis].filter(Boolean).join(" · ");
    const times = { scored: format.span(first.scored_seconds), not: format.span(first.not_scored_seconds) };
    const amount = fill(first.not_scored_seconds ? "results_group_not" : "results_group", times);
    const small = make("small", { textContent: amount });
    const title = make("th", { scope: "rowgroup", colSpan: 9 }, name, " ", small);
    return make(
      "tbody",
      {},
      make("tr", { className: "vm-results-group" }, title),
      ...group.map((row) => drawRow(row, facts)),
    );
  }
  function periodOf(row) {
    if (row.period_start) return row.period_start.slice(0, 16).replace("T", " ");
    if (row.period_start_seconds === null) return "";
    return `${format.clock(row.period_start_seconds)}–${format.clock(row.period_end_seconds)}`;
  }
  function drawRow(row, facts) {
    const colour = facts[row.behaviour]?.colour ?? "var(--dim)";
    const bar = make("span", { className: "vm-results-bar" });
    bar.style.setProperty("--share", `${row.percent_of_scored ?? 0}%`);
    bar.style.setProperty("--colour", colour);
    bar.setAttribute("aria-hidden", "true");
    const isNone = row.kind === "none";
    const numbers = [
      row.kind === "point" ? "–" : format.span(row.duration_seconds),
      isNone ? "–" : row.num_bouts.toLocaleString("en"),
      number(row.rate_per_hour, 1),
      spanOr(row.mean_bout_seconds),
      spanOr(row.median_bout_seconds),
      spanOr(row.latency_seconds),
    ];
    return make(
      "tr",
      {},
      rowHead(dot(colour), make("span", { textContent: isNone ? words.results_none_of_these : row.behaviour })),
      make("td", { className: "vm-results-bar-cell" }, bar),
      cell(row.percent_of_scored === null ? "–" : `${number(row.percent_of_scored, 1)} %`, { className: "vm-number" }),
      ...numbers.map((text) => cell(text, { className: "vm-number" })),
    );
  }
  every.addEventListener("change", load);
  perVideo.addEventListener("change", load);
  keepShown(load);
}
