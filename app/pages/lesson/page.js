// The page of live teaching: a source that runs, behaviours that are held while they are shown, and bars that answer.

import { fetchJson, post, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isTyping, isViewShown, viewShown } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { authorOf } from "../shared/kept.js";
import { playerKeyOf } from "../shared/video/player.js";
import { chooseVideo } from "../shared/video/project.js";
import { fill, words } from "../shared/words.js";
import { makeRows } from "./rows.js";
import { makeSending } from "./sending.js";
import { makeSetup } from "./setup.js";
import { makeSource } from "./source.js";
import { drawStrip } from "./strip.js";

const VIEW = "lesson";
const STRIP = 500; // milliseconds between two drawings of the strip
const OWN_OF_CONTROLS = new Set([" ", "Enter"]); // a button in focus needs them for itself

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const [refused, said, strip] = [".vm-lesson-refused", ".vm-lesson-said", ".vm-lesson-strip"].map(find);
  const [on, state, limit] = [".vm-lesson-on", ".vm-lesson-state", ".vm-lesson-limit"].map(find);
  const button = (act) => find(`[data-lesson=${act}]`);
  let lesson = null;
  let kept = ""; // what became of the examples that were kept last, in words
  let held = null; // { number, start } of what is being shown
  let shownRecord; // of the video that the player has; undefined: none was shown yet

  const refuse = (sentence) => {
    refused.hidden = !sentence;
    refused.textContent = sentence ?? "";
  };
  const tell = (sentence) => {
    said.textContent = sentence;
  };

  const source = makeSource(find(".vm-lesson-source"), { refuse, left: (seconds) => release(seconds) });
  const sending = makeSending(source, { receive, isShowing: () => held !== null });
  const rows = makeRows(find(".vm-lesson-rows"), {
    isOn: () => lesson !== null && isViewShown(VIEW),
    hold,
    release: () => release(source.seconds),
  });
  const setup = makeSetup(find(".vm-lesson-setup"), {
    async begin(behaviours, axis) {
      const video = source.isCamera ? "" : (shownRecord?.name ?? "");
      if (!source.isCamera && shownRecord?.state !== "here") return refuse(words.lesson_choose_video);
      const answer = await post("lesson/start", { run: bus.run, behaviours, axis, video });
      refuse(answer.error);
      if (answer.error) return undefined;
      source.goOnFrom(0);
      kept = "";
      setLesson(answer.lesson);
      return on.focus({ preventScroll: true }); // so that the space key plays, and a digit shows
    },
  });

  // What is shown

  function hold(number) {
    if (!source.isRunning) {
      refuse(source.isCamera ? words.lesson_camera_first : words.lesson_play_first);
      return false;
    }
    refuse("");
    held = { number, start: source.seconds };
    sending.ask("begin", { behaviour: lesson.behaviours[number].name, seconds: held.start.toFixed(4) });
    draw();
    return true;
  }
  async function release(seconds) {
    if (!held) return;
    const { number, start } = held;
    held = null;
    rows.drop();
    const end = Math.max(start, seconds);
    const answer = await sending.ask("end", { seconds: end.toFixed(4) });
    if (!answer.error && lesson) tell(rows.said(number, format.span(end - start)));
  }

  // What the lesson answers

  function receive(answer) {
    if (answer.error) {
      refuse(answer.error);
      if (!answer.isSilent) load();
    } else setLesson(answer.lesson);
  }
  function setLesson(next) {
    const isNew = Boolean(next) !== Boolean(lesson);
    lesson = next;
    if (isNew) {
      source.hold(Boolean(lesson));
      setup.show(!lesson);
      on.hidden = strip.hidden = !lesson;
      if (lesson) sending.begin();
      else sending.end();
    }
    if (!lesson) held = null;
    draw();
  }
  function draw() {
    if (!lesson) return;
    rows.draw(lesson);
    const { examples, left_out_f1: f1, missing, video } = lesson;
    const text = missing || (f1 === null ? "" : fill("lesson_good", { f1: f1.toFixed(2) }));
    if (state.textContent !== text) state.textContent = text;
    if (limit.textContent !== lesson.limit) limit.textContent = lesson.limit;
    limit.hidden = !lesson.limit;
    find(".vm-lesson-of").textContent = video || words.lesson_camera;
    button("last").disabled = button("all").disabled = !examples.length;
    button("keep").hidden = !video;
    button("keep").disabled = !examples.length || lesson.is_kept;
    const howKept = lesson.is_kept ? kept || words.lesson_kept : words.lesson_keep_how;
    find(".vm-lesson-kept").textContent = video ? howKept : words.lesson_camera_kept;
    find(".vm-lesson-next").hidden = !lesson.is_kept;
    drawTime();
  }
  function drawTime() {
    if (!lesson) return;
    const until = lesson.video ? source.player.duration : 0;
    drawStrip(strip, lesson, { until, held, now: source.seconds });
  }

  // Buttons

  on.addEventListener("click", async (event) => {
    const act = event.target.closest("[data-lesson]")?.dataset.lesson;
    if (!act) return;
    refuse("");
    if (act === "keep") {
      const answer = await sending.ask("keep", { author: authorOf() });
      if (answer.error) return;
      kept = answer.text;
      tell(kept);
      draw();
    } else if (act === "stop") {
      await sending.ask("stop");
      source.release();
    } else sending.ask("clear", { what: act });
  });
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.defaultPrevented || !isViewShown(VIEW) || source.isCamera || !target.closest) return;
    if (isTyping(target) || target.closest("dialog, summary")) return;
    if (OWN_OF_CONTROLS.has(event.key) && target.closest("button, a")) return;
    const wanted = playerKeyOf(event);
    if (!wanted) return;
    event.preventDefault();
    wanted.run(source.player);
  });

  // The video of the project; a lesson is of the one with which it began.

  function takeVideo() {
    const record = bus.last.project_video;
    if (record === undefined || viewShown() !== VIEW) return;
    if (lesson?.video && record?.name !== lesson.video) {
      chooseVideo(lesson.video);
      return;
    }
    if (record === shownRecord) return;
    shownRecord = record;
    source.player.load(record);
  }
  bus.on("project_video", takeVideo);
  source.player.on("loaded", drawTime);

  async function load() {
    const answer = await fetchJson(`lesson/state?${queryOf({ run: bus.run })}`);
    if (answer.error) {
      refuse(answer.error);
      return;
    }
    setup.draw(answer.axes);
    // One that was begun before the page was loaded anew.
    if (answer.lesson && !lesson) {
      source.choose(answer.lesson.video ? "file" : "camera");
      source.goOnFrom(1 + Math.max(0, ...answer.lesson.examples.map(([, , end]) => end)));
    }
    setLesson(answer.lesson);
    takeVideo();
  }
  bus.on("run", (run) => run && load());
  bus.on("view_shown", (view) => {
    if (view === VIEW) {
      load();
      return;
    }
    rows.drop();
    source.release();
  });
  document.addEventListener("visibilitychange", () => document.hidden && rows.drop());
  setInterval(() => isViewShown(VIEW) && drawTime(), STRIP);
  element.dataset.ready = "";
}
