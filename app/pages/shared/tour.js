// A tour of a minute: each step shows a page and says what it is for. Who closed the offer is not asked again.

import * as bus from "./bus.js";
import { make } from "./dom.js";
import { keep, kept } from "./kept.js";
import { fill, words } from "./words.js";

const KEY = "vidmem.tour";

// The pages in the order in which somebody with footage of her own meets them; what is not there is left out.
const STEPS = ["watch", "label", "teach", "review", "results", "memory"];

export function startTour(element, links) {
  const begin = element.querySelector(".vm-tour-begin");
  const refuse = element.querySelector(".vm-tour-refuse");
  const linkOf = (view) => links.find((one) => one.dataset.view === view);
  const steps = STEPS.filter(linkOf);
  const card = makeCard();
  let at = 0;
  let isClosed = kept(KEY) === "closed";

  function drawOffer() {
    begin.textContent = isClosed ? words.tour_again : words.tour_offer;
    begin.parentElement.toggleAttribute("data-new", !isClosed);
    refuse.hidden = isClosed;
  }
  function closeForGood() {
    isClosed = true;
    keep(KEY, "closed");
    drawOffer();
  }
  function show(step) {
    at = step;
    const view = steps[at];
    location.hash = view;
    card.title.textContent = linkOf(view).textContent;
    card.text.textContent = words[`tour_${view}`];
    card.place.textContent = fill("tour_place", { at: at + 1, all: steps.length });
    card.back.disabled = at === 0;
    card.next.textContent = at === steps.length - 1 ? words.tour_done : words.tour_next;
    if (!card.element.open) card.element.show();
    card.next.focus({ preventScroll: true });
  }
  function end() {
    card.element.close();
    closeForGood();
    begin.focus({ preventScroll: true });
  }

  begin.addEventListener("click", () => show(0));
  refuse.addEventListener("click", closeForGood);
  card.back.addEventListener("click", () => show(at - 1));
  card.next.addEventListener("click", () => (at === steps.length - 1 ? end() : show(at + 1)));
  card.cross.addEventListener("click", end);
  card.element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
    event.stopPropagation(); // the keys of the page behind it are not meant
  });
  // A page takes the focus when it is shown; while the tour is on, it is the tour's.
  bus.on("view_shown", () =>
    requestAnimationFrame(() => card.element.open && card.next.focus({ preventScroll: true })),
  );
  drawOffer();
}

function makeCard() {
  const title = make("h2", { id: "vm-tour-title" });
  const cross = make("button", { type: "button", className: "vm-tour-close", textContent: "×" });
  cross.setAttribute("aria-label", words.tour_close);
  const text = make("p");
  text.setAttribute("aria-live", "polite");
  const place = make("span", { className: "vm-aside" });
  const back = make("button", { type: "button", textContent: words.tour_back });
  const next = make("button", { type: "button", className: "vm-primary" });
  const element = make(
    "dialog",
    { className: "vm vm-tour" },
    make("header", {}, title, cross),
    text,
    make("footer", {}, place, back, next),
  );
  element.setAttribute("aria-labelledby", title.id);
  document.body.append(element);
  return { element, title, cross, text, place, back, next };
}
