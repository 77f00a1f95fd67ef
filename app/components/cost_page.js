// The Cost page: the figure of memory over time and what it says in words; the numbers are the server's.
const vm = window.vidmem, inside = vm.inside, PACE = 1500, TOP = 44; // milliseconds between two figures; pixels above one
const find = (selector) => element.querySelector(selector);
const part = find(".vm-costs"), plot = find(".vm-costs-plot"), list = find(".vm-costs-events ol"), legend = find(".vm-costs-legend");
// As the figure draws them: `_MARKS` in vidmem/figures/memory_events.py.
const MARKS = { model: ["▼", 2], l_mem: ["◆", 1], full: ["●", 0], jump: ["▶", 3], emptied: ["■", 5] };
let drawn = null, isAsking = false, isOld = true, timer = 0, askedAt = -Infinity;

const isShown = () => document.body.dataset.view === "cost" && !document.hidden;
const query = () => new URLSearchParams({ run: vm.run, theme: inside.theme() });

// One request at a time, and not more often than people read.
function ask(isNow = false) {
  isOld = true;
  if (!isShown() || isAsking || !vm.run) return;
  clearTimeout(timer);
  timer = setTimeout(load, isNow ? 0 : Math.max(0, askedAt + PACE - performance.now()));
}
async function load() {
  isAsking = true;
  isOld = false;
  askedAt = performance.now();
  const run = vm.run;
  try {
    const response = await fetch(`cost/figure?${query()}`), answer = await response.json();
    if (run === vm.run) answer.error ? refuse(answer.error) : await show(answer);
  } catch {
    refuse(vm.words.silent);
  } finally {
    isAsking = false;
    if (isOld) ask();
  }
}
function refuse(sentence) {
  find(".vm-costs-none").textContent = sentence;
  part.dataset.state = "empty";
}
async function show({ headline, proof, facts, events, gpu, figure }) {
  part.dataset.state = "shown";
  find(".vm-costs-headline").textContent = headline;
  find(".vm-costs-proof").textContent = proof;
  find(".vm-costs-gpu").textContent = gpu;
  find(".vm-costs-gpu").hidden = !gpu;
  find(".vm-costs-facts tbody").replaceChildren(...facts.map(factRow));
  list.replaceChildren(...events.map(eventItem));
  for (const link of element.querySelectorAll("[data-file]")) link.href = `cost/data.${link.dataset.file}?${query()}`;
  plot.setAttribute("aria-label", vm.fill("cost_said", { headline, proof }));
  drawn = figure;
  drawLegend(figure.layout.title.subtitle.text);
  await vm.plots.draw(plot, { ...figure, layout: bare(figure.layout) });
}
// The page says title, slope and legend in its own lines; a downloaded picture has them in itself.
function bare({ title, margin, height, ...rest }) {
  const spared = margin.t - TOP;
  return { ...rest, title: undefined, margin: { ...margin, t: TOP }, height: height - spared };
}
function drawLegend(text) {
  const [, ...lines] = text.split("<br>");
  const entries = lines.flatMap((line) => line.split("\u2003")).map((entry) => {
    const words = document.createElement("span"), parsed = new DOMParser().parseFromString(entry, "text/html").body;
    const mark = document.createElement("span");
    mark.style.color = parsed.firstElementChild.style.color;
    mark.textContent = parsed.firstElementChild.textContent;
    words.append(mark, parsed.textContent.slice(mark.textContent.length));
    return words;
  });
  legend.replaceChildren(...entries);
}
function save() {
  const size = { width: Math.max(plot.clientWidth, 700), height: drawn.layout.height };
  const layout = { ...drawn.layout, ...size };
  return window.Plotly.downloadImage({ data: drawn.data, layout }, { format: "png", scale: 3, filename: "memory-over-time", ...size });
}
function factRow([name, value]) {
  const row = document.createElement("tr"), title = document.createElement("th"), cell = document.createElement("td");
  title.scope = "row";
  title.textContent = name;
  cell.textContent = value;
  row.append(title, cell);
  return row;
}
function eventItem([when, kind, text, clip, joined]) {
  const item = document.createElement("li"), time = document.createElement("time"), mark = document.createElement("i");
  const words = document.createElement("span"), more = document.createElement("small");
  const [symbol, colour] = MARKS[kind];
  time.textContent = when;
  mark.textContent = symbol;
  mark.style.color = `var(--c${colour})`;
  mark.setAttribute("aria-hidden", "true");
  words.textContent = text;
  more.textContent = [clip ? vm.fill("cost_after_clip", { clip }) : "", joined > 1 ? vm.fill("cost_joined", { count: joined - 1 }) : ""].filter(Boolean).join(" · ");
  item.append(time, mark, words, ...(more.textContent ? [more] : []));
  return item;
}

find("[data-cost=png]").addEventListener("click", () => { if (drawn) save(); });
vm.on("cost", () => ask());
vm.on("epoch", () => ask(true));
vm.on("view_shown", () => { if (isOld) ask(true); });
document.addEventListener("visibilitychange", () => { if (isOld) ask(true); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => ask(true));
