// A tile per stream: its newest picture, label, strip, speed, memory, and what can be done with it.

import * as bus from "../shared/bus.js";
import { behaviourColour } from "../shared/colours.js";
import { PAUSE, PLAY } from "../shared/dom.js";
import { indexOfNearest } from "../shared/fields.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { makeStrip } from "./strip.js";

const WIDE = 16 / 9;
const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path/></svg>';
const MARKUP = `
  <div class="vm-tile-screen"><img alt="" hidden decoding="async"><p class="vm-tile-wait"></p></div>
  <div class="vm-caption"><div class="vm-tag" hidden><i class="vm-dot"></i><span></span><em></em><b class="vm-visually-hidden"></b></div><div class="vm-clock" hidden></div></div>
  <div class="vm-tile-body">
    <div class="vm-tile-head"><div><h3></h3><small></small></div><span class="vm-tile-acts"><button type="button" data-tile="toggle">${ICON}</button><a class="vm-button" download hidden></a><button type="button" data-tile="leave">✕</button></span></div>
    <div></div>
    <p class="vm-aside vm-tile-pace"></p>
    <p class="vm-unlike" hidden></p>
    <p class="vm-tile-trouble" hidden></p>
    <label class="vm-tile-mem"><span></span><input type="range" min="0" step="1"><b></b><small></small></label>
  </div>`;

export function makeTile(stream, about, act) {
  const item = document.createElement("li");
  Object.assign(item, { className: "vm-tile", innerHTML: MARKUP });
  item.dataset.stream = stream;
  const part = (selector) => item.querySelector(selector);
  const image = part("img");
  const waiting = part(".vm-tile-wait");
  const tag = part(".vm-tag");
  const clock = part(".vm-clock");
  const toggle = part("[data-tile=toggle]");
  const file = part("a");
  const memory = part(".vm-tile-mem");
  const slider = part("input");
  const strip = makeStrip(part(".vm-tile-body").children[1], { onJump: (seconds) => act("jump", stream, { seconds }) });
  let facts = null;
  let heldUntil = 0;
  let timer = 0;

  memory.hidden = about.l_mems.length < 2;
  memory.firstElementChild.textContent = words[about.is_window ? "l_mem_window" : "l_mem"];
  slider.max = about.l_mems.length - 1;
  file.textContent = words.streams_csv;

  function showMemory(l_mem) {
    const span = format.span((l_mem + (about.is_window ? 1 : 0)) * about.seconds_per_place);
    const count = fill(l_mem === 1 ? "one_clip" : "many_clip", { count: l_mem });
    memory.querySelector("b").textContent = count;
    const means = about.is_window
      ? fill("streams_sees", { span })
      : l_mem
        ? fill("remembers", { span })
        : words.remembers_nothing;
    memory.querySelector("small").textContent = means;
    slider.setAttribute("aria-valuetext", `${count}: ${means}`);
  }
  slider.addEventListener("input", () => {
    const l_mem = about.l_mems[Number(slider.value)];
    heldUntil = performance.now() + 1500;
    showMemory(l_mem);
    clearTimeout(timer);
    timer = setTimeout(() => act("set", stream, { setting: "l_mem", value: l_mem }), 150);
  });
  toggle.addEventListener("click", () => {
    if (isOver()) act("jump", stream, { seconds: 0 });
    else act(facts.status === "paused" ? "resume" : "pause", stream);
  });
  part("[data-tile=leave]").addEventListener("click", () => act("leave", stream));

  const isOver = () => ["ended", "failed"].includes(facts.status);
  const isOpened = () => facts.shape.length > 0;
  // In its true shape, whatever the shape that the model wants.
  function fit([wide, high]) {
    const share = wide / high / WIDE;
    Object.assign(image.style, { width: `${Math.min(1, share) * 100}%`, height: `${Math.min(1, 1 / share) * 100}%` });
  }
  function pace({ status, total, speed, behind, live, at = 0 }) {
    if (live && !isOver()) return status === "paused" ? words.streams_paused : live;
    const place = total ? fill("of_total", { time: format.clock(at), total: format.clock(total) }) : "";
    const fast = speed > 0 ? fill("streams_speed", { speed }) : "";
    const late = behind > 0 && status === "playing" ? fill("streams_behind", { span: format.span(behind) }) : "";
    const ending =
      { paused: words.streams_paused, ended: words.streams_ended, failed: at ? words.streams_broke : "" }[status] ?? "";
    return [place, ending || fast, late].filter(Boolean).join(" · ");
  }
  function showActs() {
    const isPlaying = facts.status === "playing" || facts.status === "opening";
    toggle.hidden = isOver() && (!isOpened() || Boolean(facts.live)); // what is live is not seen again
    toggle.querySelector("path").setAttribute("d", isPlaying ? PAUSE : PLAY);
    const does = words[isPlaying ? "pause" : isOver() ? "play_again" : "resume"];
    toggle.setAttribute("aria-label", fill("streams_does", { does, title: facts.title }));
    toggle.title = does;
    const leave = part("[data-tile=leave]");
    leave.setAttribute("aria-label", fill("streams_leave", { title: facts.title }));
    leave.title = words.streams_leave_hint;
    file.hidden = !facts.file;
    if (facts.file) file.href = `streams/files/${bus.run}/${encodeURIComponent(facts.file)}`;
    file.setAttribute("aria-label", fill("streams_csv_of", { title: facts.title }));
  }
  function show(newFacts) {
    facts = newFacts;
    const { status, title, video, sentence, label } = facts;
    const isBad = Boolean(sentence);
    item.dataset.status = status;
    part("h3").textContent = part("h3").title = title;
    part(".vm-tile-head small").textContent = facts.region ? fill("streams_of", { title: video }) : "";
    if (facts.shape.length) fit(facts.shape);
    waiting.textContent = status === "opening" ? words.streams_opening : isBad && image.hidden ? sentence : "";
    part(".vm-tile-trouble").hidden = !isBad || image.hidden;
    part(".vm-tile-trouble").textContent = isBad && !image.hidden ? sentence : "";
    part(".vm-tile-pace").textContent = pace(facts);
    tag.hidden = !label;
    part(".vm-unlike").hidden = !facts.is_unlike;
    part(".vm-unlike").textContent = words.streams_unlike;
    tag.classList.toggle("vm-doubtful", Boolean(facts.is_unlike));
    if (label) {
      const [dot, name, share, provisional] = tag.children;
      dot.style.setProperty("--behaviour", behaviourColour(facts.colour));
      dot.classList.toggle("vm-hatched-dot", !facts.is_final);
      const others = (facts.others ?? []).map(([other]) => other); // of a model of several axes
      name.textContent = [label, ...others].join(" · ");
      share.textContent = others.length ? "" : `· ${facts.probability.toFixed(2)}`;
      provisional.textContent = facts.is_final ? "" : `, ${words.provisional}`;
      tag.title = facts.is_final ? "" : words.provisional_hint;
    }
    if (document.activeElement !== slider || performance.now() > heldUntil) {
      slider.value = indexOfNearest(about.l_mems, facts.l_mem);
      showMemory(facts.l_mem);
    }
    slider.disabled = !isOpened();
    strip.item.hidden = status === "failed" && !isOpened();
    memory.hidden = about.l_mems.length < 2 || (status === "failed" && !isOpened());
    slider.setAttribute("aria-label", fill("streams_memory_of", { title }));
    showActs();
    strip.show(facts, about.classes);
  }
  function showPicture({ jpeg, seconds }) {
    const isFirst = image.hidden;
    image.src = `data:image/jpeg;base64,${jpeg}`;
    image.alt = fill("streams_picture_of", { title: facts.title, time: format.clock(seconds) });
    image.hidden = clock.hidden = false;
    clock.textContent = format.clock(seconds);
    if (isFirst) show(facts);
  }
  return {
    item,
    strip,
    show,
    showPicture,
    rename: (classes) => {
      about = { ...about, classes };
    },
  };
}
