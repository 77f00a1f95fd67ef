// The Memory page: what is picked, what is requested of the server, the frame now and the figures.

import * as bus from "../shared/bus.js";
import { clipFrames } from "../shared/clip_frames.js";
import { paint } from "../shared/colours.js";
import * as format from "../shared/format.js";
import { paintMap, savePicture } from "../shared/maps.js";
import { drawPlot, savePlot } from "../shared/plots.js";
import { pickRegion } from "../shared/region_picker.js";
import * as viewed from "../shared/viewed_moment.js";
import { fill, words } from "../shared/words.js";
import { makeClipPlayer } from "./memory_clip.js";
import { clockOf, fitCanvas, largest, state, summed } from "./memory_state.js";
import { makeClipStrip } from "./memory_strip.js";

const LEAST_SPAN = 0.25; // between places of the frame now: under it they draw alike, and a shading would say more

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const part = find(".vm-mem");
  const now = find(".vm-mem-picture");
  const refusal = find(".vm-mem-none [role=status]");
  const stages = find(".vm-mem-stage");
  const heads = find(".vm-mem-head");
  const regionButton = find(".vm-mem-asked");
  const plots = Object.fromEntries(
    [...element.querySelectorAll("[data-figure]")].map((plot) => [plot.dataset.figure, plot]),
  );
  const wanted = { stage: null, head: null, region: null };
  const frameRegion = pickRegion(now, askRegion);
  const player = makeClipPlayer(element, () => {
    strip.markPicked();
    markBar();
  });
  const strip = makeClipStrip(element, player.pick);

  const request = () => ({ ...wanted, region: wanted.region?.map((edge) => edge.toFixed(4)).join() ?? null });
  const isSpool = () => Boolean(bus.last.model?.heads);

  async function load() {
    if (isSpool()) {
      refuse(fill("mem_spool", { model: bus.last.model.name }), true);
      return;
    }
    const answer = await viewed.get("inside/memory", request());
    if (!answer) return;
    if (answer.error) refuse(answer.error);
    else show(answer);
  }
  const ask = viewed.keepMomentFresh("memory", load);

  function forget() {
    if (state.view && state.pickedClip !== null) player.pick(null);
    player.forget();
    state.view = now.vmImage = null;
    strip.clear();
  }
  function refuse(sentence, isOther = false) {
    forget();
    refusal.textContent = sentence;
    find(".vm-mem-other").hidden = !isOther;
    part.dataset.state = "empty";
    part.classList.remove("vm-stale");
    bus.emit("inside_moment", null);
  }
  function show(answer) {
    const isOther = state.view?.moment.index !== answer.moment.index;
    state.view = { ...answer, brightest: Math.max(0, ...answer.clips.map(({ map }) => largest([summed(map)]))) };
    Object.assign(wanted, { stage: answer.stage, head: answer.head });
    part.dataset.state = answer.clips.length ? "shown" : "nothing";
    part.dataset.key = answer.key;
    part.classList.remove("vm-stale");
    bus.emit("inside_moment", answer.moment);
    say();
    drawNow(isOther);
    player.keepPicked();
    player.draw();
    strip.draw();
    for (const [name, plot] of Object.entries(plots)) drawPlot(plot, withBar(name, answer.figures[name]), clicks[name]);
  }

  // Words and choices
  function say() {
    const { moment, stage, head, num_heads: numHeads, region } = state.view;
    find(".vm-mem-of").textContent = fill("mem_of", { model: moment.model, stage, heads: headName(head) });
    find(".vm-mem-now-when").textContent = `${clockOf(moment.start_seconds)} – ${clockOf(moment.end_seconds)}`;
    const sentence = find(".vm-mem-said"); // not read aloud again and again while the stream plays
    sentence.setAttribute("aria-live", moment.is_newest && bus.last.play?.status === "playing" ? "off" : "polite");
    sentence.textContent = state.view.text;
    plots.clips.setAttribute("aria-label", state.view.text);
    fillSelect(
      stages,
      state.view.stages.map((one) => [one, fill("mem_stage_is", { stage: one })]),
      stage,
    );
    fillSelect(
      heads,
      ["", ...Array.from({ length: numHeads }, (_, at) => at)].map((one) => [one, headName(one === "" ? null : one)]),
      head ?? "",
    );
    regionButton.hidden = !region;
    if (region) {
      const [top, bottom, left, right] = region.map((edge) => Math.max(0, Math.min(1, edge)));
      regionButton.firstElementChild.textContent = fill("mem_asked", {
        share: format.percent((bottom - top) * (right - left)),
      });
    }
    regionButton.setAttribute("aria-label", fill("mem_clear", { asked: regionButton.firstElementChild.textContent }));
    frameRegion(region);
    for (const link of element.querySelectorAll("[data-file]"))
      link.href = `inside/memory.${link.dataset.file}?${viewed.query({ ...request(), at: viewed.middle(moment) })}`;
  }
  const headName = (head) => (head === null ? words.mem_all_heads : fill("mem_head_is", { head }));
  function fillSelect(select, options, value) {
    const isSame =
      select.options.length === options.length &&
      options.every(([key, text], at) => select.options[at].text === text && select.options[at].value === String(key));
    if (!isSame) select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
    select.value = String(value);
  }

  // The frame now: how much each place draws on memory. The one before stays until the new one is there.
  async function drawNow(isOther) {
    const { moment, drawn } = state.view;
    const [least, most] = [Math.min(...drawn.flat()), Math.max(...drawn.flat())];
    const isEven = most - least < LEAST_SPAN;
    const scale = find(".vm-mem-drawn");
    scale.previousElementSibling.hidden = isEven;
    scale.textContent = fill(isEven ? "mem_drawn_even" : "mem_drawn", {
      least: format.percent(least),
      most: format.percent(most),
    });
    if (isOther || !now.vmImage) {
      const [frame] = await clipFrames(moment.start_seconds, moment.end_seconds, 1);
      if (state.view?.moment.index !== moment.index) return;
      now.vmImage = frame?.image ?? null;
      if (now.vmImage) fitCanvas(now, now.vmImage);
    }
    const shading = isEven ? null : state.view.drawn;
    paintMap(now, now.vmImage, shading, { box: state.view.drawn_box, min: least, max: most, alpha: 0.45 });
  }

  // Figures: the bar of the picked clip is darker; bars pick clips, cells and ages pick heads.
  const clicks = {
    clips: (point) => {
      const isOneEach = point.data.x.length === state.view.clips.length;
      player.pick(isOneEach ? state.view.clips[point.pointNumber].index : nearest(point.customdata));
    },
    heads: (point) => pickHead([point.customdata].flat()[0]),
    ages: (point) => pickHead([point.customdata].flat()[0]),
  };
  const nearest = (index) =>
    state.view.clips.reduce(
      (best, clip) => (Math.abs(clip.index - index) < Math.abs(best - index) ? clip.index : best),
      state.view.clips[0].index,
    );
  function withBar(name, figure) {
    const place = state.view.clips.findIndex((clip) => clip.index === state.pickedClip);
    const [bars, ...others] = figure.data;
    if (name !== "clips" || place < 0 || bars?.x?.length !== state.view.clips.length) return figure;
    const color = state.view.clips.map((_, at) =>
      at === place ? paint(0) : ([bars.marker.color].flat()[at] ?? bars.marker.color),
    );
    return { ...figure, data: [{ ...bars, marker: { ...bars.marker, color } }, ...others] };
  }
  function markBar() {
    if (state.view?.clips.length) drawPlot(plots.clips, withBar("clips", state.view.figures.clips), clicks.clips);
  }

  // Hands
  function pickHead(head) {
    wanted.head = head === state.view.head || head === undefined ? null : head;
    ask();
  }
  function askRegion(region) {
    wanted.region = region;
    frameRegion(region);
    ask();
  }
  stages.addEventListener("change", () => {
    wanted.stage = Number(stages.value);
    ask();
  });
  heads.addEventListener("change", () => {
    wanted.head = heads.value === "" ? null : Number(heads.value);
    ask();
  });
  regionButton.addEventListener("click", () => {
    askRegion(null);
    now.focus({ preventScroll: true });
  });
  bus.on("inside_waiting", (answer) => part.classList.toggle("vm-stale", Boolean(answer)));
  bus.on("tested", ask);
  // Another play, video or model counts its clips anew: no picture of the one before may stand under such a number.
  bus.on("epoch", forget);
  bus.on("model", () => Object.assign(wanted, { stage: null, head: null }));
  bus.on("view_shown", (name) => {
    if (name !== "memory") {
      player.pauseIfPlaying();
      return;
    }
    if (state.view) show(state.view); // what was drawn while it was hidden had no width
  });

  const pictures = { now: () => now, clip: () => player.canvas, all: strip.contactSheet };
  for (const button of element.querySelectorAll("[data-png]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.png;
      const filename = `memory-${state.view.moment.index}-${name}`;
      if (pictures[name]) savePicture(pictures[name](), filename);
      else savePlot(plots[name], filename);
    });
  }
}
