// The bar at the top: which page is on view, and the chips at the right: model, device and reader.
// Both pages are one document, so that what plays plays on while another page is looked at.
const links = element.querySelectorAll("nav a");
function showView() {
  const view = location.hash === "#masks" ? "masks" : "watch";
  if (document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  for (const link of links) view === link.dataset.view ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  document.title = `vidmem: ${window.vidmem.words[view]}`;
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
