// What a model says of the video on view: the runs that are kept of it, and the bouts of the one that is chosen.

import { fetchReady, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown } from "../shared/dom.js";
import { keep, kept } from "../shared/kept.js";
import { inOrder, toGrid } from "./editing/edits.js";

const POLL = 5000; // milliseconds between two looks at the runs of the video, while the page is on view
const KEPT = "vidmem-label-run:";

export function makeModel(store) {
  const listeners = [];
  let number = 0; // of the newest question
  let isAsking = false;
  let known = ""; // what the server said last of the runs
  let loaded = ""; // and of the one whose bouts are here
  let wanted = null; // { video, run }: asked for on another page
  const model = {
    runs: [],
    runId: "",
    title: "",
    bouts: [],
    boutsOf: "", // the run that they are of
    axes: [], // of which it says something at any time, if only that nothing happened
    trouble: "",
    warning: "", // that it looks unlike what the model was trained on
    isUnlike: false, // all of it
    on: (listener) => listeners.push(listener),
    // The run that nobody knows of who does not open the list: the only one of a video of which none was ever chosen.
    get offered() {
      const [only, ...others] = model.runs;
      return only && !others.length && only.progress_seconds !== 0 && kept(place()) === null ? only : null;
    },
    choose(runId) {
      take(runId);
      return load();
    },
    refresh,
  };
  const tell = () => {
    for (const listener of listeners) listener();
  };

  // Bouts are asked for anew only where something is new of their run.
  async function refresh() {
    const { video } = store;
    if (isAsking || !store.isLoaded) return;
    isAsking = true;
    const answer = video ? await fetchReady(`project/runs?${queryOf({ video })}`) : {};
    isAsking = false;
    if (video !== store.video) {
      refresh();
      return;
    }
    if (answer.error) return;
    model.runs = answer.runs ?? [];
    const text = JSON.stringify(model.runs.map(({ id, state }) => [id, state]));
    const isNew = text !== known;
    known = text;
    takeWanted();
    if (!find(model.runId)) model.runId = find(kept(place()))?.id ?? "";
    if (loaded !== JSON.stringify(find(model.runId) ?? null) || model.trouble) await load();
    else if (isNew) tell();
  }
  const find = (runId) => model.runs.find(({ id }) => id === runId);
  const place = () => `${KEPT}${store.project}:${store.video}`;
  function take(runId) {
    model.runId = runId;
    keep(place(), runId);
  }
  function takeWanted() {
    if (wanted?.video !== store.video || !find(wanted.run)) return;
    take(wanted.run);
    wanted = null;
  }
  async function load() {
    number += 1;
    const mine = number;
    const { runId: run } = model;
    loaded = JSON.stringify(find(run) ?? null);
    const answer = run ? await fetchReady(`project/runs/bouts?${queryOf({ run })}`) : { bouts: [] };
    if (mine !== number) return;
    model.trouble = answer.error ?? "";
    model.warning = answer.warning ?? "";
    model.isUnlike = Boolean(answer.is_unlike);
    model.title = answer.title ?? answer.model ?? "";
    model.axes = answer.axes ?? [];
    model.boutsOf = run;
    model.bouts = (answer.bouts ?? []).map((one) => predicted(one, model.title)).sort(inOrder);
    tell();
  }
  const look = () => {
    if (isViewShown("label")) refresh();
  };
  setInterval(look, POLL);
  bus.on("view_shown", look);
  document.addEventListener("visibilitychange", look);
  bus.on("label_run", (value) => {
    wanted = value;
    look();
  });
  store.on("loaded", () => {
    Object.assign(model, {
      runs: [],
      runId: "",
      bouts: [],
      boutsOf: "",
      axes: [],
      title: "",
      trouble: "",
      warning: "",
      isUnlike: false,
    });
    known = loaded = "";
    number += 1; // what is on its way is of the video before
    tell();
    refresh();
  });
  return model;
}

function predicted({ behaviour, start, end, score = null, subject = "" }, author) {
  const [from, to] = [toGrid(start), toGrid(end)];
  return { behaviour, start: from, end: to, subject, author, comment: "", source: "model", score };
}
