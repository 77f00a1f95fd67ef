// The live controls. What a value means is said at once, while the slider moves; the server hears of it a moment later.
const sliders = element.querySelector(".vm-sliders"), models = element.querySelector(".vm-model"), note = element.querySelector(".vm-note");
const latency = element.querySelector(".vm-latency"), more = element.querySelector(".vm-more");
const parts = new Map(); // setting -> its elements and allowed values
const waiting = new Map(); // setting -> the timer that tells the server
let settings = null, heldUntil = 0;

const perClip = (s) => s.clip_frames / s.fps;
const perStride = (s) => (s.is_back_to_back ? s.clip_frames : s.window_stride) / s.fps;
const shortestBout = (s) => Math.max(perClip(s), perStride(s), s.min_bout_seconds); // as StreamSettings has it
function remembers(s) {
  if (s.is_back_to_back) {
    const span = vm.span(windowFrames(s) / s.fps);
    return vm.fill(s.l_mem ? "window_sees" : "window_alone", { span, frames: count(windowFrames(s), "frame") });
  }
  if (s.l_mem === 0) return vm.words.remembers_nothing;
  return vm.fill("remembers", { span: vm.span(s.l_mem * s.memory_every * perStride(s)) });
}
function strideMeans(s) {
  const every = vm.fill("every", { span: vm.span(perStride(s)) });
  const share = Math.round((1 - s.window_stride / s.clip_frames) * 100);
  if (share === 0) return `${every}, ${vm.words.no_overlap}`;
  return share > 0 ? `${every}, ${vm.fill("overlap", { share })}` : `${every}, ${vm.fill("skips", { span: vm.span(perStride(s) - perClip(s)) })}`;
}
function looks(s) {
  if (!s.local_frame_range) return vm.words.looks_own;
  const side = heads?.lookback && heads?.lookahead ? "both" : heads?.lookback ? "back" : "ahead";
  return vm.fill(`looks_${side}`, { frames: count(s.local_frame_range, "frame"), span: vm.span(s.local_frame_range / s.fps) });
}
// As StreamSettings has it: later clips that a prediction waits for, and no more than the window holds.
function finalAfter(s) {
  if (!s.lookahead_layers) return "";
  if (!s.local_frame_range) return vm.words.final_at_once;
  if (!s.l_mem) return vm.words.final_alone;
  const wanted = Math.ceil((s.local_frame_range * s.lookahead_layers) / s.clip_frames), clips = Math.min(wanted, s.l_mem);
  const values = { span: vm.span(clips * perStride(s)), who: count(s.lookahead_layers, "layer"), frames: count(s.local_frame_range, "frame") };
  return vm.fill(clips < wanted ? "final_left" : "final_after", values);
}
const meaning = {
  local_frame_range: { value: (s) => count(s.local_frame_range, "frame"), means: looks },
  l_mem: { value: (s) => count(s.l_mem, s.is_back_to_back ? "past_clip" : "clip"), means: remembers },
  window_stride: { value: (s) => count(s.window_stride, "frame"), means: strideMeans },
  clip_frames: { value: (s) => count(s.clip_frames, "frame"), means: (s) => vm.fill(s.is_back_to_back ? "judges" : "sees", { span: vm.span(perClip(s)) }) },
  fps: { value: (s) => `${s.fps}`, means: (s) => vm.fill("resolves", { span: vm.span(shortestBout(s)) }) },
  min_bout_seconds: { value: (s) => vm.span(s.min_bout_seconds), means: (s) => vm.words[s.min_bout_seconds > 0 ? "raw_kept" : "all_bouts"] },
};

function build(allowed, isWindow) {
  for (const timer of waiting.values()) clearTimeout(timer); // of the sliders that were
  sliders.replaceChildren();
  parts.clear();
  for (const [setting, values] of Object.entries(allowed)) {
    const label = document.createElement("label");
    label.className = "vm-slider";
    label.innerHTML = '<span><span></span> <b></b></span><input type="range" min="0" step="1"><small></small>';
    const [title, input, means] = label.children;
    const name = vm.words[setting === "l_mem" && isWindow ? "l_mem_window" : setting];
    title.firstElementChild.textContent = name;
    input.max = values.length - 1;
    input.dataset.setting = setting;
    input.setAttribute("aria-label", name);
    parts.set(setting, { label, input, value: title.lastElementChild, means, values });
    input.addEventListener("input", () => changed(setting));
    sliders.append(label, ...(setting === "local_frame_range" ? [latency, headsPart] : []));
  }
}
const nearest = (values, wanted) => values.reduce((best, value, at) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? at : best), 0);

function show(values) {
  for (const [setting, { input, value, means, values: allowed }] of parts) {
    if (document.activeElement !== input || performance.now() > heldUntil) input.value = nearest(allowed, values[setting]);
    value.textContent = meaning[setting].value(values);
    means.textContent = meaning[setting].means(values);
    const also = setting === "local_frame_range" ? `; ${finalAfter(values)}` : "";
    input.setAttribute("aria-valuetext", `${value.textContent}: ${means.textContent}${also}`);
  }
  latency.lastElementChild.textContent = finalAfter(values);
  latency.firstElementChild.hidden = !values.local_frame_range || !values.l_mem; // nothing is provisional then
  latency.hidden = !latency.lastElementChild.textContent;
  drawHeads(values);
}
function changed(setting) {
  const { input, values } = parts.get(setting);
  settings = { ...settings, [setting]: values[Number(input.value)] };
  heldUntil = performance.now() + 900;
  show(settings);
  clearTimeout(waiting.get(setting));
  waiting.set(setting, setTimeout(() => vm.act("set", { setting, value: settings[setting] }), 120));
}

let builtFor = "";
vm.on("settings", (value) => {
  const { is_back_to_back: isWindow } = value.values, shape = JSON.stringify([value.allowed, isWindow]);
  if (shape !== builtFor) build(value.allowed, isWindow);
  builtFor = shape;
  if (settings?.is_back_to_back !== isWindow) heldUntil = 0; // another model: what the hand held is of the last one
  if (performance.now() < heldUntil && settings) return;
  settings = value.values;
  show(settings);
});
setInterval(() => { // after the hand has let go, the server's word counts
  const told = vm.last.settings?.values;
  if (told && heldUntil && performance.now() > heldUntil) { heldUntil = 0; settings = told; show(told); }
}, 300);
function group(name, list) {
  const part = document.createElement("optgroup");
  part.label = vm.words[name];
  part.append(...list.map(([key, title, isHere]) => Object.assign(new Option(title, key), { disabled: !isHere })));
  return part;
}
vm.on("models", (list) => {
  const here = list.filter((one) => one[2]), elsewhere = list.filter((one) => !one[2]);
  models.replaceChildren(group("models_here", here), ...(elsewhere.length ? [group("models_elsewhere", elsewhere)] : []));
  more.hidden = elsewhere.length === 0;
  more.querySelector("summary").textContent = vm.fill("more_models", { count: elsewhere.length });
  more.querySelector("ul").replaceChildren(...elsewhere.map(([key, title, , needs]) => {
    const line = document.createElement("li"), name = document.createElement("b");
    name.textContent = key;
    line.append(name, ` ${needs}`);
    line.title = title;
    return line;
  }));
  if (vm.last.model) models.value = vm.last.model.name;
});
vm.on("model", (model) => {
  models.value = model.name;
  note.textContent = model.trained_on;
  heads = model.heads;
  if (settings) drawHeads(settings);
});
models.addEventListener("change", () => vm.act("model", { model: models.value }));
