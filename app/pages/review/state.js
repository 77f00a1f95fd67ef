// What is reviewed: which run, in which order, the page of bouts, and the one at hand.

import { ask, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown } from "../shared/dom.js";
import { keep, keptValue } from "../shared/kept.js";

export const VIEW = "review";
const KEPT = "vidmem-review"; // which run, axis and subject, and how bouts are made
const POLL = 2500; // milliseconds between two looks at what others changed, and whether the run went on

export function makeReview() {
  const listeners = new Map();
  const review = {
    chosen: { run: "", axis: null, subject: null, post: {}, ...keptValue(KEPT) },
    filters: { order: "doubt", behaviour: "", shorter: "", unchecked: "1", first: 0 },
    runs: null, // all that can be chosen; null: not known yet
    answer: null, // the page of bouts
    trouble: "", // why there is none
    revision: 0, // of the labels, as far as this page knows them
    undoable: null, // { revision, words }
    start: null, // of the bout at hand
    bout: null, // all about it; null: there is none, or it is on its way
    draft: null, // [start, end] of what is decided
    walk: null, // { spans, at, isBlind } while one goes over other spans: without the model's opinion, or alike ones
    pending: new Set(), // starts of bouts whose decision is on its way

    // `runs`, `answer`, `pending`, `bout`, `draft`, `walk`, `saved`
    on: (topic, listener) => listeners.set(topic, [...(listeners.get(topic) ?? []), listener]),
    emit(topic) {
      for (const listener of listeners.get(topic) ?? []) listener();
    },
    get video() {
      const { walk } = review;
      return walk?.spans[walk.at][2] ?? review.answer?.video ?? "";
    },
    get rows() {
      return review.answer?.bouts ?? [];
    },
    behaviour: (name) => review.answer?.behaviours.find((one) => one.name === name),
    // What every question about the run has; null leaves a field out.
    fields() {
      const { run, axis, subject, post } = review.chosen;
      return { run, axis, subject, ...post };
    },
    query: (more = {}) => queryOf({ ...review.fields(), ...more }),

    async loadRuns() {
      const answer = await ask("review_runs", () => "review/runs");
      if (!answer) return;
      review.runs = answer.runs ?? [];
      review.trouble = answer.error ?? "";
      if (!find(review.chosen.run)) {
        Object.assign(review.chosen, { run: review.runs[0]?.id ?? "", axis: null, subject: null });
      }
      review.emit("runs");
      await review.load();
    },
    // The page of bouts anew; the bout at hand stays at hand, or the one that is in its place now is.
    async load() {
      if (!review.chosen.run) return;
      const asked = JSON.stringify(review.fields());
      const before = review.rows.findIndex(({ start }) => start === review.start);
      const answer = await ask("review_bouts", () => `review/bouts?${review.query(review.filters)}`);
      if (!answer || asked !== JSON.stringify(review.fields())) return;
      review.trouble = answer.error ?? "";
      review.answer = answer.error ? null : answer;
      review.pending.clear();
      if (review.answer) {
        review.revision = answer.revision;
        review.undoable = answer.undo;
        review.filters.first = answer.first;
      }
      const isThere = review.rows.some(({ start }) => start === review.start);
      const next = review.rows[Math.max(0, Math.min(before, review.rows.length - 1))];
      if (!isThere) review.start = next?.start ?? null;
      review.emit("answer");
      if (!review.walk) await loadBout();
    },
    // Another bout at hand, by its start.
    async choose(start) {
      review.start = start;
      review.bout = review.draft = null;
      review.emit("bout");
      await loadBout();
    },
    // The next one, or the one before, of which nothing is on its way.
    neighbour(way) {
      const { rows, pending } = review;
      let at = rows.findIndex(({ start }) => start === review.start) + way;
      while (rows[at] && pending.has(rows[at].start)) at += way;
      return rows[at] ?? null;
    },
    setDraft(start, end) {
      review.draft = [start, end];
      review.emit("draft");
    },
    // Another run, axis or subject, or other bouts of it: nothing shown before holds.
    change(values) {
      Object.assign(review.chosen, values);
      keep(KEPT, JSON.stringify(review.chosen));
      Object.assign(review, { answer: null, start: null, bout: null, draft: null, walk: null });
      review.filters.first = 0;
      review.emit("answer");
      review.emit("bout");
      return review.load();
    },
    filter(values) {
      Object.assign(review.filters, { first: 0 }, values);
      review.start = null;
      return review.load();
    },
    setWalk(value) {
      review.walk = value;
      review.draft = value ? value.spans[value.at].slice(0, 2) : null;
      review.emit("walk");
    },
  };
  const find = (run) => review.runs?.some(({ id }) => id === run);

  async function loadBout() {
    const { start } = review;
    if (start === null) {
      review.bout = review.draft = null;
      review.emit("bout");
      return;
    }
    const { order } = review.filters;
    const answer = await ask("review_bout", () => `review/bout?${review.query({ start, order })}`);
    if (!answer || start !== review.start || review.walk) return;
    if (answer.error) {
      review.bout = review.draft = null;
      review.emit("bout");
      return;
    }
    const isNew = review.bout?.start !== start;
    review.bout = answer;
    if (isNew || !review.isMoved) {
      review.draft = answer.span;
      review.isMoved = false;
    }
    review.emit("bout");
  }

  // Others may label the same video, and the run may go on.
  let isLooking = false;
  setInterval(async () => {
    if (!isViewShown(VIEW) || isLooking || !review.answer || review.pending.size || review.walk) return;
    isLooking = true;
    const { revision, video, answer } = review;
    const news = await ask("review_news", () => `label/changes?${queryOf({ video, since: revision })}`);
    isLooking = false;
    const isOther = news && !news.error && news.revision !== revision && revision === review.revision;
    if (isOther || answer.state === "running") await review.load();
  }, POLL);
  bus.on("review_run", (run) => {
    if (run !== review.chosen.run) review.change({ run, axis: null, subject: null });
  });
  return review;
}
