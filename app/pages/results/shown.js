// Whose labels, of which video, and how bouts are made of a run's predictions; all other cards follow.

import { ask, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown } from "../shared/dom.js";
import { keepFresh } from "../shared/keep_fresh.js";
import { loadVideos } from "../shared/video/project.js";
import { fill, words } from "../shared/words.js";
import { debounced, plural, refill, runWords } from "./pieces.js";
import { change, RAW, shown, VIEW } from "./state.js";

const PACE = 4000; // milliseconds between two looks at whether labels or runs are new

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const video = find("[data-choice=video]");
  const whose = find("[data-choice=of]");
  const post = find(".vm-results-post");
  const raw = find("[data-raw]");
  const fields = [...element.querySelectorAll("[data-post]")];
  let videos = [];
  let choices = null;
  let mark = "";
  let isByHand = false; // somebody said whose labels are wanted

  const runOf = (key) => choices?.runs.find((run) => run.key === key);
  // What tells that results are new: an edit of anybody, or clips of the run that is shown.
  const markOf = () => JSON.stringify([choices.revision, runOf(shown.of)?.progress_seconds, choices.runs.length]);

  async function load() {
    const answer = await ask("results_choices", () => `results/choices?${queryOf({ run: bus.run })}`);
    if (!answer) return;
    if (answer.error) {
      sayTrouble(answer.error);
      return;
    }
    choices = answer;
    bus.emit("results_choices", choices);
    const isEmpty = !choices.runs.length && !choices.labels[0][2];
    find(".vm-results-empty").hidden = !isEmpty;
    document.getElementById("results-page").dataset.state = isEmpty ? "empty" : "";
    fillChoices();
    if (markOf() !== mark) {
      mark = markOf();
      loadVideos(); // one may be new
      change();
    }
  }
  function fillChoices() {
    refill(video, [{ options: [["", words.results_all_videos], ...videos.map(({ name }) => [name, name])] }]);
    const runs = choices.runs.filter((run) => !shown.video || run.video === shown.video);
    const value = refill(whose, [
      {
        label: words.results_people,
        options: choices.labels.map(([key, title, count]) => [key, fill("results_entry", { title, count })]),
      },
      { label: words.results_runs, options: runs.map((run) => [run.key, runWords(run)]) },
    ]);
    // Where there are no labels yet, a run says more.
    if (!isByHand && !choices.labels[0][2] && runs.length) whose.value = runs[0].key;
    else if (value !== shown.of && [...whose.options].some((one) => one.value === shown.of)) whose.value = shown.of;
    if (whose.value !== shown.of) {
      shown.of = whose.value;
      mark = "";
    }
    post.hidden = find(".vm-results-review").hidden = !runOf(shown.of);
  }

  function sayTrouble(sentence) {
    find(".vm-results-trouble").textContent = sentence;
    find(".vm-results-trouble").hidden = !sentence;
  }
  function choose() {
    isByHand = true;
    shown.video = video.value;
    shown.of = whose.value;
    fillChoices();
    mark = markOf();
    change();
  }
  function setPost() {
    if (fields.some((field) => !field.validity.valid)) return;
    shown.post = Object.fromEntries(fields.map((field) => [field.dataset.post, field.value]));
    const isRaw = fields.every((field) => field.value === "");
    raw.setAttribute("aria-pressed", String(isRaw));
    change();
  }

  find(".vm-results-review").addEventListener("click", () => {
    bus.emit("review_run", shown.of.replace(/^run:/, ""));
  });
  video.addEventListener("change", choose);
  whose.addEventListener("change", choose);
  const setSoon = debounced(setPost);
  for (const field of fields) field.addEventListener("input", setSoon);
  // Back to what was set before, or to the raw predictions.
  let kept = null;
  raw.addEventListener("click", () => {
    const isRaw = raw.getAttribute("aria-pressed") === "true";
    const values = isRaw ? (kept ?? RAW) : RAW;
    if (!isRaw) kept = { ...shown.post };
    for (const field of fields) field.value = values[field.dataset.post];
    setPost();
  });

  // The answer for the table says whose bouts they are.
  bus.on("results_bouts", (answer) => {
    sayTrouble(answer.error ?? "");
    const summary = find(".vm-results-summary");
    const about = find(".vm-results-about");
    find(".vm-results-unlike").hidden = !answer.warning;
    find(".vm-results-unlike").textContent = answer.warning ?? "";
    about.textContent = answer.is_model ? answer.about.join(" · ") : "";
    if (answer.error) {
      summary.textContent = "";
      return;
    }
    const { whose: of, num_all: count, videos: all } = answer;
    summary.textContent = count
      ? fill("results_summary", {
          num: plural(count, "results_one_bout", "results_num_bouts"),
          whose: of,
          videos: plural(all.length, "results_one_video", "results_num_videos"),
        })
      : fill("results_summary_none", { whose: of });
  });
  bus.on("project_videos", (answer) => {
    videos = answer?.videos ?? [];
    if (choices) fillChoices();
  });
  bus.on("view_shown", (view) => {
    if (view === VIEW) loadVideos();
  });
  setInterval(() => {
    if (isViewShown(VIEW) && choices) load();
  }, PACE);
  keepFresh({ view: VIEW, load, anew: ["run"] });
}
