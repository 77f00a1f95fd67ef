// The live controls. What a value means is said at once, while the slider moves; the server hears of it a moment later.
const vm = window.vidmem;
const sliders = element.querySelector(".vm-sliders"), models = element.querySelector(".vm-model"), note = element.querySelector(".vm-note");
const parts = new Map(); // setting -> its elements and allowed values
let settings = null, heldUntil = 0;

const plural = (count, unit) => vm.fill(count === 1 ? `one_${unit}` : `many_${unit}`, { count });
const perClip = (s) => s.clip_frames / s.fps;
const perStride = (s) => s.window_stride / s.fps;
const shortestBout = (s) => Math.max(perClip(s), perStride(s), s.min_bout_seconds); // as StreamSettings has it
function remembers(s) {
  if (s.l_mem === 0) return vm.words.remembers_nothing;
  return vm.fill("remembers", { span: vm.span(s.l_mem * s.memory_every * perStride(s)) });
}
function strideMeans(s) {
  const every = vm.fill("every", { span: vm.span(perStride(s)) });
  const share = Math.round((1 - s.window_stride / s.clip_frames) * 100);
  if (share === 0) return `${every}, ${vm.words.no_overlap}`;
  return share > 0 ? `${every}, ${vm.fill("overlap", { share })}` : `${every}, ${vm.fill("skips", { span: vm.span(perStride(s) - perClip(s)) })}`;
}
const meaning = {
  l_mem: { value: (s) => plural(s.l_mem, "clip"), means: remembers },
  window_stride: { value: (s) => plural(s.window_stride, "frame"), means: strideMeans },
  clip_frames: { value: (s) => plural(s.clip_frames, "frame"), means: (s) => vm.fill("sees", { span: vm.span(perClip(s)) }) },
  fps: { value: (s) => `${s.fps}`, means: (s) => vm.fill("resolves", { span: vm.span(shortestBout(s)) }) },
  min_bout_seconds: { value: (s) => vm.span(s.min_bout_seconds), means: (s) => vm.words[s.min_bout_seconds > 0 ? "raw_kept" : "all_bouts"] },
};

function build(allowed) {
  sliders.replaceChildren();
  parts.clear();
  for (const [setting, values] of Object.entries(allowed)) {
    const label = document.createElement("label");
    label.className = "vm-slider";
    label.innerHTML = '<span><span></span> <b></b></span><input type="range" min="0" step="1"><small></small>';
    const [title, input, means] = label.children;
    title.firstElementChild.textContent = vm.words[setting];
    input.max = values.length - 1;
    input.dataset.setting = setting;
    input.setAttribute("aria-label", vm.words[setting]);
    parts.set(setting, { label, input, value: title.lastElementChild, means, values });
    input.addEventListener("input", () => changed(setting));
    sliders.append(label);
  }
}
const nearest = (values, wanted) => values.reduce((best, value, at) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? at : best), 0);

function show(values) {
  for (const [setting, { input, value, means, values: allowed }] of parts) {
    if (document.activeElement !== input || performance.now() > heldUntil) input.value = nearest(allowed, values[setting]);
    value.textContent = meaning[setting].value(values);
    means.textContent = meaning[setting].means(values);
    input.setAttribute("aria-valuetext", `${value.textContent}: ${means.textContent}`);
  }
}
const waiting = new Map();
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
  const shape = JSON.stringify(value.allowed);
  if (shape !== builtFor) build(value.allowed);
  builtFor = shape;
  if (performance.now() < heldUntil && settings) return;
  settings = value.values;
  show(settings);
});
setInterval(() => { // after the hand has let go, the server's word counts
  const told = vm.last.settings?.values;
  if (told && heldUntil && performance.now() > heldUntil) { heldUntil = 0; settings = told; show(told); }
}, 300);
vm.on("models", (list) => {
  models.replaceChildren(...list.map(([name, title, available]) => {
    const option = new Option(title, name);
    option.disabled = !available;
    return option;
  }));
  if (vm.last.model) models.value = vm.last.model.name;
});
vm.on("model", (model) => { models.value = model.name; note.textContent = model.trained_on; });
models.addEventListener("change", () => vm.act("model", { model: models.value }));
