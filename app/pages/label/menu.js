// A menu at the pointer, or at an element: arrows and Enter choose, Escape closes.

import { make } from "../shared/dom.js";

// `items`: { words, key, colour, run, isOff } or null for a line between. `onClosed` is called once, whatever happens.
export function openMenuAt(place, { x, y }, items, { label, onClosed = () => {} }) {
  place.querySelector(".vm-code-menu")?.close();
  const back = document.activeElement;
  const buttons = [];
  const menu = make("dialog", { className: "vm-code-menu" });
  menu.setAttribute("aria-label", label);
  const list = make("div", { role: "menu" });
  list.setAttribute("aria-label", label);
  for (const item of items) {
    if (!item) {
      list.append(make("hr"));
      continue;
    }
    const dot = make("i", { className: "vm-dot", hidden: !item.colour });
    dot.style.background = item.colour ?? "";
    const key = item.key ? make("kbd", { textContent: item.key }) : "";
    const button = make(
      "button",
      { type: "button", role: "menuitem", disabled: Boolean(item.isOff) },
      dot,
      make("span", { textContent: item.words }),
      key,
    );
    button.addEventListener("click", () => {
      menu.close();
      item.run();
    });
    buttons.push(button);
    list.append(button);
  }
  menu.append(list);
  menu.addEventListener("click", (event) => {
    if (event.target === menu) menu.close(); // beside it
  });
  menu.addEventListener("keydown", (event) => {
    const usable = buttons.filter((one) => !one.disabled);
    const at = usable.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: usable.length - 1 }[event.key];
    event.stopPropagation();
    if (next === undefined) return;
    event.preventDefault();
    usable.at(next % usable.length)?.focus();
  });
  menu.addEventListener("close", () => {
    menu.remove();
    back?.focus?.({ preventScroll: true });
    onClosed();
  });
  place.append(menu);
  menu.showModal();
  const [wide, high] = [menu.offsetWidth, menu.offsetHeight];
  menu.style.left = `${Math.max(6, Math.min(x, window.innerWidth - wide - 6))}px`;
  menu.style.top = `${Math.max(6, Math.min(y, window.innerHeight - high - 6))}px`;
  buttons.find((one) => !one.disabled)?.focus();
}
