// What a model says of the video on view: the runs that are kept of it, and the bouts of the one that is chosen.

import { fetchReady, queryOf } from "../shared/ask.js";
import { isViewShown } from "../shared/dom.js";
import { inOrder, lasts, toGrid } from "./edits.js";

const POLL = 5000; // milliseconds between two looks at a run that goes on
const KEPT = "vidmem-label-run:";

export function makeModel(store) {
  const listeners = [];
  let number = 0; // of the newest question
  const model = {
    runs: [],
    runId: "",
    title: "",
    bouts: [],
    trouble: "",
    on: (listener) => listeners.push(listener),
    choose(runId) {
      model.runId = runId;
      try {
        localStorage.setItem(KEPT + store.video, runId);
      } catch {
        // chosen until the page is closed
      }
      return load();
    },
    refresh,
  };
  const tell = () => {
    for (const listener of listeners) listener();
  };

  async function refresh() {
    const { video } = store;
    const answer = video ? await fetchReady(`project/runs?${queryOf({ video })}`) : {};
    if (video !== store.video) return;
    model.runs = answer.runs ?? [];
    if (!model.runs.some(({ id }) => id === model.runId)) model.runId = keptRun();
    await load();
  }
  function keptRun() {
    let runId = "";
    try {
      runId = localStorage.getItem(KEPT + store.video) ?? "";
    } catch {
      // none is chosen then
    }
    return model.runs.some(({ id }) => id === runId) ? runId : "";
  }
  async function load() {
    number += 1;
    const mine = number;
    const { runId: run } = model;
    const answer = run ? await fetchReady(`project/runs/bouts?${queryOf({ run })}`) : { bouts: [] };
    if (mine !== number) return;
    model.trouble = answer.error ?? "";
    model.title = answer.title ?? answer.model ?? "";
    model.bouts = (answer.bouts ?? []).map((one) => predicted(one, model.title)).sort(inOrder);
    tell();
  }
  setInterval(() => {
    const chosen = model.runs.find(({ id }) => id === model.runId);
    if (isViewShown("label") && chosen?.state === "running") refresh();
  }, POLL);
  store.on("loaded", () => {
    Object.assign(model, { runs: [], runId: "", bouts: [], title: "" });
    tell();
    refresh();
  });
  return model;
}

function predicted({ behaviour, start, end, score = null, subject = "" }, author) {
  const [from, to] = [toGrid(start), toGrid(end)];
  return { behaviour, start: from, end: to, subject, author, comment: "", source: "model", score };
}

// Where a person and a model say two things of one axis: [start, end] in order. `mine` and `theirs` are states in order;
// `scored` are spans in which nothing happened where no state is. What nobody labelled is no difference.
export function differences(mine, theirs, scored) {
  const times = [...mine, ...theirs, ...scored].flatMap(({ start, end }) => [start, end]);
  const cuts = [...new Set(times)].sort((one, other) => one - other);
  const [at, beside, among] = [walker(mine), walker(theirs), walker(scored)];
  const found = [];
  for (let index = 0; index + 1 < cuts.length; index++) {
    const [start, end] = [cuts[index], cuts[index + 1]];
    const [said, predictedThere, isScored] = [at(start), beside(start), among(start)];
    if (!said && !isScored) continue;
    if ((said?.behaviour ?? "") === (predictedThere?.behaviour ?? "")) continue;
    const before = found.at(-1);
    if (before && before[1] === start) before[1] = end;
    else if (lasts(start, end)) found.push([start, end]);
  }
  return found;
}
// What goes on at a time; times are asked for in order.
function walker(spans) {
  let index = 0;
  return (time) => {
    while (index < spans.length && spans[index].end <= time) index += 1;
    return index < spans.length && spans[index].start <= time ? spans[index] : null;
  };
}
