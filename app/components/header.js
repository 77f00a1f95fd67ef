// The chips at the right of the top bar: model, device and reader.
const chips = element.querySelector(".vm-chips");
window.vidmem.on("chips", (texts) => {
  chips.replaceChildren(...texts.map((text) => {
    const chip = document.createElement("span");
    chip.className = "vm-chip";
    chip.textContent = text;
    return chip;
  }));
});
