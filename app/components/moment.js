// Over the timeline of the Memory and the Heads page: play and pause, and which moment is on view.
const vm = window.vidmem, { inside } = vm;
const find = (selector) => element.querySelector(selector);
const part = find(".vm-moment"), button = (name) => find(`[data-moment=${name}]`), waiting = find(".vm-moment-waiting");
const PLAY = "M7 4.5v15l13-7.5z", PAUSE = "M6 5h4.2v14H6zM13.8 5H18v14h-4.2z";
let shown = null; // the moment as the server tells it; null until it has

const play = () => vm.last.play ?? { status: "empty" };
const isActive = () => play().status === "playing" || (play().status === "opening" && !play().is_held);
const total = () => vm.last.source?.duration_seconds ?? 0;
const stride = () => vm.last.settings?.seconds_between_predictions ?? 1;
const newestSeconds = () => (vm.last.now ? (vm.last.now.start_seconds + vm.last.now.end_seconds) / 2 : 0);

function drawTransport() {
  const { status, can_play: canPlay } = play(), active = isActive(), begun = active || ["opening", "paused"].includes(status);
  const again = vm.last.now && !begun ? "play_again" : "play";
  button("toggle").querySelector("path").setAttribute("d", active ? PAUSE : PLAY);
  button("toggle").querySelector("span").textContent = vm.words[active ? "pause" : begun ? "resume" : again];
  button("toggle").disabled = !canPlay && !begun;
  button("back").disabled = !vm.last.now;
  button("forward").disabled = inside.at === inside.NEWEST && (!canPlay || status === "finished");
}

// What is on view, in words: which moment, its time, and what was said of it.
function drawMoment() {
  const isNewest = inside.at === inside.NEWEST;
  button("newest").hidden = isNewest;
  part.classList.toggle("vm-past", !isNewest);
  find(".vm-moment-name").textContent = vm.words[isNewest ? "moment_is_newest" : "moment_is_past"];
  const tenths = total() < 600, time = (seconds) => vm.clock(seconds, total(), tenths);
  const told = shown ?? (isNewest ? vm.last.now : null);
  if (told) find(".vm-moment-time").textContent = `${time(told.start_seconds)} – ${time(told.end_seconds)}`;
  else find(".vm-moment-time").textContent = isNewest ? vm.words.moment_nothing : time(inside.at);
  find(".vm-moment-said").hidden = !told;
  if (!told) return;
  const label = `${told.label} ${told.probability.toFixed(2)}`;
  find(".vm-moment-said i").style.background = vm.colour((vm.last.timeline?.classes ?? []).indexOf(told.label));
  find(".vm-moment-said span").textContent = told.is_final ? label : `${label} · ${vm.words.provisional}`;
}

const actions = {
  toggle: () => vm.act(isActive() ? "pause" : "play"),
  newest: () => inside.setAt(inside.NEWEST),
  back: () => {
    if (isActive()) vm.act("pause");
    const from = inside.at === inside.NEWEST ? newestSeconds() : inside.at;
    inside.setAt(Math.max(0, from - stride()));
  },
  forward: () => {
    if (inside.at === inside.NEWEST) vm.act("step");
    else if (inside.at + stride() >= (vm.last.now?.start_seconds ?? 0)) actions.newest();
    else inside.setAt(inside.at + stride());
  },
};
part.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-moment]");
  if (pressed && !pressed.disabled) actions[pressed.dataset.moment]();
});

const keys = { " ": "toggle", ArrowLeft: "back", ArrowRight: "forward", Escape: "newest" };
document.addEventListener("keydown", (event) => {
  const name = keys[event.key];
  if (!name || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!part.getClientRects().length || vm.isTyping(event.target)) return; // another page is on view
  if (event.key === " " ? event.target.closest("button, a") : event.target.closest("[data-keys]")) return;
  if (button(name).disabled || button(name).hidden) return;
  event.preventDefault();
  actions[name]();
});

vm.on("play", drawTransport);
vm.on("now", (now) => { // a page tells the moment when it has the answer; until then this is what is known
  if (inside.at === inside.NEWEST && now) shown = null;
  drawTransport();
  drawMoment();
});
vm.on("inside_at", () => { shown = null; drawTransport(); drawMoment(); });
vm.on("inside_moment", (moment) => { shown = moment; drawMoment(); });
vm.on("inside_waiting", (answer) => {
  waiting.hidden = !answer;
  if (!answer) return;
  waiting.firstElementChild.textContent = answer.waiting;
  waiting.querySelector("i").style.width = `${answer.total ? (100 * answer.done) / answer.total : 0}%`;
});
for (const topic of ["timeline", "source", "epoch", "view_shown"]) vm.on(topic, drawMoment);
drawTransport();
drawMoment();
