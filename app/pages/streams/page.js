// The Streams page: what to stream, what is new twice a second while somebody looks, and what all streams cost together.

import { ask, post, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { behaviourColour } from "../shared/colours.js";
import { dark, downloadLink, isViewShown } from "../shared/dom.js";
import { fill, words } from "../shared/words.js";
import { makeBoxes } from "./boxes.js";
import { makeTile } from "./tile.js";

const PACE = 500; // milliseconds from an answer to the next question

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const boxes = makeBoxes(element, { say, refuse });
  const part = find(".vm-streams");
  const setup = find(".vm-streams-setup");
  const videoList = find(".vm-streams-list");
  const models = find(".vm-streams-model");
  const grid = find(".vm-tiles");
  const facts = find(".vm-streams-facts");
  const more = find("[data-streams=more]");
  const tiles = new Map(); // stream -> tile
  let pool = null;
  let version = -1;
  let about = null;
  let running = 0;
  let hasChosen = false;
  let order = [];

  const isShown = () => isViewShown("streams") && Boolean(bus.run);
  function say(sentence) {
    find(".vm-streams-said").textContent = sentence;
  }
  function refuse(sentence) {
    const refused = find(".vm-streams-refused");
    refused.hidden = !sentence;
    refused.textContent = sentence ?? "";
  }

  // What is new, as long as somebody looks.
  function refresh() {
    if (!isShown()) return;
    const { run } = bus;
    const isWanted = () => isShown() && run === bus.run;
    ask("streams", () => `streams/news?${queryOf({ run, pool: pool ?? "", since: version })}`, {
      isUnfinished: isWanted,
      onUnfinished: (answer) => {
        if (!answer.error) show(answer); // that the app is silent, the Watch page says
      },
      poll: PACE,
    });
  }
  async function send(name, request = {}) {
    refuse(null);
    const answer = await post(`streams/${name}`, { run: bus.run, ...request });
    if (answer.error) refuse(answer.error);
    if (answer.text) say(answer.text);
    refresh();
    return !answer.error;
  }
  const act = (name, stream, request = {}) => send(name, { stream, ...request });

  function forget() {
    for (const tile of tiles.values()) tile.item.remove();
    tiles.clear();
    order = [];
    [pool, version, about] = [null, -1, null];
  }
  function show(answer) {
    if (answer.pool !== pool) forget();
    pool = answer.pool;
    if (pool !== null) showPool(answer);
    showFiles(answer.files);
    const isEmpty = pool === null || !tiles.size;
    part.dataset.state = isEmpty ? "empty" : "shown";
    if (isEmpty) openSetup(true);
    models.disabled = !isEmpty;
    if (isEmpty) find(".vm-streams-of").textContent = "";
  }
  function showPool(answer) {
    if (answer.about) {
      ({ about } = answer);
      for (const tile of tiles.values()) tile.rename(about.classes);
      showAbout();
    }
    if (answer.order) ({ order } = answer);
    arrange();
    for (const [stream, fresh] of Object.entries(answer.streams)) tiles.get(stream)?.show(fresh);
    for (const [stream, fresh] of Object.entries(answer.pictures)) tiles.get(stream)?.showPicture(fresh);
    for (const [stream, fresh] of Object.entries(answer.strips)) tiles.get(stream)?.strip.take(fresh);
    if (answer.figures) showFigures(answer.figures);
    // What a strip has grown to is asked for anew, in fewer pieces.
    version = [...tiles.values()].some(({ strip }) => strip.isFull) ? -1 : answer.version;
  }
  function arrange() {
    for (const [stream, tile] of tiles) {
      if (order.includes(stream)) continue;
      if (tile.item.contains(document.activeElement)) more.focus({ preventScroll: true });
      tile.item.remove();
      tiles.delete(stream);
    }
    for (const stream of order) {
      if (tiles.has(stream)) continue;
      const tile = makeTile(stream, about, act);
      tiles.set(stream, tile);
      grid.append(tile.item);
    }
  }

  // What all of them do and cost
  function showFigures({ playing, headline, sentence, facts: pairs }) {
    running = playing;
    find(".vm-streams-of").textContent = headline;
    const isSame = facts.children.length === pairs.length;
    if (!isSame)
      facts.replaceChildren(
        ...pairs.map(() => Object.assign(document.createElement("div"), { innerHTML: "<dd></dd><dt></dt>" })),
      );
    for (const [at, [value, name]] of pairs.entries()) {
      const [number, term] = facts.children[at].children;
      number.textContent = value;
      term.textContent = name;
    }
    find(".vm-streams-trouble").hidden = !sentence;
    find(".vm-streams-trouble").textContent = sentence;
    showShared();
  }
  function showShared() {
    const isWatched = ["playing", "opening"].includes(bus.last.play?.status);
    find(".vm-streams-shared").hidden = !(isWatched && running > 0);
  }
  function showAbout() {
    models.value = about.model;
    find(".vm-streams-note").textContent = about.trained_on;
    find(".vm-streams-legend").replaceChildren(
      ...about.classes.map((name, column) => {
        const entry = document.createElement("li");
        const dot = document.createElement("i");
        dot.className = "vm-dot";
        dot.style.background = behaviourColour(column);
        entry.append(dot, name);
        return entry;
      }),
    );
    if (about.has_provisional)
      find(".vm-streams-legend").append(
        Object.assign(document.createElement("li"), {
          innerHTML: `<i class="vm-hatch" aria-hidden="true"></i>${words.hatched}`,
        }),
      );
  }
  function showFiles(files) {
    const shown = new Set(
      [...grid.querySelectorAll("a:not([hidden])")].map((link) =>
        decodeURIComponent(link.getAttribute("href").split("/").at(-1)),
      ),
    );
    const earlier = files.filter((name) => !shown.has(name));
    const line = find(".vm-streams-earlier");
    find(".vm-streams-files").hidden = !files.length;
    for (const link of element.querySelectorAll("[data-take]"))
      link.href = `streams/files/${bus.run}/${link.dataset.take}`;
    line.hidden = !earlier.length;
    if (line.dataset.names === earlier.join()) return;
    line.dataset.names = earlier.join();
    line.replaceChildren(
      words.streams_earlier,
      ...earlier.flatMap((name) => [
        " ",
        downloadLink([`streams/files/${bus.run}/${encodeURIComponent(name)}`, name.replace(/^\d+-/, "")]),
      ]),
    );
  }

  // What to stream
  function openSetup(isOpen) {
    if (setup.hidden === !isOpen) return;
    setup.hidden = !isOpen;
    more.setAttribute("aria-expanded", isOpen);
    if (isOpen) boxes.showPicture();
  }
  const VIDEO = ":not([data-camera])";
  const CAMERA = "[data-camera]"; // an address is never taken for the key of a video
  const ticked = (kind) => [...videoList.querySelectorAll(`input:checked${kind}`)].map((box) => box.value);
  function showTicked() {
    const count = ticked("").length;
    const go = find("[data-streams=videos]");
    go.disabled = !count;
    go.textContent = fill(["streams_start_none", "streams_start_one"][count] ?? "streams_start_many", { count });
  }
  let cameras = []; // addresses that were typed here
  function showVideos() {
    const chosen = new Set(ticked(VIDEO));
    const watched = new Set(ticked(CAMERA));
    const heading = (name) => Object.assign(document.createElement("h3"), { textContent: name });
    const listed = (bus.last.videos ?? []).flatMap(([name, videos]) => [
      heading(name),
      ...videos.map(([key, text]) => videoChoice(key, text, chosen.has(key))),
    ]);
    const typed = cameras.map((address) => cameraChoice(address, watched.has(address)));
    videoList.replaceChildren(...listed, ...(typed.length ? [heading(words.streams_cameras), ...typed] : []));
    showTicked();
  }
  bus.on("videos", showVideos);
  bus.on("hello", (hello) => {
    find(".vm-streams-address").hidden = !hello.may_watch_addresses;
  });
  find(".vm-streams-address").addEventListener("submit", (event) => {
    event.preventDefault();
    const input = event.target.querySelector("input");
    const address = input.value.trim();
    if (!address) return;
    cameras = [...new Set([...cameras, address])];
    input.value = "";
    showVideos();
    const added = videoList.querySelector(`input${CAMERA}[value="${CSS.escape(address)}"]`);
    added.checked = true;
    added.scrollIntoView({ block: "nearest" });
    showTicked();
  });
  function videoChoice(key, text, checked) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", value: key, checked });
    label.append(box, text);
    return label;
  }
  function cameraChoice(address, checked) {
    const row = document.createElement("div");
    const shown = address.replace(/\/\/[^/]*@/, "//");
    const choice = videoChoice(address, shown, checked);
    const remove = Object.assign(document.createElement("button"), {
      type: "button",
      textContent: "✕",
      title: fill("streams_remove_box", { name: shown }),
    });
    choice.firstChild.dataset.camera = "";
    remove.setAttribute("aria-label", remove.title);
    remove.addEventListener("click", () => {
      cameras = cameras.filter((one) => one !== address);
      showVideos();
      find(".vm-streams-address input").focus();
    });
    row.append(choice, remove);
    return row;
  }
  videoList.addEventListener("change", showTicked);
  function showModels() {
    const here = (bus.last.models ?? []).filter(([, , isHere]) => isHere);
    models.replaceChildren(...here.map(([key, title]) => new Option(title, key)));
    const chosen = about?.model ?? bus.last.model?.name;
    if (chosen) models.value = chosen;
  }
  bus.on("models", showModels);
  bus.on("model", (model) => {
    if (about || hasChosen) return;
    models.value = model.name;
    find(".vm-streams-note").textContent = model.trained_on;
  });
  models.addEventListener("change", () => {
    hasChosen = true;
    find(".vm-streams-note").textContent = "";
  });

  async function startStreams(request) {
    const isStarted = await send("start", { model: models.value, ...request });
    if (isStarted) {
      openSetup(false);
      more.focus({ preventScroll: true });
    }
    return isStarted;
  }
  const hands = {
    videos: async () => {
      if (!(await startStreams({ videos: ticked(VIDEO), addresses: ticked(CAMERA) }))) return;
      for (const box of videoList.querySelectorAll("input")) box.checked = false;
      showTicked();
    },
    regions: () => startStreams({ video: boxes.video, regions: boxes.all }),
    more: () => openSetup(setup.hidden),
    close: () => send("close"),
  };
  element.addEventListener("click", (event) => hands[event.target.closest("[data-streams]")?.dataset.streams]?.());

  bus.on("run", () => {
    forget();
    refresh();
  });
  bus.on("play", showShared);
  bus.on("view_shown", () => {
    refresh();
    if (isShown()) for (const { strip } of tiles.values()) strip.draw();
  });
  document.addEventListener("visibilitychange", refresh);
  dark.addEventListener("change", () => {
    for (const { strip } of tiles.values()) strip.draw();
  });
  showTicked();
}
