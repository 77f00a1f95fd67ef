// The Heads page: what is picked, what is requested of the server, and when.

import * as bus from "../shared/bus.js";
import { savePicture } from "../shared/maps.js";
import { drawPlot, savePlot } from "../shared/plots.js";
import * as viewed from "../shared/viewed_moment.js";
import { fill, words } from "../shared/words.js";
import { makeGrid } from "./heads_grid.js";
import { makeSight } from "./heads_sight.js";

const DRAG = 90; // milliseconds between two requests while a slider moves

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const page = element.querySelector(".vm-heads-page");
  const refusal = find(".vm-heads-none [role=status]");
  const plots = { offsets: find(".vm-heads-offsets .vm-plotly"), gathered: find(".vm-heads-gathered .vm-plotly") };
  const picked = { layer: null, head: null, back: null, region: null }; // back: frames before the newest of the window
  let answer = null;
  let ticket = 0;
  let dragging = 0;
  let isByHand = false;

  const grid = makeGrid(element, (layer, head) => pick({ layer, head }));
  const sight = makeSight(element, { onPickFrame: pickFrame, onRegion: (region) => pick({ region }) });
  const { film, slider, who } = sight;

  const settings = () => bus.last.settings?.values;
  // Where nothing was picked, a frame looks that has the whole range on both sides.
  const wantedBack = () => picked.back ?? settings()?.local_frame_range ?? 0;
  const isAsPicked = () => viewed.at !== viewed.NEWEST && picked.back === null; // the frame at the time on the timeline
  const isNearer = (one, other) => Math.abs(one.seconds - viewed.at) < Math.abs(other.seconds - viewed.at);
  function wantedFrame({ frames }) {
    if (isAsPicked()) return frames.reduce((best, frame) => (isNearer(frame, best) ? frame : best));
    return frames[Math.max(0, frames.length - 1 - wantedBack())];
  }
  function guessedSeconds() {
    if (isAsPicked()) return viewed.at;
    const newest =
      viewed.at === viewed.NEWEST ? bus.last.now?.end_seconds - 1 / settings()?.fps : answer?.frames.at(-1).seconds;
    return Number.isFinite(newest) ? Math.max(0, newest - wantedBack() / settings().fps) : null;
  }
  function requestFor(frame) {
    const { layer, head, region } = picked;
    return { layer, head, frame, region: region?.map((edge) => edge.toFixed(4)).join() ?? null };
  }

  // Which frame is meant is known for sure only with the window's frames: the stream may have moved on since.
  async function settled() {
    const fresh = await viewed.get("inside/heads", requestFor(guessedSeconds()));
    if (!fresh || fresh.error || wantedFrame(fresh).number === fresh.frame.number) return fresh;
    return viewed.get("inside/heads", requestFor(wantedFrame(fresh).seconds));
  }
  const titleOf = (name) => bus.last.models?.find(([key]) => key === name)?.[1] ?? name;
  async function load() {
    const { model } = bus.last;
    if (model && !model.heads) {
      refuse(fill("heads_no_heads", { model: titleOf(model.name) }), true);
      return;
    }
    const fresh = await settled();
    if (!fresh) return;
    if (fresh.error) refuse(fresh.error);
    else await show(fresh);
  }
  const ask = viewed.keepMomentFresh("heads", load);
  function pick(changes) {
    Object.assign(picked, changes);
    isByHand = true;
    ask();
  }

  function refuse(sentence, isOtherModel = false) {
    answer = null;
    ticket += 1;
    page.dataset.state = "empty";
    refusal.textContent = sentence;
    find(".vm-heads-other").hidden = !isOtherModel;
    bus.emit("inside_moment", null);
  }
  async function show(fresh) {
    ticket += 1;
    const mine = ticket;
    const isCurrent = () => mine === ticket;
    answer = fresh;
    picked.layer ??= fresh.layer;
    picked.head ??= fresh.head;
    page.dataset.state = "shown";
    bus.emit("inside_moment", fresh.moment);
    page.dataset.direction = fresh.direction;
    grid.draw(fresh);
    say(fresh);
    drawFigures(fresh.figures);
    await sight.draw(fresh, isCurrent);
    if (isCurrent()) page.dataset.key = fresh.key;
  }
  function say({ moment, layer, head, direction, region, text }) {
    find(".vm-who .vm-badge").hidden = moment.is_final;
    find(".vm-sight-head").textContent = fill("heads_one", { layer, head, side: words[`heads_${direction}`] });
    const [top, bottom, left, right] = picked.region ?? [];
    const isPatch = top === bottom && left === right;
    find(".vm-who-region p").textContent =
      words[!region ? "heads_asked_whole" : isPatch ? "heads_asked_patch" : "heads_asked_region"];
    find(".vm-who-all").hidden = !region;
    find(".vm-sight-said").textContent = text;
    if (isByHand) find(".vm-sight-spoken").textContent = text; // what a hand asked for is read out, what streams by is not
    isByHand = false;
    const shown = viewed.query({ ...requestFor(answer.frame.seconds), at: viewed.middle(moment) });
    for (const link of element.querySelectorAll("[data-file]"))
      link.href = `inside/heads.${link.dataset.file}?${shown}`;
  }
  function drawFigures(figures) {
    for (const [name, plot] of Object.entries(plots)) {
      plot.closest("section").hidden = !figures[name];
      if (figures[name]) drawPlot(plot, figures[name]);
    }
  }

  // Hands
  function pickFrame(number) {
    pick({ back: answer.frames.length - 1 - number });
  }
  slider.addEventListener("input", () => {
    sight.drawFilmPick({ ...answer, frame: answer.frames[Number(slider.value)] });
    if (dragging) return;
    dragging = setTimeout(() => {
      dragging = 0;
      if (answer) pickFrame(Number(slider.value));
    }, DRAG);
  });
  film.addEventListener("click", (event) => {
    const { left, width } = film.getBoundingClientRect();
    const count = answer.frames.length;
    pickFrame(Math.max(0, Math.min(count - 1, Math.floor(((event.clientX - left) / width) * count))));
  });
  find(".vm-who-all").addEventListener("click", () => {
    pick({ region: null });
    who.focus();
  });
  find(".vm-sight-png").addEventListener("click", () => {
    savePicture(sight.picture(answer), `heads-layer-${answer.layer}-head-${answer.head}`);
  });
  for (const button of element.querySelectorAll("[data-png]")) {
    button.addEventListener("click", () => savePlot(plots[button.dataset.png], `heads-${button.dataset.png}`));
  }
  bus.on("model", () => Object.assign(picked, { layer: null, head: null, back: null }));
  bus.on("inside_waiting", (waiting) => page.classList.toggle("vm-stale", Boolean(waiting)));
}
