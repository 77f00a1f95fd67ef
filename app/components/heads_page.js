// The Heads page: what is picked, what is asked of the server, and when. Drawing is in the scripts before this one.
const page = element.querySelector(".vm-heads-page"), refusal = find(".vm-heads-none [role=status]");
const plots = { offsets: find(".vm-heads-offsets .vm-plotly"), gathered: find(".vm-heads-gathered .vm-plotly") };
const DRAG = 90; // milliseconds between two questions while a slider moves
const picked = { layer: null, head: null, back: null, region: null }; // back: frames before the newest of the window
let answer = null, ticket = 0, dragging = 0, isByHand = false;

const settings = () => vm.last.settings?.values;
// Where nothing was picked, a frame looks that has the whole range on both sides.
const wantedBack = () => picked.back ?? settings()?.local_frame_range ?? 0;
const isAsPicked = () => vm.inside.at !== vm.inside.NEWEST && picked.back === null; // the frame at the time on the timeline
const isNearer = (one, other) => Math.abs(one.seconds - vm.inside.at) < Math.abs(other.seconds - vm.inside.at);
function wantedFrame({ frames }) {
  if (isAsPicked()) return frames.reduce((best, frame) => (isNearer(frame, best) ? frame : best));
  return frames[Math.max(0, frames.length - 1 - wantedBack())];
}
function guessedSeconds() {
  if (isAsPicked()) return vm.inside.at;
  const newest = vm.inside.at === vm.inside.NEWEST ? vm.last.now?.end_seconds - 1 / settings()?.fps : answer?.frames.at(-1).seconds;
  return Number.isFinite(newest) ? Math.max(0, newest - wantedBack() / settings().fps) : null;
}
function asked(frame) {
  const { layer, head, region } = picked;
  return { layer, head, frame, region: region?.map((edge) => edge.toFixed(4)).join() ?? null };
}

// Which frame is meant is known for sure only with the window's frames: the stream may have moved on since.
async function answered() {
  const got = await vm.inside.get("inside/heads", asked(guessedSeconds()));
  if (!got || got.error || wantedFrame(got).number === got.frame.number) return got;
  return vm.inside.get("inside/heads", asked(wantedFrame(got).seconds));
}
const titleOf = (name) => vm.last.models?.find(([key]) => key === name)?.[1] ?? name;
async function load() {
  const { model } = vm.last;
  if (model && !model.heads) { refuse(vm.fill("heads_no_heads", { model: titleOf(model.name) }), true); return; }
  const got = await answered();
  if (!got) return;
  if (got.error) refuse(got.error);
  else await show(got);
}
const ask = vm.inside.keepFresh("heads", load);
function pick(changes) {
  Object.assign(picked, changes);
  isByHand = true;
  ask();
}

function refuse(sentence, isOtherModel = false) {
  answer = null;
  ticket += 1;
  page.dataset.state = "empty";
  refusal.textContent = sentence;
  find(".vm-heads-other").hidden = !isOtherModel;
  vm.emit("inside_moment", null);
}
async function show(got) {
  const mine = (ticket += 1), isCurrent = () => mine === ticket;
  answer = got;
  picked.layer ??= got.layer;
  picked.head ??= got.head;
  page.dataset.state = "shown";
  vm.emit("inside_moment", got.moment);
  page.dataset.direction = got.direction;
  drawGrid(got);
  say(got);
  drawFigures(got.figures);
  await drawSight(got, isCurrent);
  if (isCurrent()) page.dataset.key = got.key;
}
function say({ moment, layer, head, direction, region, said }) {
  find(".vm-who .vm-badge").hidden = moment.is_final;
  find(".vm-sight-head").textContent = vm.fill("heads_one", { layer, head, side: vm.words[`heads_${direction}`] });
  const [top, bottom, left, right] = picked.region ?? [], isPatch = top === bottom && left === right;
  find(".vm-who-region p").textContent = vm.words[!region ? "heads_asked_whole" : isPatch ? "heads_asked_patch" : "heads_asked_region"];
  find(".vm-who-all").hidden = !region;
  find(".vm-sight-said").textContent = said;
  if (isByHand) find(".vm-sight-spoken").textContent = said; // what a hand asked for is read out, what streams by is not
  isByHand = false;
  const shown = vm.inside.query({ ...asked(answer.frame.seconds), at: vm.inside.middle(moment) });
  for (const link of element.querySelectorAll("[data-file]")) link.href = `inside/heads.${link.dataset.file}?${shown}`;
}
function drawFigures(figures) {
  for (const [name, plot] of Object.entries(plots)) {
    plot.closest("section").hidden = !figures[name];
    if (figures[name]) vm.plots.draw(plot, figures[name]);
  }
}

// Hands
const markRegion = vm.inside.pickRegion(who, (region) => pick({ region }));
function pickHead(layer, head) {
  markPicked({ ...gridAnswer, layer, head });
  pick({ layer, head });
}
const pickFrame = (number) => pick({ back: answer.frames.length - 1 - number });
slider.addEventListener("input", () => {
  drawFilmPick({ ...answer, frame: answer.frames[Number(slider.value)] });
  dragging ||= setTimeout(() => {
    dragging = 0;
    if (answer) pickFrame(Number(slider.value));
  }, DRAG);
});
film.addEventListener("click", (event) => {
  const { left, width } = film.getBoundingClientRect(), count = answer.frames.length;
  pickFrame(Math.max(0, Math.min(count - 1, Math.floor(((event.clientX - left) / width) * count))));
});
find(".vm-who-all").addEventListener("click", () => { pick({ region: null }); who.focus(); });
find(".vm-sight-png").addEventListener("click", () => {
  vm.inside.savePicture(sightPicture(answer), `heads-layer-${answer.layer}-head-${answer.head}`);
});
for (const button of element.querySelectorAll("[data-png]")) {
  button.addEventListener("click", () => vm.plots.save(plots[button.dataset.png], `heads-${button.dataset.png}`));
}
vm.on("model", () => Object.assign(picked, { layer: null, head: null, back: null }));
vm.on("inside_waiting", (waiting) => page.classList.toggle("vm-stale", Boolean(waiting)));
