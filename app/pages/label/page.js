// The Label page: the player, the timeline below it, behaviours and bouts beside it, and what joins them.

import * as bus from "../shared/bus.js";
import { isViewShown, viewShown } from "../shared/dom.js";
import { keep, kept } from "../shared/kept.js";
import { makeVideoChooser } from "../shared/video/chooser.js";
import { makeVideoPlayer, playerKeyOf, playerKeys } from "../shared/video/player.js";
import { startActions } from "./actions.js";
import { makeEthogramCard } from "./behaviours/card.js";
import { setPageKeys } from "./behaviours/keys.js";
import { makeBoutsList } from "./bouts_list.js";
import { makeCoding } from "./coding.js";
import { keyOf } from "./editing/edits.js";
import { store } from "./editing/store.js";
import { startFirstVisit } from "./first_visit.js";
import { startKeys } from "./keys.js";
import { makeModel } from "./model.js";
import { makeOpenings } from "./openings.js";
import { startOverlay } from "./overlay.js";
import { makeSelection } from "./selection.js";
import { startStatusBar } from "./status_bar.js";
import { makeTimeline } from "./timeline/timeline.js";
import { addStartButton } from "./video_facts.js";

const PLACE = "vidmem-label-place:"; // where the playhead was in a video
const EVERY = 5000; // milliseconds between two writings of it
const NOTICE = 9000; // milliseconds that a refusal stays

export function start(element) {
  const find = (name) => element.querySelector(name);
  const area = find(".vm-code-left");
  const [notice, said] = [find(".vm-code-notice"), find(".vm-code-said")];
  let noticeTimer = 0;
  let current; // the video's record; null: none, undefined: nothing was shown yet
  let hasMoved = false; // since it is shown: before, the playhead is where it was kept, or on its way there

  const tell = (sentence) => {
    said.textContent = sentence;
  };
  function refuse(sentence) {
    notice.textContent = sentence;
    notice.hidden = false;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => {
      notice.hidden = true;
    }, NOTICE);
  }

  makeVideoChooser(find(".vm-code-videos"));
  addStartButton(find(".vm-code-videos .vm-chooser-row"));
  const player = makeVideoPlayer(find(".vm-code-player"));
  const model = makeModel(store);
  const openings = makeOpenings(store);
  const selection = makeSelection(store, model);
  const coding = makeCoding({ store, player, openings, selection, model, tell, refuse });
  let list = null;
  const parts = {
    element,
    area,
    store,
    player,
    openings,
    selection,
    model,
    coding,
    tell,
    refuse,
    rows: () => list.rows,
  };
  const actions = startActions(parts);
  const timeline = makeTimeline(element, { ...parts, openMenu: actions.openMenu });
  list = makeBoutsList(element, { ...parts, openMenu: actions.openMenu });
  makeEthogramCard(element, { ...parts, timeline });
  startOverlay(parts);
  startStatusBar(parts);
  startFirstVisit(parts);
  const commands = actions.commands(timeline);
  const listKeys = startKeys({
    ...parts,
    playerKeys,
    playerKeyOf,
    commands,
    timeline,
    isShown: () => isViewShown("label"),
  });
  actions.setKeys(listKeys);
  setPageKeys([...playerKeys, ...commands]);

  store.on("refused", refuse);
  store.on("said", tell);
  store.on("undone", ({ added, removed }) => {
    const [bout] = [...added, ...removed];
    if (bout) timeline.reveal(bout.start);
    const back = added.length && store.bouts.find((one) => keyOf(one) === keyOf(added[0]));
    if (back) selection.set(back); // what came back is what the next key is about
  });
  player.loopOf = () => actions.loopOf();

  // Another video, or another start of its recording; taken over when the page is looked at.
  function takeVideo() {
    const record = bus.last.project_video;
    if (record === undefined || viewShown() !== "label") return;
    if (record === current) {
      const wanted = takeWanted(current);
      if (wanted !== null) player.seek(wanted);
      return;
    }
    leave();
    coding.setRecord(record);
    const wanted = takeWanted(record);
    const at = wanted ?? (Number(kept(PLACE + record?.name)) || 0);
    current = record;
    coding.stopMarking();
    store.show(record?.name ?? "");
    hasMoved = false;
    player.load(record, { at });
    if (wanted !== null) player.seek(wanted); // a video that is open already stays where it is
    timeline.load(record);
  }
  bus.on("project_video", takeVideo);
  // The moment that another page wants looked at, if it is of this video: "label_at", `{ video, seconds, run }`. With a
  // run, its bout there is chosen.
  function takeWanted(record) {
    const { video, seconds, run } = bus.last.label_at ?? {};
    if (!record || record.name !== video) return null;
    bus.last.label_at = null;
    coding.expectPrediction(run ? { run, seconds } : null);
    return seconds;
  }
  player.on("loaded", () => timeline.load(current));

  player.on("time", () => {
    hasMoved = true;
    coding.follow(player.seconds);
    keepPlace();
  });
  player.on("pause", () => {
    keepPlace(true);
    const isAtEnd = coding.now() >= coding.duration() - 1.5 * coding.frame();
    if (isAtEnd && !player.looped) coding.endAll();
  });
  // What is on is written as far as it goes whenever the page may be the last time that it is seen.
  bus.on("view_shown", (view) => {
    if (view !== "label") leave();
    else {
      takeVideo();
      area.focus({ preventScroll: true }); // so that the first key is a behaviour's
    }
  });
  document.addEventListener("visibilitychange", () => document.hidden && leave());
  window.addEventListener("pagehide", leave);
  function leave() {
    if (!current || !store.isLoaded) return;
    keepPlace(true);
    coding.keepOn();
  }

  let keptAt = 0;
  function keepPlace(isNow = false) {
    if (!current || !hasMoved || (!isNow && performance.now() - keptAt < EVERY)) return;
    keptAt = performance.now();
    keep(PLACE + current.name, String(player.seconds));
  }
  if (viewShown() === "label") area.focus({ preventScroll: true });
  element.dataset.ready = "";
}
