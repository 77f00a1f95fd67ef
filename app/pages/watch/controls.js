// The live controls. What a value means is said at once, while the slider moves; the server gets it a moment later.

import * as bus from "../shared/bus.js";
import { indexOfNearest, makeGroup, makeSliderParts } from "../shared/fields.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { count, makeRangePicture, windowFrames } from "./range_picture.js";

const SETTLE = 120; // milliseconds from a move to the message about it: a hand that goes on moving sends one
const PATIENCE = 10000; // until a change that the app does not say it has counts no more

const perClip = (s) => s.clip_frames / s.fps;
const perStride = (s) => (s.is_back_to_back ? s.clip_frames : s.window_stride) / s.fps;
const shortestBout = (s) => Math.max(perClip(s), perStride(s), s.min_bout_seconds); // as StreamSettings has it
function remembers(s) {
  if (s.is_back_to_back) {
    const span = format.span((windowFrames(s) * s.frame_step) / s.fps);
    return fill(s.l_mem ? "window_sees" : "window_alone", { span, frames: count(windowFrames(s), "frame") });
  }
  if (s.l_mem === 0) return words.remembers_nothing;
  return fill("remembers", { span: format.span(s.l_mem * s.memory_every * perStride(s)) });
}
function strideMeans(s) {
  const every = fill("every", { span: format.span(perStride(s)) });
  const share = Math.round((1 - s.window_stride / s.clip_frames) * 100);
  if (share === 0) return `${every}, ${words.no_overlap}`;
  return share > 0
    ? `${every}, ${fill("overlap", { share })}`
    : `${every}, ${fill("skips", { span: format.span(perStride(s) - perClip(s)) })}`;
}
function groupOf(name, list) {
  return makeGroup(
    words[name],
    list.map(([key, title, isHere]) => Object.assign(new Option(title, key), { disabled: !isHere })),
  );
}

export function start(element) {
  const sliders = element.querySelector(".vm-sliders");
  const models = element.querySelector(".vm-model");
  const note = element.querySelector(".vm-note");
  const latency = element.querySelector(".vm-latency");
  const more = element.querySelector(".vm-more");
  const parts = new Map(); // setting -> its elements and allowed values
  const held = new Map(); // setting -> what a hand chose, until the app has it: { value, timer, sent, until }
  let heads = null;
  const headsPart = element.querySelector(".vm-heads");
  const rangePicture = makeRangePicture(headsPart);

  function looks(s) {
    if (!s.local_frame_range) return words.looks_own;
    const side = heads?.lookback && heads?.lookahead ? "both" : heads?.lookback ? "back" : "ahead";
    return fill(`looks_${side}`, {
      frames: count(s.local_frame_range, "frame"),
      span: format.span((s.local_frame_range * s.frame_step) / s.fps),
    });
  }
  // As StreamSettings has it: later clips that a prediction waits for, and no more than the window holds.
  function finalAfter(s) {
    if (!s.lookahead_layers) return "";
    if (!s.local_frame_range) return words.final_at_once;
    if (!s.l_mem) return words.final_alone;
    const waits = s.local_frame_range * s.lookahead_layers * s.frame_step;
    const wanted = Math.ceil(waits / s.clip_frames);
    const clips = Math.min(wanted, s.l_mem);
    const values = {
      span: format.span(clips * perStride(s)),
      who: count(s.lookahead_layers, "layer"),
      frames: count(s.local_frame_range, "frame"),
    };
    return fill(clips < wanted ? "final_left" : "final_after", values);
  }
  const meanings = {
    local_frame_range: { value: (s) => count(s.local_frame_range, "frame"), means: looks },
    l_mem: { value: (s) => count(s.l_mem, s.is_back_to_back ? "past_clip" : "clip"), means: remembers },
    window_stride: { value: (s) => count(s.window_stride, "frame"), means: strideMeans },
    clip_frames: {
      value: (s) => count(s.clip_frames, "frame"),
      means: (s) => fill(s.is_back_to_back ? "judges" : "sees", { span: format.span(perClip(s)) }),
    },
    fps: { value: (s) => `${s.fps}`, means: (s) => fill("resolves", { span: format.span(shortestBout(s)) }) },
    min_bout_seconds: {
      value: (s) => format.span(s.min_bout_seconds),
      means: (s) => words[s.min_bout_seconds > 0 ? "raw_kept" : "all_bouts"],
    },
  };

  function build(names, isWindow) {
    for (const { timer } of held.values()) clearTimeout(timer); // of the sliders that were
    held.clear();
    sliders.replaceChildren();
    parts.clear();
    for (const setting of names) {
      const part = makeSliderParts(words[setting === "l_mem" && isWindow ? "l_mem_window" : setting]);
      part.input.dataset.setting = setting;
      parts.set(setting, { ...part, values: [] });
      part.input.addEventListener("input", () => changed(setting));
      sliders.append(part.label, ...(setting === "local_frame_range" ? [latency, headsPart] : []));
    }
  }
  function show() {
    const chosen = [...held].map(([setting, { value }]) => [setting, value]);
    const values = { ...bus.last.settings.values, ...Object.fromEntries(chosen) };
    for (const [setting, { input, value, meaning, values: allowed }] of parts) {
      input.value = indexOfNearest(allowed, values[setting]);
      value.textContent = meanings[setting].value(values);
      meaning.textContent = meanings[setting].means(values);
      const also = setting === "local_frame_range" ? `; ${finalAfter(values)}` : "";
      input.setAttribute("aria-valuetext", `${value.textContent}: ${meaning.textContent}${also}`);
    }
    latency.lastElementChild.textContent = finalAfter(values);
    latency.firstElementChild.hidden = !values.local_frame_range || !values.l_mem; // nothing is provisional then
    latency.hidden = !latency.lastElementChild.textContent;
    rangePicture.draw(values);
  }

  // What a hand chose is shown until the app has it (or PATIENCE ends): else the next move would begin elsewhere.
  function changed(setting) {
    const { input, values } = parts.get(setting);
    const one = held.get(setting) ?? { sent: null };
    clearTimeout(one.timer);
    one.value = values[Number(input.value)];
    one.timer = setTimeout(() => {
      one.timer = 0;
      if (held.get(setting) === one && one.sent === null) send(setting, one);
    }, SETTLE);
    held.set(setting, one);
    show();
  }
  // One at a time for each setting, since a message may overtake the one before: the last one is what counts.
  function send(setting, one) {
    Object.assign(one, { sent: one.value, until: performance.now() + PATIENCE });
    bus.act("set", { setting, value: one.value });
  }
  function letGoOfWhatIsAnswered() {
    const { values } = bus.last.settings;
    for (const [setting, one] of held) {
      const isAnswered = one.sent !== null && (values[setting] === one.sent || performance.now() > one.until);
      if (isAnswered) goOn(setting, one);
    }
  }
  function goOn(setting, one) {
    const isNewest = one.value === one.sent;
    one.sent = null;
    if (one.timer) return; // it sends
    if (isNewest) held.delete(setting);
    else send(setting, one);
  }
  // What was asked for will not come: it was refused, or is of results that are gone.
  function giveUp() {
    for (const [setting, one] of held) if (one.sent !== null) goOn(setting, one);
    if (bus.last.settings) show();
  }

  let builtFor = "";
  bus.on("settings", ({ allowed, values: { is_back_to_back: isWindow } }) => {
    const shape = JSON.stringify([Object.keys(allowed), isWindow]);
    if (shape !== builtFor) build(Object.keys(allowed), isWindow);
    builtFor = shape;
    // In place: a slider that was made anew would slip from the hand that moves it, and from the keys.
    for (const [setting, part] of parts) {
      part.values = allowed[setting];
      part.input.max = part.values.length - 1;
    }
    letGoOfWhatIsAnswered();
    show();
  });
  bus.on("notice", (notice) => notice?.level === "error" && giveUp());
  bus.on("epoch", giveUp);
  setInterval(() => {
    if (!held.size) return;
    letGoOfWhatIsAnswered();
    show();
  }, 300);
  bus.on("models", (list) => {
    const here = list.filter((one) => one[2]);
    const elsewhere = list.filter((one) => !one[2]);
    models.replaceChildren(
      groupOf("models_here", here),
      ...(elsewhere.length ? [groupOf("models_elsewhere", elsewhere)] : []),
    );
    more.hidden = elsewhere.length === 0;
    more.querySelector("summary").textContent = fill("more_models", { count: elsewhere.length });
    more.querySelector("ul").replaceChildren(
      ...elsewhere.map(([key, title, , needs]) => {
        const line = document.createElement("li");
        const name = document.createElement("b");
        name.textContent = key;
        line.append(name, ` ${needs}`);
        line.title = title;
        return line;
      }),
    );
    if (bus.last.model) models.value = bus.last.model.name;
  });
  bus.on("model", (model) => {
    models.value = model.name;
    note.textContent = model.trained_on;
    heads = model.heads;
    rangePicture.setHeads(heads);
  });
  models.addEventListener("change", () => bus.act("model", { model: models.value }));
}
