// What keys and buttons do: the bout at hand is confirmed or corrected, its edges move, and the next one comes.

import { fetchReady, post } from "../shared/ask.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { authorOf } from "./saving.js";

const NONE = "none of these"; // as `vidmem.labels` has them
const UNTOLD = "not scored";
const SECOND = 1; // that an edge is moved by
const LEAST = 0.001; // seconds that a bout lasts
const NUM_BLIND = 10;
const exact = (seconds) => format.clock(seconds, { hasTenths: true });

export function makeDeciding({ review, player, saving, tell, refuse }) {
  const trail = []; // starts of what was decided, to go back to
  const span = () => ({ from: exact(review.draft[0]), to: exact(review.draft[1]) });
  const deciding = {};

  // Of what is decided, how much time has nobody said anything of?
  function freeSeconds([start, end]) {
    let seconds = end - start;
    for (const [from, to] of review.bout.people) seconds -= Math.max(0, Math.min(end, to) - Math.max(start, from));
    return seconds;
  }
  const isFree = () => freeSeconds(review.draft) > LEAST;
  // Whether to confirm means to put the model's word in the place of a person's.
  deciding.isOver = () => Boolean(review.bout && review.draft) && !isFree();

  function canDecide() {
    if (!review.draft || (!review.bout && !review.blind)) return false;
    if (saving.trouble) refuse(words.review_wait);
    return !saving.trouble;
  }
  function isOurs(name) {
    const known = review.behaviour(name);
    if (!known?.is_known) refuse(fill("review_no_behaviour", { behaviour: name }));
    return Boolean(known?.is_known);
  }
  const boutOf = (name, score, author) => {
    const [start, end] = review.draft;
    const { subject } = review.answer;
    return { behaviour: name, start, end, subject, author, comment: "", source: "model", score };
  };
  const markOf = (what) => {
    const [start, end] = review.draft;
    const { subject, axis } = review.answer;
    return { do: "mark", what, start, end, subject, axis };
  };
  // A person's labels stay where the bout is partly free; where she labelled all of it, her key puts another in place.
  function editOf(name, score) {
    const author = authorOf();
    if (review.blind || isFree())
      return { do: "confirm", bout: boutOf(name, score, review.bout?.author ?? ""), author };
    return { do: "add", bout: { ...boutOf(name, score, author), source: "human" } };
  }

  async function decide(edit, said) {
    const { start } = review.bout;
    const next = review.neighbour(1) ?? review.neighbour(-1);
    review.pending.add(start);
    trail.push(start);
    tell(said);
    const done = saving.send(edit);
    review.emit("pending");
    if (next) review.choose(next.start);
    if (!(await done)) trail.pop();
    if (saving.numWaiting <= 1) await review.load(); // else the last one does
  }

  // A behaviour's key, or Enter: the model's own.
  deciding.say = (name) => {
    if (!canDecide() || !isOurs(name)) return;
    if (review.blind) {
      answerBlindly(name, editOf(name, null));
      return;
    }
    const { behaviour, score } = review.bout;
    decide(editOf(name, name === behaviour ? score : null), fill("review_said", { behaviour: name, ...span() }));
  };
  deciding.confirm = () => {
    if (review.bout && !review.blind) deciding.say(review.bout.behaviour);
  };
  deciding.sayNone = () => {
    if (!canDecide()) return;
    if (review.blind) answerBlindly(NONE, markOf("scored"));
    else if (
      review.bout.people.some(
        ([from, to, what]) => review.behaviour(what) && from < review.draft[1] && to > review.draft[0],
      )
    )
      refuse(words.review_yours);
    else decide(markOf("scored"), fill("review_said_none", span()));
  };
  deciding.sayUntold = () => {
    if (!canDecide()) return;
    if (review.blind) answerBlindly(UNTOLD, markOf("not scored"));
    else decide(markOf("not scored"), fill("review_said_untold", span()));
  };

  // Edges.

  deciding.edge = (edge, seconds) => {
    if (!review.draft) return;
    const last = player.duration || Infinity;
    const at = Math.max(0, Math.min(last, seconds));
    const [start, end] = edge === "start" ? [at, review.draft[1]] : [review.draft[0], at];
    const whole = review.blind?.spans[review.blind.at];
    if (!(end - start > LEAST)) refuse(words.review_edge_order);
    else if (whole && (start < whole[0] || end > whole[1])) refuse(words.review_edge_inside);
    else {
      review.isMoved = true;
      review.setDraft(start, end);
    }
  };
  deciding.edgeHere = (edge) => deciding.edge(edge, player.seconds);
  deciding.shiftEdge = (edge) =>
    review.draft && deciding.edge(edge, edge === "start" ? review.draft[0] - SECOND : review.draft[1] + SECOND);

  deciding.step = (way) => {
    if (review.blind) return;
    const next = review.neighbour(way);
    if (next) review.choose(next.start);
    else refuse(words[way > 0 ? "review_no_next" : "review_no_previous"]);
  };
  deciding.undo = async () => {
    const isBlind = Boolean(review.blind);
    if (!(await saving.undo())) return;
    if (isBlind && review.blind) {
      if (review.blind.at > 0) review.setBlind({ ...review.blind, at: review.blind.at - 1 });
      return;
    }
    const start = trail.pop();
    await review.load();
    if (review.rows.some((one) => one.start === start)) await review.choose(start);
  };

  // Blind checks.

  deciding.beginBlind = async () => {
    if (!review.answer || review.blind) return;
    const answer = await fetchReady(`review/blind?${review.query({ count: NUM_BLIND })}`);
    if (answer.error || !answer.spans.length) {
      refuse(answer.error ?? words.review_blind_none);
      return;
    }
    review.revision = answer.revision;
    review.bout = null;
    review.setBlind({ spans: answer.spans, at: 0 });
  };
  function answerBlindly(answer, edit) {
    const [start, end] = review.draft;
    const done = saving.send(edit, { start, end, answer });
    const { spans, at } = review.blind;
    if (at + 1 < spans.length) review.setBlind({ spans, at: at + 1 });
    else done.then(() => deciding.endBlind(spans.length));
  }
  deciding.endBlind = async (numAnswered = review.blind?.at) => {
    if (!review.blind) return;
    review.setBlind(null);
    if (numAnswered) {
      const answer = await fetchReady(`review/blind/agreement?${review.query({ count: numAnswered })}`);
      const { num_told: told, num_right: right } = answer;
      if (!answer.error) tell(told ? fill("review_blind_said", { told, right }) : words.review_blind_said_none, true);
    }
    await review.load();
  };

  // Behaviours of the model that people do not have yet.
  deciding.addUnknown = async (names) => {
    const { axis } = review.answer;
    for (const name of names) {
      const answer = await post("label/ethogram/add", { name, axis, revision: review.revision, author: authorOf() });
      if (answer.error) {
        refuse(answer.error);
        break;
      }
      review.revision = answer.revision;
    }
    await review.load();
  };
  return deciding;
}
