// The Cost page: the figure of memory over time and what it says in words; the numbers are the server's.

import { ask, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { make, theme } from "../shared/dom.js";
import { makeRow } from "../shared/fields.js";
import { keepFresh } from "../shared/keep_fresh.js";
import { drawPlot } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";

const PACE = 1500; // milliseconds between two figures: no more often than people read
const TOP = 44; // pixels above a figure
// As the figure draws them: `_MARKS` in vidmem/figures/footprint_events.py.
const MARKS = { model: ["▼", 2], l_mem: ["◆", 1], full: ["●", 0], jump: ["▶", 3], emptied: ["■", 5] };

// The page says title, slope and legend in its own lines; a downloaded picture has them in itself.
function bare({ title, margin, height, ...rest }) {
  const spared = margin.t - TOP;
  return { ...rest, title: undefined, margin: { ...margin, t: TOP }, height: height - spared };
}

function eventItem([when, kind, text, clip, joined]) {
  const [symbol, colour] = MARKS[kind];
  const mark = make("i", { textContent: symbol });
  mark.style.color = `var(--c${colour})`;
  mark.setAttribute("aria-hidden", "true");
  const more = [
    clip ? fill("cost_after_clip", { clip }) : "",
    joined > 1 ? fill("cost_joined", { count: joined - 1 }) : "",
  ];
  const item = make("li", {}, make("time", { textContent: when }), mark, make("span", { textContent: text }));
  const small = more.filter(Boolean).join(" · ");
  if (small) item.append(make("small", { textContent: small }));
  return item;
}

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const part = find(".vm-costs");
  const plot = find(".vm-costs-plot");
  const list = find(".vm-costs-events ol");
  const legend = find(".vm-costs-legend");
  let drawn = null;

  bus.on("chips", (texts) => {
    find(".vm-costs-with").textContent = fill("cost_with", { details: texts.join(" · ") });
  });
  const query = () => queryOf({ run: bus.run, theme: theme() });
  async function load() {
    if (!bus.run) return;
    const { run } = bus;
    const answer = await ask("cost", () => `cost/figure?${query()}`);
    if (!answer || run !== bus.run) return;
    if (answer.error) refuse(answer.error);
    else await show(answer);
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
    find(".vm-costs-facts tbody").replaceChildren(...facts.map(makeRow));
    list.replaceChildren(...events.map(eventItem));
    for (const link of element.querySelectorAll("[data-file]")) link.href = `cost/data.${link.dataset.file}?${query()}`;
    plot.setAttribute("aria-label", fill("cost_said", { headline, proof }));
    drawn = figure;
    drawLegend(figure.layout.title.subtitle.text);
    const isDrawn = await drawPlot(plot, { ...figure, layout: bare(figure.layout) });
    if (!isDrawn) refuse(words.silent);
  }
  function drawLegend(text) {
    const [, ...lines] = text.split("<br>");
    const entries = lines
      .flatMap((line) => line.split("\u2003"))
      .map((entry) => {
        const line = document.createElement("span");
        const parsed = new DOMParser().parseFromString(entry, "text/html").body;
        const mark = document.createElement("span");
        mark.style.color = parsed.firstElementChild.style.color;
        mark.textContent = parsed.firstElementChild.textContent;
        line.append(mark, parsed.textContent.slice(mark.textContent.length));
        return line;
      });
    legend.replaceChildren(...entries);
  }
  function save() {
    const size = { width: Math.max(plot.clientWidth, 700), height: drawn.layout.height };
    const layout = { ...drawn.layout, ...size };
    return window.Plotly.downloadImage(
      { data: drawn.data, layout },
      { format: "png", scale: 3, filename: "memory-over-time", ...size },
    );
  }
  find("[data-cost=png]").addEventListener("click", () => {
    if (drawn) save();
  });
  keepFresh({ view: "cost", load, anew: ["epoch"], moved: ["cost"], pace: PACE });
}
