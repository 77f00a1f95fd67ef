// The memory queue or the window as pictures. A clip keeps its element while it is held, so that pushing and evicting can be seen.

import * as bus from "../shared/bus.js";
import { calm, make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";
import { columnColour } from "./colours.js";

const MOVE = { duration: 240, easing: "cubic-bezier(.3, .1, .2, 1)" };
function makePlace() {
  return make("li", { className: "vm-none" }, make("span", { className: "vm-thumb" }));
}

export function start(element) {
  const card = element.querySelector(".vm-memory");
  const strip = card.querySelector(".vm-strip");
  const off = element.querySelector(".vm-empty");
  const evicted = element.querySelector(".vm-evicted");
  const pictures = new Map(); // clip number -> JPEG address
  const slots = new Map(); // clip number -> element
  let memory = null;
  let changedAt = 0;

  function makeSlot(clip) {
    const item = document.createElement("li");
    item.innerHTML =
      '<button type="button"><span class="vm-thumb"></span><span class="vm-at"></span><span class="vm-age"></span></button>';
    item.dataset.clip = clip;
    showPicture(item, clip);
    return item;
  }
  function showPicture(item, clip) {
    const address = pictures.get(clip);
    if (address) item.querySelector(".vm-thumb").style.backgroundImage = `url(${address})`;
  }
  function label(item, slot) {
    const age = Math.max(0, memory.now_seconds - slot.end);
    const at = format.clock(slot.start);
    const isNewest = age < 1e-6;
    const clip = fill(isNewest ? "clip_now" : "clip_at", { time: at, age: format.span(age) });
    const text = slot.is_final ? clip : fill("clip_provisional", { clip });
    item.querySelector(".vm-at").textContent = at;
    item.querySelector(".vm-age").textContent = isNewest ? words.age_now : format.age(age);
    item.firstElementChild.setAttribute("aria-label", text);
    item.firstElementChild.title = text;
    item.classList.toggle("vm-provisional", !slot.is_final);
    item.style.setProperty("--behaviour", columnColour(slot.column));
  }

  function leave(item, box, frame) {
    item.classList.add("vm-leaving");
    item.style.left = `${box.left - frame.left + strip.scrollLeft}px`;
    item.style.top = `${box.top - frame.top}px`;
    item.style.width = `${box.width}px`;
    item.inert = true;
    strip.prepend(item);
    const gone = item.animate([{ opacity: 1 }, { opacity: 0, transform: "translateX(-70%) scale(.7)" }], {
      ...MOVE,
      duration: 420,
    });
    gone.onfinish = () => item.remove();
  }

  function arrange(value) {
    memory = value;
    const now = performance.now();
    const isMoving = !calm.matches && now - changedAt > 260 && slots.size > 0;
    changedAt = now;
    const frame = strip.getBoundingClientRect();
    const before = new Map([...slots].map(([clip, item]) => [clip, item.getBoundingClientRect()]));
    const kept = new Set(value.slots.map((slot) => slot.clip));
    const leaving = [...slots].filter(([clip]) => !kept.has(clip));
    for (const [clip] of leaving) slots.delete(clip);
    for (const slot of value.slots) if (!slots.has(slot.clip)) slots.set(slot.clip, makeSlot(slot.clip));

    const atEnd = strip.scrollLeft + strip.clientWidth >= strip.scrollWidth - 80;
    const places = Array.from({ length: Math.max(0, value.num_places - value.slots.length) }, makePlace);
    const held = document.activeElement?.closest?.(".vm-strip li");
    strip.replaceChildren(...places, ...value.slots.map((slot) => slots.get(slot.clip)));
    if (held && strip.contains(held)) held.firstElementChild.focus({ preventScroll: true });
    strip.style.setProperty("--clips", value.num_places);
    const mostPerRow = value.is_window ? 12 : 26; // the page of a window has room under its strip
    const perRow = value.num_places <= mostPerRow ? value.num_places : Math.ceil(value.num_places / 2);
    strip.style.setProperty("--places", Math.max(1, perRow));
    strip.classList.toggle("vm-tight", perRow > 18 && bus.last.source?.duration_seconds >= 3600);
    for (const slot of value.slots) label(slots.get(slot.clip), slot);
    if (atEnd) strip.scrollLeft = strip.scrollWidth;
    if (isMoving) animate(before, leaving, frame);
  }
  function animate(before, leaving, frame) {
    for (const [clip, item] of slots) {
      const from = before.get(clip);
      const to = item.getBoundingClientRect();
      if (!from)
        item.animate(
          [
            { opacity: 0, transform: "translateX(60%)" },
            { opacity: 1, transform: "none" },
          ],
          MOVE,
        );
      else if (from.left !== to.left || from.top !== to.top) {
        item.animate(
          [{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }],
          MOVE,
        );
      }
    }
    for (const [clip, item] of leaving.slice(-3)) leave(item, before.get(clip), frame);
  }

  // In a queue the newest clip gets its slot with the next one: its picture, and the next one's, come before it.
  function forgetPictures() {
    const oldest = memory?.slots[0]?.clip ?? Math.max(...pictures.keys());
    for (const clip of pictures.keys()) if (clip < oldest && !slots.has(clip)) pictures.delete(clip);
  }

  bus.on("memory", (value) => {
    const title = words[value.is_window ? "window" : "memory"];
    for (const named of [card, strip]) named.setAttribute("aria-label", title);
    card.querySelector("h2").textContent = title;
    off.hidden = value.num_places > 0;
    strip.hidden = value.num_places === 0;
    evicted.textContent = value.note;
    arrange(value);
    forgetPictures();
  });
  bus.on("thumbnails", (fresh) => {
    for (const [clip, jpeg] of fresh) {
      pictures.set(clip, `data:image/jpeg;base64,${jpeg}`);
      if (slots.has(clip)) showPicture(slots.get(clip), clip);
    }
  });
  bus.on("epoch", () => {
    slots.clear();
    pictures.clear();
    strip.replaceChildren();
    if (memory) arrange({ ...memory, slots: [], note: "" });
  });
  strip.addEventListener("click", (event) => {
    const item = event.target.closest("li[data-clip]");
    const slot = item && memory.slots.find((one) => one.clip === Number(item.dataset.clip));
    if (!slot) return;
    bus.act("look", { seconds: (slot.start + slot.end) / 2 });
    // Its picture is shown in the player: that may be above what is on view.
    const screen = document.querySelector(".vm-player .vm-screen");
    const { top, bottom } = screen.getBoundingClientRect();
    const isOnView = top >= 0 && bottom <= window.innerHeight;
    if (!isOnView) screen.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  });
}
