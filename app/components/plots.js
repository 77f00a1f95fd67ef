// Plotly, loaded when a figure is first drawn, and what the figures of all pages have in common. Loaded in the head.
window.vidmem.plots = (() => {
  const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };
  let loading = null;

  function load() {
    loading ??= new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: "plotly.js", onload: done });
      script.onerror = () => { loading = null; failed(new Error("plotly.js")); };
      document.head.append(script);
    });
    return loading;
  }

  // A figure as the server tells it. A newer one that comes while Plotly loads is the one that is drawn.
  // `onClick(point)`: a bar, cell or dot was clicked, as Plotly tells of it.
  async function draw(plot, { data, layout }, onClick = null) {
    const number = plot.vmDrawing = (plot.vmDrawing ?? 0) + 1;
    await load();
    if (number !== plot.vmDrawing || !plot.clientWidth) return;
    const { width, height, ...rest } = layout; // as wide as its place
    if (height) plot.style.height = `${height}px`;
    rest.dragmode = false; // a finger scrolls the page
    for (const axis of Object.keys(rest).filter((name) => /^[xy]axis/.test(name))) rest[axis] = { ...rest[axis], fixedrange: true };
    await window.Plotly.react(plot, data, { ...rest, autosize: true }, CONFIG);
    if (!onClick || plot.vmIsHeard) return;
    plot.vmIsHeard = true;
    plot.on("plotly_click", ({ points }) => onClick(points[0]));
  }

  function save(plot, filename) {
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    return window.Plotly.downloadImage(plot, { format: "png", scale: 3, filename, ...size });
  }

  return { CONFIG, load, draw, save };
})();
