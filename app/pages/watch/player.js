// The picture with its label, the transport under it, and the keyboard.

import * as bus from "../shared/bus.js";
import { downloadLink, isTyping, PAUSE, PLAY } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { columnColour } from "./colours.js";
import { startCorrecting } from "./correcting.js";
import { startNowPanel } from "./now_panel.js";

export function start(element) {
  startNowPanel(element);
  const find = (selector) => element.querySelector(selector);
  const screen = find(".vm-screen");
  const image = find(".vm-screen img");
  const waiting = find(".vm-waiting");
  const tag = find(".vm-tag");
  const clock = find(".vm-clock");
  const big = find(".vm-big");
  const lookback = find(".vm-lookback");
  const progress = find(".vm-progress");
  const pace = find(".vm-pace");
  const speed = find(".vm-speed");
  const toggle = find("[data-act=toggle]");
  const jumpTime = find("#vm-jump-time");
  const unlike = find(".vm-unlike");
  const restart = find("[data-act=restart]");
  const jumpWhy = find(".vm-jump-why");
  const notice = find(".vm-notice");
  const storage = find(".vm-storage");
  const goOn = find("[data-act=go-on]");
  const alone = find(".vm-alone input");
  const aloneMeans = find(".vm-alone .vm-aside");
  const spoken = find("[role=status]");

  let play = { status: "empty" };
  let now = null;
  let looking = null;
  let playhead = null;
  let lastSpoken = "";
  let spokenAt = 0;
  let picture = null; // the one on view
  let arriving = null; // the one that the browser is about to show

  const correcting = startCorrecting(element, () => (tag.hidden ? null : picture));

  const isActive = () => play.status === "playing" || (play.status === "opening" && !play.is_held);
  const total = () => bus.last.source?.duration_seconds ?? 0;
  const isLive = () => bus.last.source?.is_live ?? false;

  // At the end there is nothing more to step to; looking back, there is.
  const canGoForward = () => looking !== null || (play.can_play && play.status !== "finished");

  // What was wrong with a time is of no interest once something else is done.
  function forgetJump() {
    jumpTime.removeAttribute("aria-invalid");
    jumpWhy.textContent = "";
  }

  function drawTransport() {
    const active = isActive();
    const begun = active || ["opening", "paused"].includes(play.status);
    toggle.querySelector("path").setAttribute("d", active ? PAUSE : PLAY);
    const again = now && !begun ? "play_again" : "play";
    const from = play.resume_seconds ?? null;
    toggle.querySelector("span").textContent =
      from === null
        ? words[active ? "pause" : begun ? "resume" : again]
        : fill("resume_from", { time: format.clock(from) });
    restart.hidden = from === null;
    if (restart.hidden) askRestart(false);
    toggle.disabled = !play.can_play && !begun;
    find("[data-act=stop]").disabled = !begun;
    find("[data-act=back]").disabled = !now;
    find("[data-act=forward]").disabled = !canGoForward();
    find(".vm-jump button").disabled = jumpTime.disabled = !play.can_play && !begun;
    find(".vm-jump").hidden = speed.hidden = progress.hidden = isLive();
    find(".vm-no-seek").hidden = !isLive();
    find("[data-act=from-here]").hidden = isLive();
    if (document.activeElement !== speed) speed.value = play.speed ?? "fast";
    big.hidden = begun || !play.can_play || looking !== null || now !== null;
    screen.classList.toggle("vm-resting", !big.hidden);
    const message = play.status === "opening" ? words.opening : play.status === "empty" ? words.choose_first : "";
    waiting.textContent = message;
    waiting.classList.toggle("vm-spin", play.status === "opening");
  }

  // What becomes of the run when its page is closed. The camera of this device ends with its page, whatever is set.
  function drawAlone() {
    const isWebcam = bus.last.source?.is_webcam ?? false;
    alone.checked = isWebcam || Boolean(play.ends_with_page);
    alone.disabled = isWebcam;
    const means = isWebcam ? "ends_webcam" : alone.checked ? "ends_stopped" : isLive() ? "ends_live" : "ends_never";
    aloneMeans.textContent = words[means];
  }

  function drawProgress() {
    const share = total() ? Math.min(1, (play.analysed_seconds ?? 0) / total()) : 0;
    progress.firstElementChild.style.width = `${share * 100}%`;
    progress.setAttribute("aria-valuenow", Math.round(share * 100));
    const place = { time: format.clock(play.analysed_seconds ?? 0), total: format.clock(total()) };
    progress.setAttribute("aria-valuetext", total() ? fill("of_total", place) : "");
  }

  // What lies on the picture is of the picture: where the playhead is stands below it.
  function drawPicture() {
    const isShown = picture !== null && picture.video === bus.last.source?.key;
    image.hidden = clock.hidden = !isShown;
    tag.hidden = !isShown || picture.label === undefined;
    correcting.draw();
    if (!isShown) return;
    image.alt = fill("picture_at", { time: format.clock(picture.seconds, { hasTenths: true }) });
    clock.textContent = format.clock(picture.seconds);
    if (tag.hidden) return;
    tag.firstElementChild.style.background = columnColour(picture.colour);
    const others = picture.others ?? []; // of a model of several axes
    const said = [[picture.label, picture.probability], ...others];
    tag.children[1].textContent = said
      .map(([label, share]) => [label, share.toFixed(2)].join(others.length ? " " : " · "))
      .join(" · ");
    tag.lastElementChild.hidden = picture.is_final;
  }
  const unlabelled = (one) => one && { ...one, label: undefined };

  // Between two answers of the server the playhead goes on by itself, at the rate that the server gave.
  // The model answers whatever it is shown: what looks unlike its training is told, and its labels are greyed.
  function drawUnlike() {
    const isUnlike = now?.is_unlike ?? false;
    unlike.hidden = !isUnlike;
    unlike.firstElementChild.textContent = fill("unlike", { model: bus.last.chips?.[0] ?? words.the_model });
    tag.classList.toggle("vm-doubtful", isUnlike);
    find(".vm-bars").classList.toggle("vm-doubtful", isUnlike);
  }

  function drawPlayhead() {
    if (playhead && isLive()) {
      drawLive();
      return;
    }
    if (!playhead || !total()) {
      pace.classList.remove("vm-damaged");
      pace.textContent = play.pace ?? "";
      return;
    }
    const since = (performance.now() - playhead.at) / 1000;
    const seconds = Math.min(playhead.seconds + playhead.rate * since, playhead.limit);
    const isEdge = play.speed === "fast" && now && Math.abs(seconds - now.end_seconds) < 0.01;
    const place = fill(isEdge ? "analysed_to" : "of_total", {
      time: format.clock(seconds),
      total: format.clock(total()),
    });
    pace.classList.toggle("vm-damaged", Boolean(play.is_warning));
    const isOnTheWay = (now || seconds > 0) && play.status !== "finished";
    pace.textContent = pace.title = [isOnTheWay ? place : "", play.pace].filter(Boolean).join(" · ");
    bus.emit("playhead", seconds);
  }

  function drawLive() {
    const place = now ? fill("live_analysed", { time: format.clock(playhead.seconds) }) : "";
    pace.textContent = [place, play.pace].filter(Boolean).join(" · ");
    bus.emit("playhead", playhead.seconds);
  }

  function drawLookback() {
    lookback.hidden = looking === null;
    screen.classList.toggle("vm-looking", looking !== null);
    if (looking === null) return;
    lookback.firstElementChild.textContent = fill(isLive() ? "live_looking_at" : "looking_at", {
      time: format.clock(looking.seconds, { hasTenths: total() < 600 }),
    });
  }

  // Said aloud when the label changes, and not more often than every four seconds.
  function speak() {
    if (!now) return;
    const label = [now.label, ...(now.others ?? []).map(([other]) => other)].join(" · ");
    if (label === lastSpoken || performance.now() - spokenAt < 4000) return;
    lastSpoken = label;
    spokenAt = performance.now();
    spoken.textContent = fill(now.is_final ? "spoken" : "spoken_provisional", {
      label,
      time: format.clock(now.start_seconds),
    });
  }

  bus.on("play", (value) => {
    play = value;
    playhead = value.playhead && { ...value.playhead, at: performance.now() };
    drawTransport();
    drawAlone();
    drawProgress();
    drawPlayhead();
  });
  bus.on("now", (value) => {
    now = value;
    drawPlayhead();
    drawTransport();
    drawUnlike();
    speak();
  });
  bus.on("look", (value) => {
    looking = value;
    drawLookback();
    drawTransport();
  });
  bus.on("picture", (value) => {
    arriving = value;
    image.src = `data:image/jpeg;base64,${value.jpeg}`;
  });
  image.addEventListener("load", () => {
    picture = arriving;
    drawPicture();
  });
  bus.on("points", (points) => {
    // a picture that stays gets the newest label of its time
    for (const one of new Set([picture, arriving])) {
      const newest =
        one &&
        one.video === bus.last.source?.key &&
        points.findLast(([, start, end]) => start <= one.seconds && one.seconds < end);
      const [, , , colour, values, isFinal] = newest || [];
      const label = bus.last.timeline?.classes[colour];
      if (label) Object.assign(one, { label, colour, probability: values[colour] / 255, is_final: Boolean(isFinal) });
    }
    drawPicture();
  });
  bus.on("epoch", () => {
    // its label was said by a play that is over
    [picture, arriving] = [unlabelled(picture), unlabelled(arriving)];
    drawPicture();
  });
  bus.on("source", () => {
    forgetJump();
    drawTransport();
    drawAlone();
    drawProgress();
    drawPicture();
    drawPlayhead();
  });
  let fading = 0;
  function drawNotice() {
    const silence = { lost: words.silent, unknown: words.unknown }[bus.last.silent];
    const value = silence ? { level: "error", text: silence } : bus.last.notice;
    notice.hidden = !value;
    notice.classList.toggle("vm-mild", value?.level === "info" || value?.level === "note");
    notice.firstElementChild.replaceChildren(
      value?.text ?? "",
      ...(value?.links ?? []).flatMap((file) => [" ", downloadLink(file)]),
    );
    goOn.hidden = !value?.resume;
    clearTimeout(fading);
    if (value?.level === "info") fading = setTimeout(() => bus.act("dismiss"), 10000);
  }
  bus.on("notice", drawNotice);
  bus.on("storage", (value) => {
    storage.hidden = !value;
    storage.firstElementChild.textContent = value?.text ?? "";
  });
  bus.on("silent", drawNotice);
  bus.on("model", drawPicture);
  bus.on("run", () => {
    picture = arriving = now = looking = playhead = null;
    drawPicture();
  });
  setInterval(() => {
    if (play.status === "playing" && playhead?.rate) drawPlayhead();
    speak();
  }, 200);

  // What was predicted leaves the page: so it is asked for twice.
  let isAsked = false;
  function askRestart(isAsking) {
    isAsked = isAsking;
    restart.textContent = words[isAsking ? "start_over_sure" : "start_over"];
  }
  restart.addEventListener("blur", () => askRestart(false));

  const clipSeconds = () => bus.last.settings?.seconds_between_predictions ?? 1;
  function stepTo(seconds) {
    const target = Math.max(0, Math.min(seconds, total() || seconds));
    bus.act("look", { seconds: target });
  }
  const actions = {
    toggle: () => bus.act(isActive() ? "pause" : "play"),
    play: () => bus.act("play"),
    stop: () => bus.act("stop"),
    restart: () => {
      if (isAsked) bus.act("restart");
      askRestart(!isAsked);
    },
    live: () => bus.act("look", null),
    "from-here": () => bus.act("jump", { seconds: looking.seconds, play: true }),
    back: () => bus.act("back"),
    forward: () => {
      if (looking === null) bus.act("step");
      else if (looking.seconds + clipSeconds() > (play.analysed_seconds ?? 0)) bus.act("look", null);
      else stepTo(looking.seconds + clipSeconds());
    },
    "go-on": () => bus.act("open_run", { id: bus.last.notice.resume, play: true }),
    dismiss: () => bus.act("dismiss"),
    correct: correcting.correct,
    "add-and-correct": correcting.addAndCorrect,
  };
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button || button.disabled) return;
    forgetJump();
    actions[button.dataset.act]();
  });
  progress.addEventListener("click", (event) => {
    const box = progress.getBoundingClientRect();
    stepTo(((event.clientX - box.left) / box.width) * total());
  });
  alone.addEventListener("change", () => bus.act("end_with_page", { is_on: alone.checked }));
  speed.addEventListener("change", () => bus.act("speed", { speed: speed.value }));
  find(".vm-jump").addEventListener("submit", (event) => {
    event.preventDefault();
    const seconds = format.parseClock(jumpTime.value);
    const isBehind = seconds !== null && total() > 0 && seconds >= total();
    jumpTime.setAttribute("aria-invalid", seconds === null || isBehind);
    jumpWhy.textContent =
      seconds === null ? words.jump_format : isBehind ? fill("jump_end", { time: format.clock(total()) }) : "";
    if (jumpWhy.textContent) return;
    bus.act("jump", { seconds, play: isActive() });
    jumpTime.value = "";
  });
  jumpTime.addEventListener("input", forgetJump);

  const keys = { " ": "toggle", ArrowLeft: "back", ArrowRight: "forward", Escape: "live", c: "correct" };
  document.addEventListener("keydown", (event) => {
    const name = keys[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!screen.getClientRects().length) return; // another page is on view
    if (isTyping(event.target) || (event.key !== " " && event.target.closest("[data-keys]"))) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const button = find(`[data-act=${name}]`);
    if (button.disabled || button.hidden || (name === "live" && looking === null)) return;
    event.preventDefault();
    actions[name]();
  });
}
