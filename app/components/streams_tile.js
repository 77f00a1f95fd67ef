// A tile per stream: its newest picture, label, strip, speed, memory, and what can be done with it.
const PLAY = "M7 4.5v15l13-7.5z", PAUSE = "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z", WIDE = 16 / 9;
const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path/></svg>';
const MARKUP = `
  <div class="vm-tile-screen"><img alt="" hidden decoding="async"><p class="vm-tile-wait"></p>
    <div class="vm-caption"><div class="vm-tag" hidden><i class="vm-dot"></i><span></span><em></em><b class="vm-visually-hidden"></b></div><div class="vm-clock" hidden></div></div></div>
  <div class="vm-tile-body">
    <div class="vm-tile-head"><div><h3></h3><small></small></div><span class="vm-tile-acts"><button type="button" data-tile="toggle">${ICON}</button><a class="vm-button" download hidden></a><button type="button" data-tile="leave">✕</button></span></div>
    <div></div>
    <p class="vm-aside vm-tile-pace"></p>
    <p class="vm-tile-trouble" hidden></p>
    <label class="vm-tile-mem"><span></span><input type="range" min="0" step="1"><b></b><small></small></label>
  </div>`;

function makeTile(stream, about, act) {
  const item = document.createElement("li");
  Object.assign(item, { className: "vm-tile", innerHTML: MARKUP });
  item.dataset.stream = stream;
  const part = (selector) => item.querySelector(selector);
  const image = part("img"), waiting = part(".vm-tile-wait"), tag = part(".vm-tag"), clock = part(".vm-clock");
  const toggle = part("[data-tile=toggle]"), file = part("a"), memory = part(".vm-tile-mem"), slider = part("input");
  const strip = makeStrip(part(".vm-tile-body").children[1], { onJump: (seconds) => act("jump", stream, { seconds }) });
  let facts = null, heldUntil = 0, timer = 0;

  memory.hidden = about.l_mems.length < 2;
  memory.firstElementChild.textContent = vm.words[about.is_window ? "l_mem_window" : "l_mem"];
  slider.max = about.l_mems.length - 1;
  file.textContent = vm.words.streams_csv;

  const nearest = (wanted) => about.l_mems.reduce((best, value, at) => (Math.abs(value - wanted) < Math.abs(about.l_mems[best] - wanted) ? at : best), 0);
  function showMemory(l_mem) {
    const span = vm.span((l_mem + (about.is_window ? 1 : 0)) * about.seconds_per_place);
    const count = vm.fill(l_mem === 1 ? "one_clip" : "many_clip", { count: l_mem });
    memory.querySelector("b").textContent = count;
    const means = about.is_window ? vm.fill("streams_sees", { span }) : l_mem ? vm.fill("remembers", { span }) : vm.words.remembers_nothing;
    memory.querySelector("small").textContent = means;
    slider.setAttribute("aria-valuetext", `${count}: ${means}`);
  }
  slider.addEventListener("input", () => {
    const l_mem = about.l_mems[Number(slider.value)];
    heldUntil = performance.now() + 1500;
    showMemory(l_mem);
    clearTimeout(timer);
    timer = setTimeout(() => act("l_mem", stream, { l_mem }), 150);
  });
  toggle.addEventListener("click", () => {
    if (isOver()) act("jump", stream, { seconds: 0 });
    else act(facts.status === "paused" ? "resume" : "pause", stream);
  });
  part("[data-tile=leave]").addEventListener("click", () => act("leave", stream));

  const isOver = () => ["ended", "failed"].includes(facts.status), isOpened = () => facts.shape.length > 0;
  // In its true shape, whatever the shape that the model wants.
  function fit([wide, high]) {
    const share = wide / high / WIDE;
    Object.assign(image.style, { width: `${Math.min(1, share) * 100}%`, height: `${Math.min(1, 1 / share) * 100}%` });
  }
  function pace({ status, total, speed, behind, live, at = 0 }) {
    if (live && !isOver()) return status === "paused" ? vm.words.streams_paused : live;
    const place = total ? vm.fill("of_total", { time: vm.clock(at, total), total: vm.clock(total, total) }) : "";
    const fast = speed > 0 ? vm.fill("streams_speed", { speed }) : "";
    const late = behind > 0 && status === "playing" ? vm.fill("streams_behind", { span: vm.span(behind) }) : "";
    const said = { paused: vm.words.streams_paused, ended: vm.words.streams_ended, failed: at ? vm.words.streams_broke : "" }[status] ?? "";
    return [place, said || fast, late].filter(Boolean).join(" · ");
  }
  function showActs() {
    const isPlaying = facts.status === "playing" || facts.status === "opening";
    toggle.hidden = isOver() && (!isOpened() || Boolean(facts.live)); // what is live is not seen again
    toggle.querySelector("path").setAttribute("d", isPlaying ? PAUSE : PLAY);
    const does = vm.words[isPlaying ? "pause" : isOver() ? "play_again" : "resume"];
    toggle.setAttribute("aria-label", vm.fill("streams_does", { does, title: facts.title }));
    toggle.title = does;
    const leave = part("[data-tile=leave]");
    leave.setAttribute("aria-label", vm.fill("streams_leave", { title: facts.title }));
    leave.title = vm.words.streams_leave_hint;
    file.hidden = !facts.file;
    if (facts.file) file.href = `streams/files/${vm.run}/${encodeURIComponent(facts.file)}`;
    file.setAttribute("aria-label", vm.fill("streams_csv_of", { title: facts.title }));
  }
  function show(told) {
    facts = told;
    const { status, title, video, sentence, label } = facts, isBad = Boolean(sentence);
    item.dataset.status = status;
    part("h3").textContent = part("h3").title = title;
    part(".vm-tile-head small").textContent = facts.region ? vm.fill("streams_of", { title: video }) : "";
    if (facts.shape.length) fit(facts.shape);
    waiting.textContent = status === "opening" ? vm.words.streams_opening : isBad && image.hidden ? sentence : "";
    part(".vm-tile-trouble").hidden = !isBad || image.hidden;
    part(".vm-tile-trouble").textContent = isBad && !image.hidden ? sentence : "";
    part(".vm-tile-pace").textContent = pace(facts);
    tag.hidden = !label;
    if (label) {
      const [dot, name, share, provisional] = tag.children;
      dot.style.setProperty("--behaviour", vm.colour(facts.colour));
      dot.classList.toggle("vm-hatched-dot", !facts.is_final);
      name.textContent = label;
      share.textContent = `· ${facts.probability.toFixed(2)}`;
      provisional.textContent = facts.is_final ? "" : `, ${vm.words.provisional}`;
      tag.title = facts.is_final ? "" : vm.words.provisional_hint;
    }
    if (document.activeElement !== slider || performance.now() > heldUntil) {
      slider.value = nearest(facts.l_mem);
      showMemory(facts.l_mem);
    }
    slider.disabled = !isOpened();
    strip.item.hidden = status === "failed" && !isOpened();
    memory.hidden = about.l_mems.length < 2 || (status === "failed" && !isOpened());
    slider.setAttribute("aria-label", vm.fill("streams_memory_of", { title }));
    showActs();
    strip.show(facts, about.classes);
  }
  function showPicture({ jpeg, seconds }) {
    const isFirst = image.hidden;
    image.src = `data:image/jpeg;base64,${jpeg}`;
    image.alt = vm.fill("streams_picture_of", { title: facts.title, time: vm.clock(seconds, facts.total) });
    image.hidden = clock.hidden = false;
    clock.textContent = vm.clock(seconds, facts.total);
    if (isFirst) show(facts);
  }
  return { item, strip, show, showPicture, rename: (classes) => { about = { ...about, classes }; } };
}
