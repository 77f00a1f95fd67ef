// The Teach page: what is labelled, the button, jobs under way, and the models with their reports.

import { ask, fetchJson, post, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown } from "../shared/dom.js";
import { fill, words } from "../shared/words.js";
import { makeForm } from "./form.js";
import { makeJobs } from "./jobs.js";
import { drawLabelled } from "./labelled.js";
import { compareCard, makeModels } from "./models.js";
import { reportCards } from "./report.js";

const POLL = 1000; // milliseconds between two questions while the page is on view

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const refused = find(".vm-teach-refused");
  const said = find(".vm-teach-said");
  let subject = "";
  let labelled = null;
  let split = null;
  let models = [];
  let shown = ""; // the model whose report is on view; empty: the newest
  let report = null; // of that model
  let other = null; // the report beside it
  let drawnFor = ""; // which reports are drawn
  const ended = new Set(); // jobs that were seen to end, or to be over
  let isFirst = true;

  const refuse = (sentence) => {
    refused.hidden = !sentence;
    refused.textContent = sentence ?? "";
  };

  const form = makeForm(find(".vm-teach-form"), {
    changed(next) {
      split = next;
      redrawLabelled();
    },
    begun() {
      loadState();
      loadLabelled(); // the next one has another name
    },
    subjectChanged(value) {
      subject = value;
      loadLabelled();
    },
  });
  const jobs = makeJobs(find(".vm-teach-jobs"), {
    async act(what, id) {
      if (await tell(`teach/${what}`, { id })) loadLabelled(); // which names are free
    },
  });
  const list = makeModels(find(".vm-teach-models"), {
    show(model) {
      shown = model;
      other = null;
      loadReport();
    },
    async act(what, values) {
      const title = models.find((one) => one.model === values.model)?.title;
      const isDone = await tell(`teach/${what}`, values);
      if (!isDone) return false;
      said.textContent = fill(what === "delete" ? "teach_deleted" : "teach_renamed", { name: values.title ?? title });
      if (what === "delete") shown = "";
      report = null;
      bus.act("models");
      await loadReport();
      loadLabelled(); // the name of the next one follows from theirs
      return true;
    },
  });

  async function tell(address, values) {
    const answer = await post(address, values);
    refuse(answer?.error);
    if (!answer?.error) await loadState();
    return !answer?.error;
  }

  async function loadLabelled() {
    const answer = await ask("teach_labelled", () => `teach/labelled?${queryOf({ subject })}`);
    if (!answer) return;
    find(".vm-teach-wait").hidden = true;
    if (answer.error) {
      refuse(answer.error);
      return;
    }
    labelled = answer;
    form.draw(labelled);
    redrawLabelled();
    drawFirst();
  }
  function redrawLabelled() {
    if (!labelled) return;
    const part = find(".vm-teach-labelled");
    part.hidden = !labelled.num_bouts;
    if (labelled.num_bouts) drawLabelled(part, labelled, split);
  }
  function drawFirst() {
    const first = find(".vm-teach-first");
    first.hidden = models.length > 0;
    const hasLabels = Boolean(labelled?.num_bouts);
    find(".vm-teach-first-said").textContent = words[hasLabels ? "teach_first_model" : "teach_first_labels"];
    find(".vm-teach-go").hidden = hasLabels;
    find(".vm-teach-form").hidden = !hasLabels;
  }

  async function loadState() {
    const answer = await ask("teach_state", () => "teach/state");
    if (!answer || answer.error) return;
    models = answer.models;
    jobs.draw(answer.jobs);
    form.setWaiting(answer.jobs.filter((one) => ["queued", "running"].includes(one.state)).length);
    noticeEnds(answer.jobs);
    if (!models.some((one) => one.model === shown)) shown = models[0]?.model ?? "";
    list.draw(models, shown);
    drawFirst();
    if (report?.model.model !== shown) await loadReport();
    if (labelled && labelled.revision !== answer.revision) loadLabelled();
  }
  // A job that ends while the page is open: its model is shown.
  function noticeEnds(all) {
    for (const { id, state, model, name } of all) {
      const isOver = ["done", "failed", "interrupted"].includes(state);
      if (!isOver) ended.delete(id);
      if (!isOver || ended.has(id)) continue;
      ended.add(id);
      if (isFirst || state !== "done") continue;
      said.textContent = fill("teach_is_done", { name });
      [shown, other] = [model, null];
      bus.act("models"); // Watch has one more
      loadLabelled();
    }
    isFirst = false;
  }

  async function loadReport() {
    list.draw(models, shown);
    const wanted = shown;
    const answer = wanted ? await fetchJson(`teach/report?${queryOf({ model: wanted })}`) : null;
    if (wanted !== shown) return;
    refuse(answer?.error);
    report = answer?.error ? null : answer;
    drawReports();
  }
  async function compareWith(model) {
    const answer = model ? await fetchJson(`teach/report?${queryOf({ model })}`) : null;
    if (answer?.error) refuse(answer.error);
    other = answer?.error ? null : answer;
    drawReports();
    find(".vm-teach-compare select")?.focus();
  }
  function drawReports() {
    const text = JSON.stringify([report, other, models.length]);
    if (text === drawnFor) return;
    drawnFor = text;
    const cards = report ? reportCards(report) : { main: [], side: [] };
    const isPair = report && models.length > 1;
    find(".vm-teach-reports").replaceChildren(
      ...cards.main,
      ...(isPair ? [compareCard(models, report, other, compareWith)] : []),
    );
    find(".vm-teach-aside").replaceChildren(...cards.side);
  }

  const loadIfShown = () => {
    if (isViewShown("teach")) loadState();
  };
  bus.on("view_shown", (view) => {
    if (view !== "teach") return;
    loadLabelled();
    loadState();
  });
  document.addEventListener("visibilitychange", loadIfShown);
  setInterval(loadIfShown, POLL);
}
