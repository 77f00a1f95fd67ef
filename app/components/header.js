// The bar at the top: which page is on view, and the chips at the right: model, device and reader.
// All pages are one document, so that what plays plays on while another page is looked at.
const links = element.querySelectorAll("nav a"), views = [...links].map((link) => link.dataset.view);
function showView() {
  const asked = location.hash.slice(1), view = views.includes(asked) ? asked : "watch";
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  for (const link of links) view === link.dataset.view ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  document.title = `vidmem: ${[...links].find((link) => link.dataset.view === view).textContent}`;
  window.scrollTo(0, 0);
  window.vidmem.emit("view_shown", view);
}
window.addEventListener("hashchange", showView);
showView();

const chips = element.querySelector(".vm-chips");
window.vidmem.on("chips", (texts) => {
  chips.replaceChildren(...texts.map((text) => {
    const chip = document.createElement("span");
    chip.className = "vm-chip";
    chip.textContent = text;
    return chip;
  }));
});
