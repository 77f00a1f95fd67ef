// A player of the project's videos: the original by parts as the browser asks for them, or its playable copy.
//
//   browser's time of the file   |--shift--|frame 0 ...
//   vidmem's time                          0            seconds from the first frame, as in predictions
//
// `seconds` is the presentation time of the frame on view, which the browser tells for each frame that it shows; which
// frames there are, and when, comes from the server. Steps go to the middle of a frame's time, so that no rounding shows
// the one beside it.

import { fetchReady, pause, queryOf } from "../ask.js";
import { make } from "../dom.js";
import * as format from "../format.js";
import { fill, words } from "../words.js";
import { keepSound, layOutPlayer, restoreSound, SPEEDS } from "./controls.js";
import { makeFrameTimes } from "./frames.js";
import { hasProxy, offerProxy } from "./proxy.js";
import { wallClock } from "./wall_clock.js";
import { makeZoom } from "./zoom.js";

const [SLOWEST, FASTEST] = [SPEEDS[0], SPEEDS.at(-1)];
const JUMP = 5; // seconds
const INSIDE = 0.002; // seconds from the edge of a frame's time that are surely inside
const SAME = 0.002; // seconds: less is rounding
const SHOWN_WITHIN = 300; // milliseconds in which a browser shows a frame that it has gone to
const CREEP_SPEED = 0.0625; // the slowest that browsers play
const [MAX_TRIES, MAX_CREEP] = [3, 3000]; // times, milliseconds
const PAN = 0.1; // of the picture
const DRAGGED = 4; // pixels from which a press is no click
const LOOP_AROUND = 2; // seconds to each side, where nobody says what to loop
const EARLY = 16; // milliseconds before the end of a loop: a browser goes on showing frames until a seek begins

// What keys do, for pages that bind them: the player itself listens to none. `isShifted`: with Shift.
export const playerKeys = [
  { key: " ", words: words.vp_key_toggle, run: (player) => player.toggle() },
  { key: "ArrowLeft", words: words.vp_key_back, run: (player) => player.seek(player.seconds - JUMP) },
  { key: "ArrowRight", words: words.vp_key_on, run: (player) => player.seek(player.seconds + JUMP) },
  { key: ",", words: words.vp_key_frame_back, run: (player) => player.step(-1) },
  { key: ".", words: words.vp_key_frame_on, run: (player) => player.step(1) },
  { key: "<", words: words.vp_key_slower, run: (player) => player.changeSpeed(-1) },
  { key: ">", words: words.vp_key_faster, run: (player) => player.changeSpeed(1) },
  { key: "l", words: words.vp_key_loop, run: (player) => player.toggleLoop() },
  { key: "f", words: words.vp_key_full, run: (player) => player.toggleFullScreen() },
  { key: "m", words: words.vp_key_mute, run: (player) => player.toggleMute() },
  { key: "+", words: words.vp_key_zoom_in, run: (player) => player.zoomIn() },
  { key: "-", words: words.vp_key_zoom_out, run: (player) => player.zoomOut() },
  { key: "0", words: words.vp_key_zoom_off, run: (player) => player.setZoom(1) },
  ...[
    ["ArrowLeft", PAN, 0],
    ["ArrowRight", -PAN, 0],
    ["ArrowUp", 0, PAN],
    ["ArrowDown", 0, -PAN],
  ].map(([key, x, y]) => ({ key, isShifted: true, words: words.vp_key_pan, run: (player) => player.pan(x, y) })),
  { key: "Home", words: words.vp_key_home, run: (player) => player.seek(0) },
  { key: "End", words: words.vp_key_end, run: (player) => player.seek(player.duration) },
];

// The one of an event of the keyboard, or undefined.
export function playerKeyOf({ key, shiftKey, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return undefined;
  // Of signs such as "<", Shift is a part.
  const isArrow = key.startsWith("Arrow");
  return playerKeys.find((one) => one.key === key && (!isArrow || Boolean(one.isShifted) === shiftKey));
}

export function makeVideoPlayer(element) {
  const parts = layOutPlayer(element);
  const { video, screen, stage, overlay, message, note, seekBar, clock } = parts;
  const listeners = new Map();
  let record = null;
  let number = 0; // of the newest load
  let frames = null;
  let shift = 0;
  let isCopy = false;
  let seconds = 0; // of the frame on view
  let aim = null; // where a seek under way goes: { seconds, target, done }
  let queued = null; // the newest seek that waits for it
  let span = null; // to loop
  let loopTimer = 0;
  let isLoaded = false; // frames that come before are of the video before
  let isPlaced = false; // where its frames lie is known
  let firstShown = null; // the browser's time of the first frame that it showed
  let lastShown = null; // and of the newest
  let isHeard = false; // since the newest seek
  let hear = () => {}; // whoever waits for the next frame
  let isCreeping = false;
  let ready = Promise.resolve(); // once it is known where frames lie
  let stopOffer = () => {};

  const on = (topic, listener) => listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  const emit = (topic, value) => {
    for (const listener of listeners.get(topic) ?? []) listener(value);
  };
  const isReady = () => Boolean(record) && video.readyState >= 1;
  // What a container says may end before its last frame does.
  const duration = () => Math.max(record?.duration_seconds ?? 0, frames?.endSeconds ?? 0);
  const zoom = makeZoom(screen, stage, (value) => parts.drawZoom(value));

  // Loading

  // From a time on, or from its start. A record that is new of the video on view changes what is said of it, and not what
  // is shown.
  function load(next, { at = 0 } = {}) {
    const isSame = next && record && next.id === record.id && next.state === record.state;
    if (!isSame || !isReady()) return loadAnew(next, { at });
    record = next;
    draw();
    return ready;
  }
  async function loadAnew(next, { at = 0 } = {}) {
    number += 1;
    const own = number;
    unload();
    record = next;
    if (!next) return say(words.vp_none);
    if (next.state !== "here") return say(words[`vp_${next.state}`]);
    if (next.trouble) return say(next.trouble);
    say(words.vp_opening);
    frames = makeFrameTimes(next);
    const isNamed = Boolean(next.mime) && !undecodable.has(next.id);
    const isPlayable = isNamed && canPlay(next.mime);
    const isInPart = isNamed && !isPlayable && canPlay(withoutSound(next.mime));
    const hasCopy = !isPlayable && (await hasProxy(next));
    if (own !== number) return;
    if (hasCopy) open(`media/${next.id}/proxy.mp4`, { copy: true, at });
    else if (isPlayable || isInPart) open(`media/${next.id}`, { copy: false, at });
    else return offer(undecodable.has(next.id) ? words.vp_not_decodable : words.vp_not_playable, at);
    if (isInPart && !hasCopy) offerSound();
    ready = measure(own);
    return ready;
  }
  function unload() {
    stopOffer();
    loopTo(null);
    clearTimeout(loopTimer);
    settleAim();
    queued = null;
    isLoaded = isPlaced = isCreeping = false;
    firstShown = lastShown = null;
    [frames, shift, seconds] = [null, 0, 0];
    note.hidden = true;
    close();
    zoom.set(1);
    draw();
  }
  function close() {
    video.pause();
    ready = Promise.resolve();
    if (!video.hasAttribute("src")) return;
    video.removeAttribute("src");
    video.load(); // lets go of its connection
  }
  function open(address, { copy, at }) {
    isCopy = copy;
    stopOffer();
    video.src = address;
    if (at > 0) seek(at);
  }
  // Where the first frame lies on the browser's time line: at the container's own time of it, as Chromium has it, or else
  // where the first frame that was seen is.
  async function measure(own) {
    await Promise.all([frames.need(0), hasLoaded()]);
    if (own !== number) return;
    if (frames.failure) tell(words.vp_no_times);
    else if (!isCopy) shift = frames.containerSeconds;
    if (firstShown === null && video.requestVideoFrameCallback) await frameShown();
    if (own !== number) return;
    if (firstShown !== null && !isFrame(firstShown)) shift = firstShown;
    const isElsewhere = video.currentTime < shift - SAME || frames.frameAt(video.currentTime - shift)?.start > 0;
    if (isElsewhere && !queued) go(0, () => targetOf(0));
    isPlaced = true;
    hush();
    show(Math.max(shift, video.currentTime));
    draw();
    emit("loaded", record);
    next();
  }
  const hasLoaded = () =>
    isLoaded || new Promise((done) => video.addEventListener("loadedmetadata", done, { once: true }));
  function isFrame(browserTime) {
    const frame = frames.frameAt(browserTime - shift);
    return Boolean(frame) && Math.abs(browserTime - shift - frame.start) < SAME;
  }
  // Until the browser shows another frame, or surely shows none.
  function frameShown() {
    return new Promise((done) => {
      const timer = setTimeout(done, SHOWN_WITHIN);
      hear = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  function say(text) {
    message.hidden = false;
    message.replaceChildren(make("p", { textContent: text }));
    draw();
  }
  function hush() {
    message.hidden = true;
    message.replaceChildren();
  }
  function tell(text, ...more) {
    note.hidden = false;
    note.replaceChildren(text, ...more);
  }
  // Of a copy, which is shown from a time on once it is there.
  function offer(why, at = seconds) {
    say(why);
    const here = make("div", { className: "vm-vp-offer" });
    message.replaceChildren(here);
    stopOffer = offerProxy(here, record, why, () => loadAnew(record, { at }));
    emit("trouble", why);
  }
  function offerSound() {
    const button = make("button", { type: "button", textContent: words.vp_make_copy });
    button.addEventListener("click", () => {
      note.hidden = true;
      pauseVideo();
      offer(words.vp_no_sound);
    });
    tell(`${words.vp_no_sound} `, button);
  }
  async function fail() {
    const own = number;
    const { code } = video.error ?? {};
    settleAim();
    if (!record || !video.hasAttribute("src")) return;
    close();
    const answer = await factsOf(record.name);
    if (own !== number) return;
    if (answer && answer.state !== "here") say(words[`vp_${answer.state}`]);
    else if (isCopy) say(words.vp_copy_broken);
    else {
      if (code !== NETWORK) undecodable.add(record.id);
      offer(code === NETWORK ? words.vp_connection : words.vp_not_decodable);
    }
  }

  video.addEventListener("error", fail);
  video.addEventListener("loadedmetadata", () => {
    if (!video.videoWidth) {
      close();
      undecodable.add(record.id);
      offer(words.vp_not_decodable);
      return;
    }
    isLoaded = true;
    screen.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
    draw();
  });

  // Time

  function show(browserTime) {
    const time = Math.max(0, browserTime - shift);
    const frame = frames?.frameAt(time);
    if (!frame) frames?.need(time);
    seconds = frame ? frame.start : time;
    drawClock();
  }
  function onFrame(_now, { mediaTime }) {
    if (isLoaded) {
      firstShown ??= mediaTime;
      lastShown = mediaTime;
      isHeard = true;
      hear();
    }
    if (isPlaced && !video.seeking) show(mediaTime);
    if (!video.paused && !isCreeping) {
      emit("time", seconds);
      watchLoop();
    }
    video.requestVideoFrameCallback(onFrame);
  }
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onFrame);
  // Each animation frame too: where frames are long, others still follow the sound.
  function onAnimation() {
    if (video.paused || isCreeping) return;
    if (!video.requestVideoFrameCallback) show(video.currentTime);
    emit("time", seconds);
    watchLoop();
    requestAnimationFrame(onAnimation);
  }

  // Where a seek has to go so that the browser shows the frame on display at a time, and goes on from that time.
  function targetOf(time) {
    const frame = frames?.frameAt(time);
    if (!frame) return time + shift + INSIDE / 4;
    const inside = Math.min(INSIDE, (frame.end - frame.start) / 2);
    return Math.max(frame.start + inside, Math.min(time, frame.end - inside)) + shift;
  }
  const middleOf = (frame) => (frame.start + Math.max(frame.end, frame.start)) / 2 + shift;

  async function seek(time) {
    const own = number;
    if (!record || !video.hasAttribute("src")) return;
    await ready;
    if (own !== number) return;
    const wanted = Math.max(0, Math.min(time, duration() || time));
    frames?.need(wanted);
    await go(wanted, () => targetOf(wanted));
  }
  // One seek at a time; of those that come meanwhile, the newest is done next.
  function go(wanted, target) {
    return new Promise((done) => {
      queued?.done();
      queued = { seconds: wanted, target, done };
      if (!aim) next();
    });
  }
  function next() {
    if (!queued || !isReady()) return;
    aim = queued;
    queued = null;
    isHeard = false;
    video.currentTime = aim.target();
  }
  function settleAim() {
    aim?.done();
    aim = null;
  }
  video.addEventListener("seeked", async () => {
    const own = number;
    const { currentTime } = video;
    if (isCreeping) return;
    if (frames && !frames.frameAt(currentTime - shift)) await frames.need(currentTime - shift);
    if (own !== number) return;
    show(currentTime);
    if (video.paused && !queued) await settle(frames?.frameAt(currentTime - shift), own);
    if (own !== number) return;
    emit("time", seconds);
    settleAim();
    next();
  });
  // A browser shows the first frame that lasts beyond the place of a seek. How long frames last is not always stored right
  // (varying rates with B-frames): then it shows one before, or one behind.
  async function settle(frame, own) {
    const isSeen = !document.hidden && video.checkVisibility(); // else no frame is shown
    if (!frame || !isSeen || !video.requestVideoFrameCallback || frames.failure) return;
    const isRight = () => lastShown !== null && Math.abs(lastShown - shift - frame.start) < SAME;
    if (!isHeard) await frameShown(); // it may stay the same one
    if (own !== number || isRight() || lastShown === null || queued) return;
    isCreeping = true;
    let before = frame;
    for (let tries = 0; tries < MAX_TRIES && !isRight() && own === number && !queued; tries += 1) {
      // What has ended would be played from its beginning.
      if (lastShown - shift > frame.start || video.ended) {
        before = frames.frameAt(before.previous ?? 0) ?? before;
        video.currentTime = middleOf(before);
        await frameShown();
      }
      await creep(frame, own);
    }
    if (own !== number) return;
    isCreeping = false;
    show(lastShown);
  }
  // Slowly on, until a frame is on view: played, each is shown at its own time.
  async function creep(frame, own) {
    const { muted, playbackRate } = video;
    video.muted = true;
    video.playbackRate = CREEP_SPEED;
    const end = performance.now() + MAX_CREEP;
    try {
      await video.play();
      const isBefore = () => lastShown - shift < frame.start - SAME;
      const goesOn = () => own === number && !queued && !video.ended && performance.now() < end;
      while (isBefore() && goesOn()) await frameShown();
    } catch {
      /* the browser does not play now: the frame that it shows is told */
    }
    if (!video.paused) {
      const paused = new Promise((done) => video.addEventListener("pause", done, { once: true }));
      video.pause();
      await paused; // nobody else is told of it
    }
    video.muted = muted;
    video.playbackRate = playbackRate;
  }

  async function step(count) {
    if (!record || !frames) return;
    pauseVideo();
    const own = number;
    await ready;
    if (own !== number || !video.hasAttribute("src")) return;
    let frame = await frames.need(queued?.seconds ?? aim?.seconds ?? seconds);
    for (let left = Math.abs(count); left > 0; left -= 1) {
      const time = count > 0 ? frame.next : frame.previous;
      if (time === null) break;
      frame = await frames.need(time);
    }
    if (own !== number) return;
    await go(frame.start, () => middleOf(frame));
  }

  // Playing

  async function play() {
    while (isCreeping) await pause(SHOWN_WITHIN / 10);
    if (!isReady() || !element.checkVisibility()) return;
    if (video.ended || seconds >= duration() - SAME) await seek(span?.start ?? 0);
    try {
      await video.play();
    } catch (error) {
      if (error.name !== "AbortError") emit("trouble", error.message);
    }
  }
  const pauseVideo = () => video.pause();
  const toggle = () => (video.paused || isCreeping ? play() : pauseVideo());
  video.addEventListener("play", () => {
    if (isCreeping) return;
    draw();
    emit("play");
    requestAnimationFrame(onAnimation);
  });
  video.addEventListener("pause", () => {
    if (isCreeping) return;
    clearTimeout(loopTimer);
    draw();
    emit("pause");
  });
  video.addEventListener("ended", () => {
    if (span) loopBack();
  });

  function setSpeed(wanted) {
    const speed = Math.min(FASTEST, Math.max(SLOWEST, Number(wanted) || 1));
    try {
      video.playbackRate = video.defaultPlaybackRate = speed;
    } catch {
      tell(fill("vp_speed_refused", { speed })); // other browsers have other limits
    }
    parts.drawSpeed(video.playbackRate);
    emit("speed", video.playbackRate);
  }
  function changeSpeed(steps) {
    const place = SPEEDS.findLastIndex((one) => one <= video.playbackRate + 1e-6);
    setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, place + steps))]);
  }

  // A span again and again. The last frame inside says when to go back: at its end, not when something is seen behind.
  function loopTo(wanted) {
    span = wanted && wanted.end > wanted.start ? { ...wanted } : null;
    clearTimeout(loopTimer);
    loopTimer = 0;
    parts.drawLoop(Boolean(span));
    if (span && (seconds < span.start - SAME || seconds >= span.end - SAME)) loopBack();
    emit("loop", span);
  }
  async function loopBack() {
    const own = span;
    clearTimeout(loopTimer);
    loopTimer = 0;
    if (!own || aim || !frames) return;
    const frame = await frames.need(own.start);
    if (span !== own) return;
    // The first frame that begins inside; where none does, the one on display.
    const isInside = frame.start >= own.start - SAME || frame.next === null || frame.next >= own.end;
    const first = isInside ? frame : await frames.need(frame.next);
    await go(first.start, () => targetOf(first.start));
    if (span === own && video.ended) video.play();
  }
  function watchLoop() {
    if (!span || aim || video.paused) return;
    if (seconds >= span.end - SAME || seconds < span.start - JUMP) {
      loopBack();
      return;
    }
    const frame = frames?.frameAt(seconds);
    if (loopTimer || !frame || frame.end < span.end - SAME) return;
    const left = Math.min(frame.end, span.end) + shift - video.currentTime;
    loopTimer = setTimeout(loopBack, Math.max(0, (1000 * left) / video.playbackRate - EARLY));
  }
  function toggleLoop() {
    if (span) return loopTo(null);
    const around = { start: Math.max(0, seconds - LOOP_AROUND), end: Math.min(duration(), seconds + LOOP_AROUND) };
    return loopTo(player.loopOf?.() ?? around);
  }

  // Sound, as it was left.
  restoreSound(video);
  video.addEventListener("volumechange", () => {
    if (isCreeping) return;
    keepSound(video);
    parts.drawSound(video);
  });
  const toggleMute = () => {
    video.muted = !video.muted;
  };

  function toggleFullScreen() {
    if (document.fullscreenElement === parts.root) document.exitFullscreen();
    else parts.root.requestFullscreen?.().catch(() => tell(words.vp_no_full));
  }

  // Drawing

  function draw() {
    const isUsable = isReady() && message.hidden;
    parts.drawPlay(!video.paused && isUsable);
    parts.enable(isUsable);
    seekBar.max = Math.max(0.001, duration());
    drawClock();
  }
  function drawClock() {
    if (!seekBar.matches(":active")) seekBar.value = seconds;
    const isLong = duration() >= 3600;
    const time = format.exactClock(seconds, { hasHours: isLong });
    seekBar.setAttribute("aria-valuetext", time);
    if (!record || !duration()) clock.textContent = "";
    else {
      const place = fill("vp_of", { time, total: format.exactClock(duration(), { hasHours: isLong, isCut: true }) });
      clock.textContent = record.start ? `${wallClock(record.start, seconds)} · ${place}` : place;
    }
  }

  // A click on the picture plays and pauses; the end of a drag, which moves a zoomed one, does not.
  let pressed = [0, 0];
  screen.addEventListener("pointerdown", ({ clientX, clientY }) => {
    pressed = [clientX, clientY];
  });
  screen.addEventListener("click", ({ clientX, clientY, target }) => {
    const isDrag = Math.hypot(clientX - pressed[0], clientY - pressed[1]) >= DRAGGED;
    if (isReady() && message.hidden && !isDrag && !target.closest("button, a")) toggle();
  });
  seekBar.addEventListener("input", () => seek(Number(seekBar.value)));
  parts.drawSound(video);
  parts.listen({
    toggle,
    back: () => step(-1),
    forward: () => step(1),
    loop: toggleLoop,
    zoom_in: () => zoom.in(),
    zoom_out: () => zoom.out(),
    zoom_off: () => zoom.set(1),
    full: toggleFullScreen,
    mute: toggleMute,
    speed: setSpeed,
    volume: (value) => {
      video.volume = value;
      video.muted = value === 0;
    },
  });
  // A player that nobody sees must not be heard: of another page, or of a card that is hidden. Nor is it begun.
  new ResizeObserver(() => {
    if (!element.checkVisibility()) pauseVideo();
  }).observe(element);

  const player = {
    load,
    on,
    overlay,
    play,
    pause: pauseVideo,
    toggle,
    seek,
    step,
    changeSpeed,
    loop: loopTo,
    toggleLoop,
    toggleMute,
    toggleFullScreen,
    setZoom: (value) => zoom.set(value),
    zoomIn: () => zoom.in(),
    zoomOut: () => zoom.out(),
    pan: (x, y) => zoom.move(x, y),
    // What to loop where nobody said it: a page may put its own here.
    loopOf: null,
    get record() {
      return record;
    },
    get seconds() {
      return seconds;
    },
    get duration() {
      return duration();
    },
    get isPlaying() {
      return !video.paused && !isCreeping;
    },
    get looped() {
      return span;
    },
    get zoom() {
      return zoom.value;
    },
    // The frame on view: when it begins and ends; null where that is not known yet.
    get frame() {
      return frames?.frameAt(seconds) ?? null;
    },
    get speed() {
      return video.playbackRate;
    },
    set speed(value) {
      setSpeed(value);
    },
  };
  say(words.vp_none);
  return player;
}
async function factsOf(name) {
  return (await fetchReady(`project/videos/facts?${queryOf({ video: name })}`)).video ?? null;
}

const NETWORK = 2; // MediaError.MEDIA_ERR_NETWORK
const undecodable = new Set(); // ids of videos that this browser could not show though it said that it can
const tester = document.createElement("video");
const canPlay = (mime) => tester.canPlayType(mime) !== "";
// video/mp4; codecs="avc1.64001f, ac-3" -> video/mp4; codecs="avc1.64001f"
const withoutSound = (mime) => mime.replace(/(codecs="[^",]+)[^"]*"/, '$1"');
