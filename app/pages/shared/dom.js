// Small things that every part does with the document.

export const dark = matchMedia("(prefers-color-scheme: dark)");
export const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Paths of icons, in a box of 24.
export const PLAY = "M7 4.5v15l13-7.5z";
export const PAUSE = "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z";

export const theme = () => (dark.matches ? "dark" : "light");

// Which page is on view, and whether anybody can see it.
export const viewShown = () => document.body.dataset.view;
export const isViewShown = (...views) => views.includes(viewShown()) && !document.hidden;

// An element with its properties: make("p", { textContent: "none" }, child, "text").
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function downloadLink([address, name]) {
  return make("a", { href: address, download: name, textContent: name });
}

export function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

// Runs at most once per animation frame, however often it is asked.
export function perFrame(draw) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };
}
