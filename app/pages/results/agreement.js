// Agreement of two accounts: what is compared, and what is asked of the server.

import { ask, fetchJson, pause, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { videosOfProject } from "../shared/video/project.js";
import { playSpan } from "../shared/video/span_player.js";
import { fill, words } from "../shared/words.js";
import { drawAxis, drawEvents, drawPooled } from "./agreement_tables.js";
import { debounced, plural, refill, runWords } from "./pieces.js";
import { drawScore } from "./score_tables.js";
import { factsOf, keepShown, queryOfShown } from "./state.js";

const MOST = 8 << 20; // bytes of a file, as app/pages/results/brought.py has it
const AGAIN = 250;
const SETTLES = [100, 500, 1200, 2500]; // milliseconds in which the cards above get their figures

// Scrolls to a card until those above it have their height, or somebody scrolls.
function holdInView(card) {
  const own = new AbortController();
  const stop = () => own.abort();
  for (const name of ["wheel", "pointerdown", "keydown"]) addEventListener(name, stop, { signal: own.signal });
  for (const after of SETTLES) setTimeout(() => own.signal.aborted || card.scrollIntoView({ block: "start" }), after);
  setTimeout(stop, SETTLES.at(-1) + 1);
}

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const first = find("[data-agree=first]");
  const second = find("[data-agree=second]");
  const whole = find("[data-agree=whole]");
  const interval = find("[data-agree=interval]");
  const tolerance = find("[data-agree=tolerance]");
  const none = find(".vm-results-none");
  const agreed = find(".vm-results-agreed");
  const cellPart = find(".vm-results-cell");
  const playerPlace = find(".vm-results-player-place");
  let files = [];
  let answer = null;

  const query = (more = {}) =>
    queryOfShown({
      first: first.value,
      second: second.value,
      whole: whole.checked ? "1" : "",
      interval: interval.value,
      tolerance: tolerance.value,
      ...more,
    });

  function fillChoices() {
    const { labels = [], runs = [] } = bus.last.results_choices ?? {};
    const groups = [
      { options: [["", words.results_choose]] },
      {
        label: words.results_people,
        options: labels.map(([key, title, count]) => [key, fill("results_entry", { title, count })]),
      },
      { label: words.results_files, options: files.map(({ key, title }) => [key, title]) },
      {
        label: words.results_runs,
        options: runs.map((run) => [run.key, runWords(run)]),
      },
    ];
    const before = first.value;
    refill(first, groups);
    if (!before) first.value = labels[0]?.[0] ?? "";
    refill(second, groups);
  }

  async function load() {
    if (!first.value || !second.value || !interval.validity.valid || !tolerance.validity.valid) {
      agreed.hidden = true;
      none.hidden = false;
      none.textContent = words.results_agreement_start;
      return;
    }
    const request = query();
    const got = await ask("results_agreement", () => `results/agreement?${request}`);
    if (!got) return;
    cellPart.hidden = true;
    none.hidden = !got.error;
    none.textContent = got.error ?? "";
    agreed.hidden = Boolean(got.error);
    if (got.error) return;
    answer = got;
    show(request);
  }
  function show(request) {
    const notes = find(".vm-results-notes");
    notes.hidden = !answer.notes.length;
    notes.textContent = answer.notes.join(" ");
    const { agreement } = answer;
    const facts = factsOf(answer.behaviours);
    const axes = agreement.axes.map((axis) => drawAxis(axis, agreement, { facts, onCell }));
    if (axes.length > 1) axes.push(drawPooled(agreement));
    if (agreement.events.length) axes.push(drawEvents(agreement.events));
    find(".vm-results-axes").replaceChildren(...axes);
    const person = answer.scores.length && isRun(first.value) ? answer.second : answer.first;
    find(".vm-results-scores").replaceChildren(...answer.scores.map((score) => drawScore(score, { person, facts })));
    for (const link of element.querySelectorAll("[data-file]"))
      link.href = `results/agreement.${link.dataset.file}?${request}`;
  }
  const isRun = (key) => key.startsWith("run:");

  // A cell of the confusion: the spans in which the one says this and the other that.
  async function onCell(axis, saysFirst, saysSecond) {
    const request = query({ axis, says_first: saysFirst, says_second: saysSecond });
    const got = await ask("results_spans", () => `results/agreement/spans?${request}`);
    if (!got) return;
    cellPart.hidden = false;
    const title = fill("results_cell", { first: answer.first, a: saysFirst, second: answer.second, b: saysSecond });
    find(".vm-results-cell h3").textContent = title;
    const counted = got.error ?? fill("results_spans", { count: got.num, seconds: format.span(got.seconds) });
    const isCut = !got.error && got.num > got.spans.length;
    const more = isCut ? `; ${fill("results_spans_cut", { shown: got.spans.length })}` : "";
    find(".vm-results-cell p").textContent = counted + more;
    find(".vm-results-spans").replaceChildren(...(got.spans ?? []).map((span) => spanItem(span, title)));
    cellPart.scrollIntoView({ block: "nearest" });
  }
  function spanItem([video, subject, from, to], title) {
    const times = `${format.clock(from, { hasTenths: true })} – ${format.clock(to, { hasTenths: true })}`;
    const button = make("button", { type: "button", textContent: `${times} (${format.span(to - from)})` });
    button.addEventListener("click", () => playSpan(playerPlace, { video, start: from, end: to, title }));
    const where = [subject, videosOfProject().length > 1 ? video : ""].filter(Boolean).join(" · ");
    return make("li", {}, button, where ? make("small", { textContent: where }) : "");
  }

  async function bring(file) {
    const said = find(".vm-results-brought");
    const problems = find(".vm-results-problems");
    said.hidden = false;
    problems.hidden = true;
    if (file.size > MOST) {
      const sizes = { size: format.fileSize(file.size), most: format.fileSize(MOST) };
      said.textContent = fill("results_bring_large", { name: file.name, ...sizes });
      return;
    }
    said.textContent = file.name;
    const address = `results/files?${queryOf({ run: bus.run, name: file.name })}`;
    let got = await fetchJson(address, { method: "POST", body: file });
    while (got.waiting) {
      await pause(AGAIN);
      got = await fetchJson(address, { method: "POST", body: file });
    }
    if (got.error) {
      said.textContent = got.error;
      return;
    }
    files = [...files, got];
    fillChoices();
    second.value = got.key;
    said.textContent = fill("results_brought", {
      name: got.title,
      count: plural(got.num_bouts, "results_one_bout", "results_num_bouts"),
      videos: got.videos.join(", ") || "–",
    });
    problems.hidden = !got.problems.length && !got.notes.length;
    problems.replaceChildren(
      ...got.notes.map((note) => make("li", { textContent: fill("results_brought_note", { note }) })),
      ...(got.problems.length ? [make("li", { textContent: words.results_problems })] : []),
      ...got.problems.map((textContent) => make("li", { textContent })),
    );
    load();
  }

  for (const control of [first, second, whole]) control.addEventListener("change", load);
  const loadSoon = debounced(load);
  for (const control of [interval, tolerance]) control.addEventListener("input", loadSoon);
  find("input[type=file]").addEventListener("change", (event) => {
    const [file] = event.target.files;
    event.target.value = ""; // so that the same file can be chosen again
    if (file) bring(file);
  });
  bus.on("results_choices", fillChoices);
  // A page leads here, as the import of another's labels does.
  bus.on("compare_files", () => holdInView(element));
  keepShown(load);
}
