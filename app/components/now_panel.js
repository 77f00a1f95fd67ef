// The probabilities of the newest prediction, and what the model holds. Runs inside the player's part.
(() => {
  const vm = window.vidmem;
  const find = (selector) => element.querySelector(selector);
  const bars = find(".vm-bars"), facts = find(".vm-facts"), when = find(".vm-when"), empty = find(".vm-now .vm-empty"), badge = find(".vm-badge");
  let rows = [];

  function buildRows(count) {
    bars.replaceChildren();
    rows = Array.from({ length: count }, () => {
      const row = document.createElement("div");
      row.innerHTML = "<b></b><u><i></i></u><span></span>";
      bars.append(row);
      const [name, track, number] = row.children;
      return { row, name, fill: track.firstElementChild, number };
    });
  }
  // classes: [name, colour, probability], in the order in which they are shown
  function drawBars(classes, isIdle) {
    if (rows.length !== classes.length) buildRows(classes.length);
    const best = Math.max(...classes.map((row) => row[2]));
    classes.forEach(([name, colour, probability], at) => {
      const { row, name: label, fill, number } = rows[at];
      row.classList.toggle("vm-first", !isIdle && probability === best);
      label.textContent = label.title = name;
      fill.style.width = `${probability * 100}%`;
      fill.style.background = vm.colour(colour);
      number.textContent = isIdle ? "–" : probability.toFixed(2);
    });
    bars.classList.toggle("vm-idle", isIdle);
  }
  function drawFacts(pairs) {
    facts.replaceChildren(...pairs.flatMap(([term, value]) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = value;
      return [dt, dd];
    }));
  }
  vm.on("now", (now) => {
    const total = vm.last.source?.duration_seconds ?? 0;
    when.textContent = now ? `${vm.clock(now.start_seconds, total, total < 600)} – ${vm.clock(now.end_seconds, total, total < 600)}` : "";
    empty.hidden = Boolean(now);
    badge.hidden = now?.is_final ?? true;
    bars.classList.toggle("vm-provisional", !badge.hidden);
    drawFacts(now?.facts ?? []);
    if (now) drawBars(now.classes, false);
    else drawBars((vm.last.model?.classes ?? []).slice(0, 12).map((name, at) => [name, at, 0]), true);
  });
  vm.on("model", (model) => {
    if (!vm.last.now) drawBars(model.classes.slice(0, 12).map((name, at) => [name, at, 0]), true);
  });
})();
