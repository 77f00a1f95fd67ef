// What keys and buttons do: the bout at hand is confirmed or corrected, its edges move, and the next one comes.

import { fetchReady, post } from "../shared/ask.js";
import * as format from "../shared/format.js";
import { authorOf } from "../shared/kept.js";
import { fill, words } from "../shared/words.js";

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
    if (!review.draft || (!review.bout && !review.walk)) return false;
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
    if (review.walk || isFree()) return { do: "confirm", bout: boutOf(name, score, review.bout?.author ?? ""), author };
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
    if (review.walk) {
      answerOnWalk(name, editOf(name, null));
      return;
    }
    const { behaviour, score } = review.bout;
    decide(editOf(name, name === behaviour ? score : null), fill("review_said", { behaviour: name, ...span() }));
  };
  deciding.confirm = () => {
    if (review.bout && !review.walk) deciding.say(review.bout.behaviour);
  };
  deciding.sayNone = () => {
    if (!canDecide()) return;
    if (review.walk) answerOnWalk(NONE, markOf("scored"));
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
    if (review.walk) answerOnWalk(UNTOLD, markOf("not scored"));
    else decide(markOf("not scored"), fill("review_said_untold", span()));
  };

  // Edges.

  deciding.edge = (edge, seconds) => {
    if (!review.draft) return;
    const last = player.duration || Infinity;
    const at = Math.max(0, Math.min(last, seconds));
    const [start, end] = edge === "start" ? [at, review.draft[1]] : [review.draft[0], at];
    const whole = review.walk?.isBlind && review.walk.spans[review.walk.at];
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
    const { walk } = review;
    if (walk?.isBlind) return;
    const next = walk ? walk.spans[walk.at + way] : review.neighbour(way);
    if (!next) refuse(words[way > 0 ? "review_no_next" : "review_no_previous"]);
    else if (walk) review.setWalk({ ...walk, at: walk.at + way });
    else review.choose(next.start);
  };
  deciding.undo = async () => {
    const before = review.walk;
    if (!(await saving.undo())) return;
    if (before || review.walk) {
      const { walk } = review;
      if (walk?.at > 0) review.setWalk({ ...walk, at: walk.at - 1 });
      return;
    }
    const start = trail.pop();
    await review.load();
    if (review.rows.some((one) => one.start === start)) await review.choose(start);
  };

  // Other spans than those of the list, one after the other.

  async function beginWalk(address, isBlind, none) {
    if (!review.answer || review.walk) return;
    const answer = await fetchReady(address);
    if (answer.error || !answer.spans.length) {
      refuse(answer.error ?? none);
      return;
    }
    review.revision = answer.revision;
    review.bout = null;
    review.setWalk({ spans: answer.spans, at: 0, isBlind });
    const { without = [] } = answer;
    tell(without.length ? fill("review_alike_without", { videos: without.join(", ") }) : "", true);
  }
  // Without what the model says there: spans drawn by chance.
  deciding.beginBlind = () =>
    beginWalk(`review/blind?${review.query({ count: NUM_BLIND })}`, true, words.review_blind_none);
  // Stretches of any video whose features are near those of what is at hand.
  deciding.beginAlike = () => {
    if (!review.draft || review.walk) return;
    const [start, end] = review.draft;
    tell(words.review_alike_looking, true);
    beginWalk(`review/alike?${review.query({ start, end })}`, false, words.review_alike_none);
  };
  function answerOnWalk(answer, edit) {
    const [start, end] = review.draft;
    const { spans, at, isBlind } = review.walk;
    const done = saving.send(edit, isBlind ? { start, end, answer } : null);
    if (at + 1 < spans.length) review.setWalk({ spans, at: at + 1, isBlind });
    else done.then(() => deciding.endWalk(spans.length));
  }
  deciding.endWalk = async (numAnswered = review.walk?.at) => {
    const { walk } = review;
    if (!walk) return;
    review.setWalk(null);
    if (walk.isBlind && numAnswered) {
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
