// What keys, buttons and menus do to the labels, at the playhead.

import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { isPoint, lasts, toGrid } from "./editing/edits.js";

const HELD = 300; // milliseconds from which a key counts as held
const SHIFT = 1; // seconds that an edge is moved by

export function makeCoding({ store, player, openings, selection, model, tell, refuse }) {
  const held = new Map(); // behaviour -> { at, bout, id } of a key that is down
  const coding = { marking: null, onMarking: () => {} }; // marking: { what, from }
  let record = null; // of the video
  let expected = null; // { run, seconds }: whose bout there is to be chosen once it is here

  // How long the frame on view is shown.
  function frame() {
    const { start, end } = player.frame ?? {};
    if (end > start) return end - start;
    return record?.fps > 0 ? 1 / record.fps : 0.04;
  }
  const duration = () => player.duration || record?.duration_seconds || Infinity;
  const now = () => toGrid(Math.max(0, player.seconds));
  // The last frame lasts until the end of the video.
  const nowAsEnd = () => (now() > duration() - 1.5 * frame() ? toGrid(duration()) : now());
  const time = (seconds) => format.clock(seconds, { hasTenths: true });

  coding.setRecord = (value) => {
    record = value;
    expected = null;
  };
  coding.frame = frame;
  coding.duration = duration;
  coding.now = now;

  // States.

  // The state of an axis at a time; one that is on hides what was coded there before.
  coding.stateAt = (axis, at, subject = store.subject) => {
    const open = openings.of(subject, axis).findLast((one) => one.start <= at);
    if (open) return open;
    let found = null;
    for (const one of store.bouts) {
      if (one.start > at) break;
      const isMeant =
        one.end > at && one.subject === subject && !isPoint(one) && store.axes.get(one.behaviour) === axis;
      if (isMeant) found = one;
    }
    return found;
  };

  function newBout(name, start, end) {
    const { subject, author } = store;
    return {
      behaviour: name,
      start: toGrid(start),
      end: toGrid(end),
      subject,
      author,
      comment: "",
      source: "human",
      score: null,
    };
  }
  function begin(name, at) {
    const start = Math.min(at, toGrid(duration() - frame()));
    const bout = newBout(name, start, Math.min(start + frame(), duration()));
    const ends = openings.of(store.subject, store.axes.get(name)).filter((one) => one.start <= start);
    const before = ends.length ? null : endsAt(name, start);
    if (before) {
      // Where it ended it goes on: one bout, and nothing to be written yet.
      openings.add(before, "");
      store.touch();
      selection.set(before);
      tell(fill("label_said_goes_on", { behaviour: name }));
      return null;
    }
    const id = store.edit("begin", { bout, ends });
    if (!id) return null;
    openings.add(bout, id);
    selection.set(store.bouts.find((one) => one.start === bout.start && one.behaviour === name) ?? null);
    tell(fill("label_said_began", { behaviour: name, time: time(start) }));
    return { bout, id };
  }
  function endsAt(name, at) {
    const isMeant = (one) => one.behaviour === name && one.subject === store.subject && !isPoint(one);
    return store.bouts.findLast((one) => isMeant(one) && one.end <= at && at - one.end < frame() / 2);
  }
  function end(bout, at, continues = "") {
    const isOpen = openings.isOpen(bout);
    if (!isOpen && at - bout.start < frame() / 2) {
      refuse(fill("label_begins_here", { behaviour: bout.behaviour }));
      return null;
    }
    const id = store.edit("end", { bout, at }, { continues });
    if (!id) return null;
    choose(bout);
    const said = at > bout.start ? "label_said_ended" : "label_said_taken_back";
    tell(fill(said, { behaviour: bout.behaviour, time: time(at) }));
    return id;
  }

  // A behaviour's key or row was pressed.
  coding.toggle = (name) => {
    const behaviour = store.behaviour(name);
    if (!behaviour || !store.video) return;
    if (behaviour.kind === "point") {
      addPoint(name);
      return;
    }
    const on = coding.stateAt(behaviour.axis, now());
    if (on?.behaviour === name) end(on, nowAsEnd());
    else {
      const begun = begin(name, now());
      if (begun) held.set(name, { ...begun, at: performance.now() });
    }
  };
  // And let go: one that was held ends here, in the same step.
  coding.release = (name) => {
    const one = held.get(name);
    held.delete(name);
    if (!one || performance.now() - one.at < HELD || now() <= one.bout.start) return;
    const bout = openings.all.find((other) => other.start === one.bout.start && other.behaviour === name);
    if (bout) end(bout, nowAsEnd(), one.id);
  };
  coding.releaseAll = () => held.clear();

  function addPoint(name) {
    const bout = newBout(name, now(), now());
    if (!store.edit("add", { bout })) return;
    selection.set(store.bouts.find((one) => one.start === bout.start && one.behaviour === name) ?? null);
    tell(fill("label_said_point", { behaviour: name, time: time(bout.start) }));
  }

  // The playhead moved: a state before whose start it went has ended where it was left.
  coding.follow = (seconds) => {
    for (const one of openings.follow(seconds)) end(one, toGrid(openings.reachedBy(one, 0)));
  };
  // The page is left, and states are on: they are written as far as they go, and stay on.
  coding.keepOn = () => {
    const longer = openings.all.filter((one) => openings.reachedBy(one, now()) > one.end + frame() / 2);
    for (const one of longer) {
      const at = toGrid(Math.min(openings.reachedBy(one, now()), duration()));
      if (store.edit("keep", { bouts: [one], at }, { continues: openings.idOf(one) }))
        openings.move(one, { ...one, end: at });
    }
  };
  // The video has ended, and so have they.
  coding.endAll = () => {
    for (const one of openings.all) if (now() > one.start) end(one, toGrid(duration()), openings.idOf(one));
  };

  // The chosen bout.

  function chosen() {
    if (selection.own) return selection.own;
    const at = now();
    const here = store.bouts.filter(
      (one) => one.subject === store.subject && one.start <= at && at < openings.endOf(one, at + frame()),
    );
    const found = here.at(-1) ?? null;
    if (found) selection.set(found);
    else refuse(words.label_choose_first);
    return found;
  }
  function change(old, other) {
    const bout = { ...other, start: toGrid(other.start), end: toGrid(other.end) };
    if (!isPoint(old) && !lasts(bout.start, bout.end)) {
      refuse(words.label_edge_order);
      return null;
    }
    const id = store.edit("change", { old, new: bout });
    if (id) {
      if (openings.isOpen(old)) openings.move(old, bout);
      choose(bout);
    }
    return id;
  }
  // As it is now: its end and its note may be others.
  const current = (bout) =>
    store.bouts.find(
      (one) => one.start === bout.start && one.behaviour === bout.behaviour && one.subject === bout.subject,
    );
  function choose(bout) {
    const found = current(bout);
    if (found) selection.set(found);
  }
  // Another start or end; the other edge stays, a point moves whole.
  coding.moveEdge = (bout, edge, to) => {
    const at = Math.max(0, Math.min(toGrid(to), toGrid(duration())));
    if (isPoint(bout)) return change(bout, { ...bout, start: at, end: at });
    if (!openings.isOpen(bout)) return change(bout, { ...bout, [edge]: at });
    // One that is on has no end yet: a press ends it, and a start moves what is written of it.
    if (edge === "end") return end(bout, at);
    return change(bout, { ...bout, start: at, end: Math.min(at + frame(), duration()) });
  };
  // The one at the playhead where none is chosen; where there is none, it is said what to do first.
  coding.chooseHere = () => {
    if (!selection.bout) chosen();
    return selection.bout;
  };
  coding.edgeHere = (edge) => {
    const bout = chosen();
    if (bout) coding.moveEdge(bout, edge, edge === "end" ? nowAsEnd() : now());
  };
  coding.shiftEdge = (edge, seconds = edge === "start" ? -SHIFT : SHIFT) => {
    const bout = chosen();
    if (!bout) return;
    const id = coding.moveEdge(bout, edge, bout[edge] + seconds);
    const moved = id && selection.own;
    if (moved) player.seek(moved[edge]); // the frame at its new edge
  };
  coding.move = (bout, by) => {
    const shift = Math.max(-bout.start, Math.min(by, duration() - bout.end));
    change(bout, { ...bout, start: bout.start + shift, end: bout.end + shift });
  };
  coding.remove = () => {
    if (selection.isModel) {
      refuse(words.label_not_yours);
      return;
    }
    const bout = selection.own;
    if (!bout) chosen(); // shown first: a second press deletes it
    if (!bout || !store.edit("remove", { bouts: [bout] })) return;
    tell(fill("label_said_removed", { behaviour: bout.behaviour }));
    selection.set(null);
  };
  coding.split = () => {
    const at = now();
    const own = selection.own;
    const open = openings.all.findLast((one) => one.subject === store.subject && one.start < at);
    if (open && (!own || openings.isOpen(own))) {
      // One that is on ends here, and another of it begins.
      begin(open.behaviour, at);
      return;
    }
    const covers = (one) => one && !isPoint(one) && one.start < at && at < one.end;
    const bout = covers(own) ? own : store.bouts.findLast((one) => one.subject === store.subject && covers(one));
    if (!bout) {
      refuse(words.label_split_where);
      return;
    }
    if (store.edit("split", { bout, at })) choose({ ...bout, start: at });
  };
  coding.join = () => {
    const first = chosen();
    if (!first) return;
    const second = store.bouts.find(
      (one) =>
        one.start > first.start && one.subject === first.subject && one.behaviour === first.behaviour && !isPoint(one),
    );
    if (!second) refuse(fill("label_join_what", { behaviour: first.behaviour }));
    else if (store.edit("join", { first, second })) choose(first);
  };
  // Another behaviour; a prediction is taken over as it.
  coding.reclassify = (name) => {
    const { bout } = selection.isModel ? selection : { bout: chosen() };
    const behaviour = store.behaviour(name);
    if (!bout || !behaviour) return;
    if ((behaviour.kind === "point") !== isPoint(bout)) {
      refuse(fill("label_other_kind", { behaviour: name }));
      return;
    }
    const isDone = selection.isModel
      ? takeOver({ ...bout, behaviour: name, score: null }) // it is no prediction of the model's any more
      : store.edit("reclassify", { old: bout, behaviour: name });
    if (!isDone) return;
    if (openings.isOpen(bout)) openings.add({ ...bout, behaviour: name }, openings.idOf(bout));
    choose({ ...bout, behaviour: name });
    tell(fill("label_said_changed", { behaviour: name }));
  };
  // Whether it has the note now. A bout that is on may have been written anew while the note was.
  coding.setNote = (bout, comment) => {
    const old = current(bout);
    if (!old || (comment !== old.comment && !store.edit("note", { old, comment }))) return false;
    choose(bout);
    return true;
  };

  // Predictions.

  // What a person labelled there stays.
  function takeOver(bout) {
    return store.edit("confirm", { bout: { ...bout, subject: store.subject }, author: store.author });
  }
  const predictedAt = (at) => model.bouts.findLast((one) => one.start <= at && (at < one.end || isPoint(one)));
  // The bout of a run at a time is chosen as soon as it is here, unless another one is meanwhile.
  coding.expectPrediction = (value) => {
    expected = value;
    if (value) selection.set(null);
    chooseExpected();
  };
  function chooseExpected() {
    if (!expected || model.boutsOf !== expected.run) return;
    const bout = predictedAt(expected.seconds);
    if (bout) selection.set(bout, true);
  }
  model.on(() => queueMicrotask(chooseExpected)); // once the list has its rows, to show the one that is chosen
  selection.on(() => {
    if (selection.bout) expected = null;
  });
  coding.confirm = () => {
    const bout = selection.isModel ? selection.bout : predictedAt(now());
    if (!bout) {
      refuse(words.label_nothing_to_confirm);
      return;
    }
    if (!store.behaviour(bout.behaviour)) {
      refuse(fill("label_no_behaviour", { behaviour: bout.behaviour }));
      return;
    }
    const before = new Set(store.bouts);
    if (!takeOver(bout)) return;
    choose(store.bouts.find((one) => !before.has(one)) ?? bout);
    tell(fill("label_said_confirmed", { behaviour: bout.behaviour }));
  };

  // What was looked at: from here, and with a second press to there, of all axes.

  coding.mark = (what) => {
    const at = now();
    if (coding.marking?.what !== what) {
      setMarking({ what, from: at });
      return;
    }
    const from = coding.marking.from;
    setMarking(null);
    const [start, until] = at < from ? [at, from] : [from, nowAsEnd()];
    coding.markSpan(what, start, until, "");
  };
  coding.markSpan = (what, start, until, axis, subject = store.subject) => {
    if (!lasts(start, until)) {
      refuse(words.label_mark_where);
      return;
    }
    store.edit("mark", { what, start: toGrid(start), end: toGrid(until), subject, axis });
  };
  coding.unmarkHere = () => {
    const at = now();
    const here = [...store.scored, ...store.notScored].filter(
      (one) => one.subject === store.subject && one.start <= at && at < one.end,
    );
    if (!here.length) refuse(words.label_no_mark_here);
    for (const { start, end: until, axis } of here) coding.markSpan("nothing", start, until, axis);
  };
  coding.stopMarking = () => setMarking(null);
  function setMarking(value) {
    coding.marking = value;
    coding.onMarking();
  }

  // From bout to bout, of a list in order of time.
  coding.step = (list, way) => {
    const at = selection.bout?.start ?? now();
    const index = selection.bout ? list.findIndex(({ bout, isModel }) => selection.is(bout, isModel)) : -1;
    let next = null;
    if (index >= 0) next = list[index + way];
    else next = way > 0 ? list.find(({ bout }) => bout.start >= at) : list.findLast(({ bout }) => bout.start < at);
    if (next) coding.go(next.bout, next.isModel);
    else refuse(words[way > 0 ? "label_no_next" : "label_no_previous"]);
  };
  coding.go = (bout, isModel = false) => {
    selection.set(bout, isModel);
    player.seek(bout.start);
  };
  coding.loop = () => {
    const { bout } = selection;
    if (player.looped) player.loop(null);
    else if (bout && !isPoint(bout)) {
      player.loop({ start: bout.start, end: openings.endOf(bout, now()) });
      player.play();
    } else refuse(words.label_choose_first);
  };
  coding.addBout = (name, start, until) => {
    const bout = newBout(name, start, until);
    if (store.edit("add", { bout })) choose(bout);
  };
  return coding;
}
