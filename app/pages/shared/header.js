// The bar at the top: which page is on view, the model at the right, and the tour.
// All pages are one document, so that a run goes on while another page is looked at.

import { saveFile } from "./ask.js";
import * as bus from "./bus.js";
import { make, viewShown } from "./dom.js";
import { showPage } from "./parts.js";
import { startTour } from "./tour.js";

export function start(element) {
  const links = [...element.querySelectorAll("nav a")];

  function showView() {
    const wanted = location.hash.slice(1);
    const link = links.find((one) => one.dataset.view === wanted) ?? links[0];
    const { view } = link.dataset;
    if (viewShown() === view) return;
    document.body.dataset.view = view;
    for (const one of links) {
      if (one === link) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    }
    link.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a phone they are one row
    document.title = `vidmem: ${link.textContent}`;
    window.scrollTo(0, 0);
    showPage(view);
    bus.emit("view_shown", view);
  }
  window.addEventListener("hashchange", showView);
  showView();

  // Files of figures and moments, which the server may have to make first.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-file]");
    if (!link?.href) return;
    event.preventDefault();
    saveFile(link);
  });

  // How it is computed is on the Cost page; here it is a tooltip, since it says nothing of animals.
  const chips = element.querySelector(".vm-chips");
  bus.on("chips", ([model, ...details]) => {
    const shown = model ? [make("span", { className: "vm-chip", textContent: model, title: details.join(" · ") })] : [];
    chips.replaceChildren(...shown);
  });

  startTour(element, links);
}
