// The labels of the video on view: what the server has, and on top of it the edits that wait for its answer.
//
//   base      as the server said last, at `revision`
//   waiting   edits made on it, in order, sent one request after another
//   shown     base with what waits: drawn in the frame of the key press
//
// An edit that is refused is taken back, and so is each that would do something else without it: what it did is
// remembered, and done again on what the server has now.

import { fetchJson, pause, queryOf } from "../../shared/ask.js";
import * as bus from "../../shared/bus.js";
import { isViewShown } from "../../shared/dom.js";
import { AUTHOR, authorOf, keep, kept } from "../../shared/kept.js";
import { fill, words } from "../../shared/words.js";
import { applied, effectOf, NO_EFFECT, NO_LABELS, Refusal, withChanges } from "./edits.js";
import { keepWaiting, MAX_WAITING, newId, takeOver } from "./waiting.js";

const POLL = 1500; // milliseconds between two looks at what others changed
const AGAIN = 1000; // until a request that was not answered is sent again
const PATIENCE = 15000; // until nobody waits for an answer any more
const MAX_SENT = 50; // edits of one request
const MAX_CHARACTERS = 30000; // of one request: the server takes 100 kB
const KEPT_SUBJECT = "vidmem-label-subject:"; // with the project and the video: animals are those of one

const listeners = new Map(); // topic -> functions
let base = NO_LABELS;
let shown = NO_LABELS;
let axes = new Map(); // behaviour -> its axis
let waiting = [];
let project = "";
let isSending = false;
let line = Promise.resolve(); // one request at a time: each is about the revision that the one before gave

export const store = {
  video: "",
  ethogram: [],
  revision: 0,
  author: authorOf(),
  subject: "",
  isLoaded: false,
  undoable: null, // { revision, words } of what would be undone; null: nothing
  redoable: null,
  savedAt: 0, // when the server last said that an edit is saved; 0: not since the page was opened
  trouble: "", // why nothing can be saved now

  get bouts() {
    return shown.bouts;
  },
  get scored() {
    return shown.scored;
  },
  get notScored() {
    return shown.notScored;
  },
  get labels() {
    return shown;
  },
  get axes() {
    return axes;
  },
  get numWaiting() {
    return waiting.length;
  },
  get project() {
    return project;
  },

  // `changed`: labels, ethogram or history; `saving`: what waits; `said`: a sentence; `refused`: one about an edit;
  // `undone`: what came and went by an undo or a redo; `loaded`: another video.
  on(topic, listener) {
    listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  },

  behaviour: (name) => store.ethogram.find((one) => one.name === name),
  setAuthor(author) {
    store.author = author.trim();
    keep(AUTHOR, store.author);
    say("changed");
  },
  setSubject(subject) {
    store.subject = subject.trim();
    if (store.isLoaded) keep(subjectPlace(), store.subject);
    say("changed");
  },

  // Shows another video, "" for none: what waits of the one before is sent all the same.
  async show(video) {
    if (store.video === video && store.isLoaded) return;
    Object.assign(store, { video, isLoaded: false, subject: "", undoable: null, redoable: null });
    base = shown = NO_LABELS;
    say("changed");
    await store.reload();
  },

  // All anew from the server. What waits stays on top.
  reload: () => inLine(load),

  // Another part of the page had the server change something, and this is its answer.
  apply: () => inLine(look),

  // Does one step; gives back its id, or null where it is refused here already.
  edit(doing, fields, { continues = "" } = {}) {
    if (waiting.length >= MAX_WAITING) {
      say("refused", fill("label_too_many_waiting", { count: MAX_WAITING }));
      return null;
    }
    if (!store.isLoaded) {
      say("refused", words.label_not_loaded);
      return null;
    }
    const { video, author, revision } = store;
    const edit = { id: newId(), do: doing, ...fields, video, revision, author, continues };
    const after = attempt(edit);
    if (!after) return null;
    edit.effect = effectOf(shown, after);
    const isMark = after.scored !== shown.scored || after.notScored !== shown.notScored;
    if (edit.effect === NO_EFFECT && !isMark) return edit.id; // it is so already
    waiting.push(edit);
    shown = after;
    keepWaiting(project, waiting);
    say("changed");
    say("saving");
    send();
    return edit.id;
  },

  // What is drawn of the labels changed, and not they themselves.
  touch: () => say("changed"),

  undo: () => stepBack("undo"),
  redo: () => stepBack("redo"),
};

export function say(topic, value) {
  for (const listener of listeners.get(topic) ?? []) listener(value);
}

function attempt(edit) {
  try {
    return applied(shown, edit, axes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say("refused", fill(error.why, error.values));
    return null;
  }
}

// What waits, on top of what the server has. What would do something else than what was seen is dropped; of what was
// sent and not answered, only the server knows whether it was done.
function rebase() {
  shown = base;
  const kept = [];
  let numDropped = 0;
  for (const edit of waiting) {
    if (edit.video !== store.video) {
      kept.push(edit);
      continue;
    }
    let after = null;
    try {
      after = applied(shown, edit, axes);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    const isAsSeen = after && edit.effect === effectOf(shown, after);
    if (isAsSeen || (edit.isSent && after)) shown = after;
    if (isAsSeen && !edit.isSent) edit.revision = store.revision;
    if (isAsSeen || edit.isSent) kept.push(edit);
    else numDropped += 1;
  }
  waiting = kept;
  if (numDropped) say("refused", fill(numDropped === 1 ? "label_dropped_one" : "label_dropped", { count: numDropped }));
}

// What the server said, taken over; whether it was all that is new.
function takeNews(answer) {
  store.revision = answer.revision;
  if (answer.undo !== undefined) store.undoable = answer.undo;
  if (answer.redo !== undefined) store.redoable = answer.redo;
  if (answer.ethogram) setEthogram(answer.ethogram);
  if (answer.is_complete === false) return false;
  base = withChanges(base, answer);
  return true;
}
function setEthogram(ethogram) {
  store.ethogram = ethogram;
  axes = new Map(ethogram.map(({ name, axis }) => [name, axis]));
}
function settle() {
  rebase();
  keepWaiting(project, waiting);
  say("changed");
  say("saving");
}

async function load() {
  const { video } = store;
  const answer = await request(`label/labels?${queryOf({ video })}`);
  if (video !== store.video) return;
  if (answer.error) {
    setTrouble(answer);
    return;
  }
  setTrouble(null);
  const isFirst = project !== answer.project;
  project = answer.project;
  base = { bouts: answer.bouts, scored: answer.scored, notScored: answer.not_scored };
  const { revision, undo: undoable, redo: redoable } = answer;
  Object.assign(store, { revision, undoable, redoable });
  setEthogram(answer.ethogram);
  if (isFirst) waiting = [...takeOver(project), ...waiting];
  const wasLoaded = store.isLoaded;
  store.isLoaded = true;
  if (!wasLoaded) store.subject ||= kept(subjectPlace()) ?? "";
  settle();
  if (!wasLoaded) say("loaded");
  if (waiting.length) send();
}

// What others changed.
async function look() {
  const { video, revision } = store;
  if (!store.isLoaded) return load();
  const answer = await request(`label/changes?${queryOf({ video, since: revision })}`);
  if (video !== store.video) return;
  setTrouble(answer.error ? answer : null);
  if (answer.error || answer.revision === revision) return;
  if (!takeNews(answer)) await load();
  settle();
}

function inLine(work) {
  line = line.then(work, work);
  return line;
}
const request = (address, options = {}) => fetchJson(address, { ...options, signal: AbortSignal.timeout(PATIENCE) });
function post(address, value) {
  const headers = { "Content-Type": "application/json" };
  return request(address, { method: "POST", headers, body: JSON.stringify(value) });
}
function setTrouble(answer) {
  const sentence = answer?.error ?? "";
  if (sentence === store.trouble) return;
  store.trouble = sentence;
  say("saving");
}

// Sends what waits, until nothing does.
async function send() {
  if (isSending) return;
  isSending = true;
  try {
    while (waiting.length) {
      const isDone = await inLine(sendSome);
      if (!isDone) await pause(AGAIN);
    }
  } finally {
    isSending = false;
  }
}
async function sendSome() {
  const first = waiting[0];
  if (!first) return true;
  const { video, revision } = first;
  const isAlike = (one) => ["video", "author", "revision", "isSent"].every((name) => one[name] === first[name]);
  let size = 0;
  const fits = (one, index) => {
    size += JSON.stringify(one).length;
    return isAlike(one) && index < MAX_SENT && (size < MAX_CHARACTERS || index === 0);
  };
  const stop = waiting.findIndex((one, index) => !fits(one, index));
  const batch = waiting.slice(0, stop < 0 ? waiting.length : stop);
  for (const edit of batch) edit.isSent = true;
  keepWaiting(project, waiting);
  const edits = batch.map(({ effect: _, isSent: _sent, video: _video, revision: _at, author: _by, ...edit }) => edit);
  const answer = await post("label/edit", { video, revision, author: first.author, edits: withAuthors(edits, first) });
  if (!answer.results) {
    setTrouble({ error: answer.error ?? words.silent });
    return false;
  }
  setTrouble(null);
  await takeResults(answer, batch);
  return true;
}
// Who confirms a prediction is its author.
const withAuthors = (edits, { author }) => edits.map((edit) => (edit.do === "confirm" ? { ...edit, author } : edit));

async function takeResults(answer, batch) {
  const { video, revision } = batch[0];
  const answered = new Set(answer.results.map(({ id }) => id));
  for (const edit of batch) edit.isSent = answered.has(edit.id); // the rest was not looked at
  waiting = waiting.filter(({ id }) => !answered.has(id));
  const refused = answer.results.find((one) => one.error);
  if (answer.results.some((one) => !one.error)) store.savedAt = Date.now();
  if (refused) say("refused", refused.error);
  if (video === store.video && store.isLoaded) {
    // An answer to what was made on an earlier revision has what is known here already.
    if (revision !== store.revision) await look();
    else if (!takeNews(answer)) await load();
  }
  settle();
  bus.emit("label_saved", answer.revision);
}

// Undo and redo are the server's: it keeps the steps of all pages. What it has not got yet is taken back here, if it is
// of the video on view: of another nobody would see it go.
async function stepBack(what) {
  const last = waiting.at(-1);
  if (what === "undo" && last?.video === store.video && !last.isSent) {
    waiting.pop();
    settle();
    return;
  }
  while (isSending && !store.trouble) await pause(20);
  if (waiting.length) {
    say("refused", words.label_undo_later);
    return;
  }
  await inLine(async () => {
    const step = what === "undo" ? store.undoable : store.redoable;
    if (!step) {
      say("refused", words[what === "undo" ? "label_no_undo" : "label_no_redo"]);
      return;
    }
    const { video, author, revision: since } = store;
    const answer = await post(`label/${what}`, { video, author, since, edit: step.revision });
    if (answer.error) {
      say("refused", answer.error);
      await look();
      return;
    }
    if (video !== store.video) return;
    store.savedAt = Date.now();
    if (!takeNews(answer)) await load();
    settle();
    say("said", answer.words);
    say("undone", answer);
  });
}

// Others may edit while this page is looked at.
let isLooking = false;
setInterval(async () => {
  if (!isViewShown("label") || isSending || isLooking) return;
  isLooking = true;
  try {
    await inLine(() => (store.isLoaded && waiting.length ? null : look()));
  } finally {
    isLooking = false;
  }
}, POLL);
bus.on("view_shown", (view) => {
  if (view === "label" && store.isLoaded) store.apply();
});

const subjectPlace = () => `${KEPT_SUBJECT}${project}:${store.video}`;
