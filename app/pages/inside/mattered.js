// What mattered: asks the server for tests of the moment on view, one at a time, and shows what came of them.

import { ask, drop, fetchJson, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { dark, perFrame, theme, viewShown } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { drawPlot, savePlot } from "../shared/plots.js";
import * as viewed from "../shared/viewed_moment.js";
import { fill, words } from "../shared/words.js";
import { makeMaps, playIn } from "./mattered_maps.js";

const KINDS = ["direct", "total", "memory", "pixels", "occlusion"];
const FIGURES = ["effects", "occlusion", "pixels"];
const NAMES = Object.fromEntries(KINDS.map((kind) => [kind, words[`mattered_${kind}`]]));
const ACTIVE = ["preparing", "estimating", "running"];

export function start(element) {
  const maps = makeMaps(element);
  const part = (name) => element.querySelector(`.vm-mat-${name}`);
  const choice = part("class").querySelector("select");
  const list = part("list");
  const same = part("same");
  let state = null; // the newest answer
  let results = null;
  let figures = {};
  let shown = -1; // version of the results on view
  let testedAt = null; // the moment on view when the test behind the results began
  let pendingAt = null; // the same of the test under way
  let isFresh = false; // the newest clip is wanted instead of the one that was tested

  const isShown = () => ["memory", "heads"].includes(viewShown());
  const isActive = () => ACTIVE.includes(state?.state);
  const isJudged = () => Boolean(bus.last.now); // anything yet
  const isSame = () => results !== null && !isFresh && testedAt === viewed.at;
  const query = (more) => queryOf({ run: bus.run, theme: theme(), ...more });

  // What is requested of the server
  function send(path, more) {
    return fetchJson(`inside/tests${path}?${query({ ...more, have: shown })}`, { method: "POST" });
  }
  async function refresh() {
    if (!isShown() || !bus.run) return;
    const { run } = bus;
    const stateOf = (answer) => (answer.error ? state : answer)?.state; // a lost answer changes nothing
    const answer = await ask("tests", () => `inside/tests?${query({ have: shown })}`, {
      isUnfinished: (one) => run === bus.run && isShown() && ACTIVE.includes(stateOf(one)),
      onUnfinished: take,
    });
    if (answer && run === bus.run) take(answer);
  }
  async function begin(kind) {
    refuse("");
    drop("tests");
    const { at } = viewed;
    const answer = await send("/start", { kind, at, class: choice.value, same: isSame() ? 1 : "" });
    if (!answer.error) pendingAt = at;
    take(answer);
    if (!isActive()) return;
    part("cancel").focus();
    refresh();
  }
  part("cancel").addEventListener("click", async () => {
    take(await send("/cancel", {}));
    refresh();
  });

  // What is shown
  function take(answer) {
    if (answer.error) {
      refuse(answer.error);
      return;
    }
    const wasActive = isActive();
    state = answer;
    if (answer.version !== shown) {
      [shown, results, figures] = [answer.version, answer.result ?? null, answer.figure ?? {}];
      if (answer.state === "done" && pendingAt !== null) [testedAt, pendingAt, isFresh] = [pendingAt, null, false];
      testedAt = results ? (testedAt ?? viewed.at) : null;
      drawResults();
      bus.emit("tested"); // the Memory page puts effects beside its shares
    }
    fitPage();
    drawList();
    drawWork(wasActive);
  }
  // A Spool is looked into on the Heads page, a FAM Swin on the Memory page: its tests stand there, too.
  function fitPage() {
    element.firstElementChild.hidden = Boolean(state?.page) && state.page !== viewShown();
  }
  function refuse(sentence) {
    part("error").textContent = sentence;
    part("error").hidden = !sentence;
  }
  function drawWork(wasActive) {
    const { state: now, kind, done, total, seconds_left: left, sentence } = state;
    const bar = part("bar");
    part("work").hidden = !isActive();
    if (now === "failed") refuse(sentence);
    part("ended").textContent = ["done", "cancelled"].includes(now) ? `${NAMES[kind]}: ${sentence}` : "";
    if (!isActive()) {
      if (wasActive && document.activeElement === document.body) list.querySelector(`[data-kind=${kind}]`)?.focus();
      return;
    }
    const [name, text] = part("told").children;
    const share = total ? Math.round((100 * done) / total) : 0;
    name.textContent = NAMES[kind];
    const progress =
      now === "running"
        ? [
            fill("mattered_done", { done, total }),
            ...(left === null ? [] : [fill("mattered_left", { span: format.span(Math.ceil(left)) })]),
          ]
        : [];
    text.textContent = [sentence, ...progress].join(" · ");
    bar.firstElementChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", share);
    bar.setAttribute("aria-valuetext", text.textContent);
  }
  function drawList() {
    const done = isSame() ? Object.keys(results.results) : [];
    const key = JSON.stringify([state.offers, done, isActive(), isJudged(), state.classes, isSame()]);
    drawMoment();
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    const focused = document.activeElement?.dataset?.kind;
    list.replaceChildren(...state.offers.map((offer) => row(offer, done.includes(offer.name))));
    if (focused) list.querySelector(`[data-kind=${focused}]`)?.focus();
    const kept = choice.value;
    const classes = state.classes.map((name, at) => new Option(name, at));
    choice.replaceChildren(
      new Option(
        results && isSame() ? fill("mattered_predicted_is", { class: results.moment.label }) : words.mattered_predicted,
        "",
      ),
      ...classes,
    );
    choice.value = kept < classes.length ? kept : "";
  }
  function row({ name, cost, why_not: why }, isDone) {
    const item = document.createElement("li");
    const title = document.createElement("b");
    const text = document.createElement("p");
    title.textContent = NAMES[name];
    if (isDone)
      title.append(Object.assign(document.createElement("i"), { textContent: "✓", title: words.mattered_is_done }));
    text.textContent = why || words[`mattered_${name}_does_${state.page}`] || words[`mattered_${name}_does`];
    text.classList.toggle("vm-mat-not", Boolean(why));
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      textContent: words[isDone ? "mattered_again" : "mattered_test"],
      disabled: Boolean(why) || isActive() || !isJudged(),
    });
    button.dataset.kind = name;
    button.setAttribute("aria-label", `${button.textContent}: ${NAMES[name]}`);
    button.addEventListener("click", () => begin(name));
    item.append(title, text, button);
    if (cost && !why) item.append(Object.assign(document.createElement("small"), { textContent: cost }));
    return item;
  }
  // Which moment is tested next: that of the last test as long as nobody picks another one.
  function drawMoment() {
    if (!state) return;
    const aside = part("moment");
    const newest = bus.last.now?.index ?? -1;
    const canBeNewer = isSame() && viewed.at === viewed.NEWEST && newest > results.moment.index;
    same.hidden = !results || (isSame() && !canBeNewer);
    same.querySelector("button").hidden = !canBeNewer;
    if (results) {
      const { start_seconds: start, end_seconds: end, label, probability } = results.moment;
      const time = `${format.clock(start)}–${format.clock(end)}`;
      aside.textContent = fill("mattered_of", { time, label, share: `${Math.round(100 * probability)} %` });
      same.firstElementChild.textContent = fill(isSame() ? "mattered_same" : "mattered_next", { time });
    } else aside.textContent = "";
  }
  same.querySelector("button").addEventListener("click", () => {
    isFresh = true;
    drawList();
  });

  function drawResults() {
    const byKind = results?.results ?? {};
    part("empty").hidden = Boolean(results);
    part("files").hidden = !results;
    for (const button of element.querySelectorAll("[data-png]"))
      button.hidden = !(button.dataset.png === "memory" ? byKind.memory?.clips.length : figures[button.dataset.png]);
    part("files").querySelector("[data-file]").href = `inside/tests/file.json?${query()}`;
    for (const name of FIGURES) {
      part(name).hidden = !figures[name];
      if (figures[name]) drawFigure(name);
    }
    part("memory").hidden = !byKind.memory;
    if (byKind.memory) maps.draw(results, mark);
    const sentences = results?.texts ?? {};
    const about = (name) => [sentences[name], sentences[`agreement_${name}`]].filter(Boolean).join(" ");
    say("effects", [sentences.both, about("direct"), about("total"), sentences.nothing], sentences.both);
    say("memory", [sentences.memory]);
    say("occlusion", [sentences.occlusion]);
    say("pixels", [sentences.pixels]);
    if (part("preview").dataset.moment !== String(results?.moment.index)) part("preview").hidden = true;
    drawClips();
  }
  function drawFigure(name) {
    const plot = element.querySelector(`[data-figure=${name}]`);
    const { data, layout } = figures[name];
    const height = name === "effects" ? 330 + layout.margin.t / 2 : highEnough(plot, layout);
    drawPlot(plot, { data, layout: { ...layout, height } }, name === "effects" ? picked : null);
  }
  // Panels of pictures keep their shape: so high that no room is left over.
  function highEnough(plot, layout) {
    const axes = (letter) =>
      Object.keys(layout)
        .filter((key) => key.startsWith(`${letter}axis`))
        .map((key) => layout[key]);
    const many = (letter) => new Set(axes(letter).map(({ domain }) => (domain ?? [0])[0].toFixed(3))).size;
    const shape = results.picture[0] / results.picture[1];
    const width = (plot.parentElement.clientWidth - 26) / many("x");
    return Math.round(layout.margin.t + many("y") * (width * shape + 30) + 14);
  }
  function say(name, lines, key = null) {
    part(name)
      .querySelector(".vm-mat-said")
      .replaceChildren(
        ...lines.filter(Boolean).map((text) =>
          Object.assign(document.createElement("li"), {
            textContent: text,
            className: text === key ? "vm-mat-key" : "",
          }),
        ),
      );
  }
  // The clips as buttons: a figure's bars cannot be reached by keyboard.
  function drawClips() {
    part("clips").hidden = !figures.effects;
    const title = Object.assign(document.createElement("span"), {
      textContent: words.mattered_play,
      className: "vm-aside",
    });
    part("clips").replaceChildren(
      title,
      ...(results?.clips ?? []).map((clip) => {
        const button = Object.assign(document.createElement("button"), {
          type: "button",
          textContent: format.clock(clip.start_seconds),
        });
        button.dataset.clip = clip.index;
        button.addEventListener("click", () => play(clip));
        return button;
      }),
    );
  }
  function picked(point) {
    const index = [point.customdata].flat()[0];
    const clip = results?.clips.find((one) => one.index === index);
    if (clip) play(clip);
  }
  // The timeline marks it.
  const mark = (clip) => bus.emit("mark", { start: clip.start_seconds, end: clip.end_seconds });
  function play(clip) {
    const canvas = part("preview").querySelector("canvas");
    const effect = (name) => results.results[name]?.clips.find((one) => one.clip === clip.index)?.log_odds;
    const parts = ["direct", "total"]
      .filter((name) => effect(name) !== undefined)
      .map((name) => `${NAMES[name].toLowerCase()} ${format.signed(effect(name))}`);
    const share = results.shares[clip.index];
    if (share !== undefined) parts.push(fill("mattered_share", { share: `${Math.round(100 * share)} %` }));
    part("preview").hidden = false;
    part("preview").dataset.moment = results.moment.index;
    part("preview").querySelector("p").textContent = [
      `${format.clock(clip.start_seconds)}–${format.clock(clip.end_seconds)}`,
      ...parts,
    ].join(" · ");
    for (const button of part("clips").querySelectorAll("button"))
      button.setAttribute("aria-pressed", button.dataset.clip === String(clip.index));
    mark(clip);
    playIn(canvas, clip, (image) => {
      canvas.height = Math.round((canvas.width * image.naturalHeight) / image.naturalWidth) || canvas.height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    });
  }
  for (const button of element.querySelectorAll("[data-png]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.png;
      const file = `mattered-${name}-${results.moment.index}`;
      if (name === "memory") maps.save(file);
      else savePlot(element.querySelector(`[data-figure=${name}]`), file);
    });
  }

  // When the page is opened, and when what was tested is gone
  function anew() {
    shown = -1;
    refresh();
  }
  bus.on("view_shown", () => {
    fitPage();
    refresh();
  });
  for (const topic of ["run", "epoch"])
    bus.on(topic, () => {
      [testedAt, pendingAt, isFresh] = [null, null, false];
      anew();
    });
  bus.on("model", anew);
  bus.on("inside_at", () => {
    isFresh = false;
    if (state) drawList();
  });
  new ResizeObserver(
    perFrame(() => {
      if (results && isShown()) for (const name of FIGURES) if (figures[name]) drawFigure(name);
    }),
  ).observe(part("found"));
  bus.on("now", () => {
    if (state && isShown()) drawList();
  });
  dark.addEventListener("change", anew);
}
