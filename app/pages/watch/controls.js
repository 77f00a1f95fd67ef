// The live controls. What a value means is said at once, while the slider moves; the server gets it a moment later.

import * as bus from "../shared/bus.js";
import { indexOfNearest, makeGroup, makeSliderParts } from "../shared/fields.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { count, makeRangePicture, windowFrames } from "./range_picture.js";

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
  const waiting = new Map(); // setting -> the timer that tells the server
  let settings = null;
  let heads = null;
  let heldUntil = 0;
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

  function build(allowed, isWindow) {
    for (const timer of waiting.values()) clearTimeout(timer); // of the sliders that were
    sliders.replaceChildren();
    parts.clear();
    for (const [setting, values] of Object.entries(allowed)) {
      const part = makeSliderParts(words[setting === "l_mem" && isWindow ? "l_mem_window" : setting]);
      part.input.max = values.length - 1;
      part.input.dataset.setting = setting;
      parts.set(setting, { ...part, values });
      part.input.addEventListener("input", () => changed(setting));
      sliders.append(part.label, ...(setting === "local_frame_range" ? [latency, headsPart] : []));
    }
  }
  function show(values) {
    for (const [setting, { input, value, meaning, values: allowed }] of parts) {
      if (document.activeElement !== input || performance.now() > heldUntil)
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
  function changed(setting) {
    const { input, values } = parts.get(setting);
    settings = { ...settings, [setting]: values[Number(input.value)] };
    heldUntil = performance.now() + 900;
    show(settings);
    clearTimeout(waiting.get(setting));
    waiting.set(
      setting,
      setTimeout(() => bus.act("set", { setting, value: settings[setting] }), 120),
    );
  }

  let builtFor = "";
  bus.on("settings", (value) => {
    const { is_back_to_back: isWindow } = value.values;
    const shape = JSON.stringify([value.allowed, isWindow]);
    if (shape !== builtFor) build(value.allowed, isWindow);
    builtFor = shape;
    if (settings?.is_back_to_back !== isWindow) heldUntil = 0; // another model: what the hand held is of the last one
    if (performance.now() < heldUntil && settings) return;
    settings = value.values;
    show(settings);
  });
  // When no hand has moved a slider for a while, what the server says counts.
  setInterval(() => {
    const current = bus.last.settings?.values;
    if (!current || !heldUntil || performance.now() <= heldUntil) return;
    heldUntil = 0;
    settings = current;
    show(settings);
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
