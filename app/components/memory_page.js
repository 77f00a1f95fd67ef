// The Memory page: what is picked, what is asked of the server, the frame now and the figures. Runs after memory_strip.js.
const part = find(".vm-mem"), now = find(".vm-mem-picture"), refusal = find(".vm-mem-none [role=status]");
const stages = find(".vm-mem-stage"), heads = find(".vm-mem-head"), asked = find(".vm-mem-asked");
const plots = Object.fromEntries([...element.querySelectorAll("[data-figure]")].map((plot) => [plot.dataset.figure, plot]));
const wanted = { stage: null, head: null, region: null };
const LEAST_SPAN = 0.1; // of the scale over the frame now: smaller differences are not blown up
const frameRegion = inside.pickRegion(now, askRegion);

const question = () => ({ ...wanted, region: wanted.region?.map((edge) => edge.toFixed(4)).join() ?? null });
const isSpool = () => Boolean(vm.last.model?.heads);

async function load() {
  if (isSpool()) { refuse(vm.fill("mem_spool", { model: vm.last.model.name }), true); return; }
  const answer = await inside.get("inside/memory", question());
  if (!answer) return;
  if (answer.error) refuse(answer.error);
  else show(answer);
}
const ask = inside.keepFresh("memory", load);

function refuse(sentence, isOther = false) {
  if (pickedClip !== null && view) pick(null);
  stop();
  view = null;
  refusal.textContent = sentence;
  find(".vm-mem-other").hidden = !isOther;
  part.dataset.state = "empty";
  part.classList.remove("vm-stale");
  vm.emit("inside_moment", null);
}
function show(answer) {
  const isOther = view?.moment.index !== answer.moment.index;
  view = { ...answer, brightest: Math.max(0, ...answer.clips.map(({ map }) => largest([summed(map)]))) };
  Object.assign(wanted, { stage: answer.stage, head: answer.head });
  part.dataset.state = answer.clips.length ? "shown" : "nothing";
  part.dataset.key = answer.key;
  part.classList.remove("vm-stale");
  vm.emit("inside_moment", answer.moment);
  say();
  drawNow(isOther);
  keepPicked();
  drawPair();
  drawStrip();
  for (const [name, plot] of Object.entries(plots)) vm.plots.draw(plot, withBar(name, answer.figures[name]), clicks[name]);
}

// Words and choices
function say() {
  const { moment, stage, head, num_heads: numHeads, region } = view;
  find(".vm-mem-of").textContent = vm.fill("mem_of", { model: moment.model, stage, heads: headName(head) });
  find(".vm-mem-now-when").textContent = `${clockOf(moment.start_seconds)} – ${clockOf(moment.end_seconds)}`;
  const said = find(".vm-mem-said"); // not read aloud again and again while the stream plays
  said.setAttribute("aria-live", moment.is_newest && vm.last.play?.status === "playing" ? "off" : "polite");
  said.textContent = view.said;
  plots.clips.setAttribute("aria-label", view.said);
  fill(stages, view.stages.map((one) => [one, vm.fill("mem_stage_is", { stage: one })]), stage);
  fill(heads, ["", ...Array.from({ length: numHeads }, (_, at) => at)].map((one) => [one, headName(one === "" ? null : one)]), head ?? "");
  asked.hidden = !region;
  if (region) {
    const [top, bottom, left, right] = region.map((edge) => Math.max(0, Math.min(1, edge)));
    asked.firstElementChild.textContent = vm.fill("mem_asked", { share: percent((bottom - top) * (right - left)) });
  }
  asked.setAttribute("aria-label", vm.fill("mem_clear", { asked: asked.firstElementChild.textContent }));
  frameRegion(region);
  for (const link of element.querySelectorAll("[data-file]")) link.href = `inside/memory.${link.dataset.file}?${inside.query({ ...question(), at: inside.middle(moment) })}`;
}
const headName = (head) => (head === null ? vm.words.mem_all_heads : vm.fill("mem_head_is", { head }));
function fill(select, options, value) {
  const isSame = select.options.length === options.length && options.every(([key, text], at) => select.options[at].text === text && select.options[at].value === String(key));
  if (!isSame) select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
  select.value = String(value);
}

// The frame now: how much each place draws on memory. The one before stays until the new one is there.
async function drawNow(isOther) {
  const { moment, drawn } = view;
  const most = Math.max(...drawn.flat()), least = Math.max(0, Math.min(...drawn.flat(), most - LEAST_SPAN));
  find(".vm-mem-drawn").replaceChildren(vm.fill("mem_drawn", { least: percent(least), most: percent(most) }));
  if (isOther || !now.vmImage) {
    const [frame] = await inside.frames(moment.start_seconds, moment.end_seconds, 1);
    if (view?.moment.index !== moment.index) return;
    now.vmImage = frame?.image ?? null;
    if (now.vmImage) fitCanvas(now, now.vmImage);
  }
  inside.paintMap(now, now.vmImage, view.drawn, { box: view.drawn_box, min: least, max: most, alpha: 0.45 });
}

// Figures: the bar of the picked clip is darker; bars pick clips, cells and ages pick heads.
const clicks = {
  clips: (point) => {
    const isOneEach = point.data.x.length === view.clips.length;
    pick(isOneEach ? view.clips[point.pointNumber].index : nearest(point.customdata));
  },
  heads: (point) => pickHead([point.customdata].flat()[0]),
  ages: (point) => pickHead([point.customdata].flat()[0]),
};
const nearest = (index) => view.clips.reduce((best, clip) => (Math.abs(clip.index - index) < Math.abs(best - index) ? clip.index : best), view.clips[0].index);
function withBar(name, figure) {
  const place = view.clips.findIndex((clip) => clip.index === pickedClip), [bars, ...others] = figure.data;
  if (name !== "clips" || place < 0 || bars?.x?.length !== view.clips.length) return figure;
  const color = view.clips.map((_, at) => (at === place ? vm.paint(0) : [bars.marker.color].flat()[at] ?? bars.marker.color));
  return { ...figure, data: [{ ...bars, marker: { ...bars.marker, color } }, ...others] };
}
function markBar() {
  if (view?.clips.length) vm.plots.draw(plots.clips, withBar("clips", view.figures.clips), clicks.clips);
}

// Hands
function pickHead(head) {
  wanted.head = head === view.head || head === undefined ? null : head;
  ask();
}
function askRegion(region) {
  wanted.region = region;
  frameRegion(region);
  ask();
}
stages.addEventListener("change", () => { wanted.stage = Number(stages.value); ask(); });
heads.addEventListener("change", () => { wanted.head = heads.value === "" ? null : Number(heads.value); ask(); });
asked.addEventListener("click", () => { askRegion(null); now.focus({ preventScroll: true }); });
vm.on("inside_waiting", (answer) => part.classList.toggle("vm-stale", Boolean(answer)));
vm.on("tested", ask);
// Another play, video or model counts its clips anew: no picture of the one before may stand under such a number.
vm.on("epoch", () => {
  if (view && pickedClip !== null) pick(null);
  stop();
  view = now.vmImage = null;
  Object.assign(reel, { clip: null, frames: [], at: 0 });
  tiles.clear();
  strip.replaceChildren();
});
vm.on("model", () => Object.assign(wanted, { stage: null, head: null }));
vm.on("view_shown", (name) => {
  if (name !== "memory") { if (isPlaying) stop(); return; }
  if (view) show(view); // what was drawn while it was hidden had no width
});

const pictures = { now: () => now, clip: () => pair[0].firstElementChild, all: contactSheet };
for (const button of element.querySelectorAll("[data-png]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.png, filename = `memory-${view.moment.index}-${name}`;
    if (pictures[name]) inside.savePicture(pictures[name](), filename);
    else vm.plots.save(plots[name], filename);
  });
}
