// What a model says of the video on view: the runs that are kept of it, and the bouts of the one that is chosen.

import { fetchReady, queryOf } from "../shared/ask.js";
import { isViewShown } from "../shared/dom.js";
import { inOrder, toGrid } from "./editing/edits.js";

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
