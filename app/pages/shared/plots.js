// Plotly, loaded when a figure is first drawn, and what the figures of all pages have in common.

import { make } from "./dom.js";

export const PLOT_CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };

// Narrower, an axis has no room for any of its labels, and Plotly fails to place its title; that is no place to look at
// but one that is being laid out.
const NARROWEST = 100; // pixels
const hasRoom = (plot) => plot.clientWidth >= NARROWEST && plot.clientHeight > 0;

let loading = null;
const waiting = new WeakMap(); // plot -> its newest drawing, where there was no room for it yet
const drawings = new WeakMap(); // plot -> number of its newest drawing
const heard = new WeakSet(); // plots whose clicks are listened to

// Whether it is there; if it did not come, the next figure asks for it again.
export function loadPlotly() {
  loading ??= new Promise((done) => {
    const script = make("script", { src: "plotly.js", onload: () => done(true) });
    script.onerror = () => {
      loading = null;
      done(false);
    };
    document.head.append(script);
  });
  return loading;
}

// A figure as the server sends it. A newer one that comes while Plotly loads is the one that is drawn.
// `onClick(point)`: a bar, cell or dot was clicked, as Plotly has it. Gives back whether Plotly is there.
export async function drawPlot(plot, figure, onClick = null) {
  const number = (drawings.get(plot) ?? 0) + 1;
  drawings.set(plot, number);
  if (!(await loadPlotly())) return false;
  if (number !== drawings.get(plot)) return true;
  waiting.delete(plot);
  if (plot.clientWidth < NARROWEST) {
    waiting.set(plot, () => drawPlot(plot, figure, onClick));
    follow(plot);
    return true;
  }
  const { data, layout } = figure;
  const { width: _, height, ...rest } = layout; // as wide as its place
  rest.dragmode = false; // a finger scrolls the page
  for (const axis of Object.keys(rest).filter((name) => /^[xy]axis/.test(name))) {
    rest[axis] = { ...rest[axis], fixedrange: true };
  }
  await drawSized(plot, data, rest, height);
  if (onClick && !heard.has(plot)) {
    heard.add(plot);
    plot.on("plotly_click", ({ points }) => onClick(points[0]));
  }
  return true;
}

// A figure as wide as its place, and as high as is said: else as high as its place is already.
export function drawSized(plot, data, layout, height) {
  if (height) plot.style.height = `${height}px`;
  follow(plot);
  // Told outright: `react` keeps the size that a plot had, however large its place is now.
  const size = { width: plot.clientWidth, height: plot.clientHeight };
  return window.Plotly.react(plot, data, { ...layout, ...size }, PLOT_CONFIG);
}
// A plot whose size is told does not follow its place by itself: neither the window nor what stands beside it.
const followed = new WeakSet();
const follower = new ResizeObserver((entries) => {
  for (const { target: plot } of entries) {
    const { width, height } = plot._fullLayout ?? {};
    if (plot.clientWidth >= NARROWEST) waiting.get(plot)?.();
    if (hasRoom(plot) && width && (width !== plot.clientWidth || height !== plot.clientHeight))
      window.Plotly.relayout(plot, { width: plot.clientWidth, height: plot.clientHeight });
  }
});

function follow(plot) {
  if (followed.has(plot)) return;
  followed.add(plot);
  follower.observe(plot);
}

export function savePlot(plot, filename, format = "png") {
  const size = { width: plot.clientWidth, height: plot.clientHeight };
  return window.Plotly.downloadImage(plot, { format, scale: format === "png" ? 3 : 1, filename, ...size });
}
