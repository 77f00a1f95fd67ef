// Over the timeline of the Memory and the Heads page: play and pause, and which moment is on view.

import * as bus from "../shared/bus.js";
import { isTyping, PAUSE, PLAY } from "../shared/dom.js";
import * as format from "../shared/format.js";
import * as viewed from "../shared/viewed_moment.js";
import { fill, words } from "../shared/words.js";
import { columnColour } from "./colours.js";

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const part = find(".vm-moment");
  const button = (name) => find(`[data-moment=${name}]`);
  const waiting = find(".vm-moment-waiting");
  const unlike = find(".vm-unlike");
  let shown = null; // the moment as the server describes it; null until it has

  const play = () => bus.last.play ?? { status: "empty" };
  const isActive = () => play().status === "playing" || (play().status === "opening" && !play().is_held);
  const total = () => bus.last.source?.duration_seconds ?? 0;
  const stride = () => bus.last.settings?.seconds_between_predictions ?? 1;
  const newestSeconds = () => (bus.last.now ? (bus.last.now.start_seconds + bus.last.now.end_seconds) / 2 : 0);

  function drawTransport() {
    const { status, can_play: canPlay } = play();
    const active = isActive();
    const begun = active || ["opening", "paused"].includes(status);
    const again = bus.last.now && !begun ? "play_again" : "play";
    button("toggle")
      .querySelector("path")
      .setAttribute("d", active ? PAUSE : PLAY);
    button("toggle").querySelector("span").textContent = words[active ? "pause" : begun ? "resume" : again];
    button("toggle").disabled = !canPlay && !begun;
    button("back").disabled = !bus.last.now;
    button("forward").disabled = viewed.at === viewed.NEWEST && (!canPlay || status === "finished");
  }

  // What is on view, in words: which moment, its time, and what was said of it.
  function drawMoment() {
    const isNewest = viewed.at === viewed.NEWEST;
    button("newest").hidden = isNewest;
    part.classList.toggle("vm-past", !isNewest);
    find(".vm-moment-name").textContent = words[isNewest ? "moment_is_newest" : "moment_is_past"];
    const tenths = total() < 600;
    const time = (seconds) => format.clock(seconds, { hasTenths: tenths });
    const moment = shown ?? (isNewest ? bus.last.now : null);
    if (moment) find(".vm-moment-time").textContent = `${time(moment.start_seconds)} – ${time(moment.end_seconds)}`;
    else find(".vm-moment-time").textContent = isNewest ? words.moment_nothing : time(viewed.at);
    find(".vm-moment-said").hidden = !moment;
    drawUnlike(moment);
    if (!moment) return;
    const label = `${moment.label} ${moment.probability.toFixed(2)}`;
    find(".vm-moment-said i").style.background = columnColour((bus.last.timeline?.classes ?? []).indexOf(moment.label));
    find(".vm-moment-said span").textContent = moment.is_final ? label : `${label} · ${words.provisional}`;
  }

  // As on the Watch page: what mattered for a label that means nothing means nothing either.
  function drawUnlike(moment) {
    const isUnlike = moment?.is_unlike ?? false;
    unlike.hidden = !isUnlike;
    unlike.firstElementChild.textContent = fill("unlike", {
      model: moment?.model ?? bus.last.chips?.[0] ?? words.the_model,
    });
    find(".vm-moment-said").classList.toggle("vm-doubtful", isUnlike);
  }

  const actions = {
    toggle: () => bus.act(isActive() ? "pause" : "play"),
    newest: () => viewed.setAt(viewed.NEWEST),
    back: () => {
      if (isActive()) bus.act("pause");
      const from = viewed.at === viewed.NEWEST ? newestSeconds() : viewed.at;
      viewed.setAt(Math.max(0, from - stride()));
    },
    forward: () => {
      if (viewed.at === viewed.NEWEST) bus.act("step");
      else if (viewed.at + stride() >= (bus.last.now?.start_seconds ?? 0)) actions.newest();
      else viewed.setAt(viewed.at + stride());
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
    if (!part.getClientRects().length || isTyping(event.target)) return; // another page is on view
    if (event.key === " " ? event.target.closest("button, a") : event.target.closest("[data-keys]")) return;
    if (button(name).disabled || button(name).hidden) return;
    event.preventDefault();
    actions[name]();
  });

  bus.on("play", drawTransport);
  bus.on("now", (now) => {
    // a page says which moment it is when it has the answer; until then this is what is known
    if (viewed.at === viewed.NEWEST && now) shown = null;
    drawTransport();
    drawMoment();
  });
  bus.on("inside_at", () => {
    shown = null;
    drawTransport();
    drawMoment();
  });
  bus.on("inside_moment", (moment) => {
    shown = moment;
    drawMoment();
  });
  bus.on("inside_waiting", (answer) => {
    waiting.hidden = !answer;
    if (!answer) return;
    waiting.firstElementChild.textContent = answer.waiting;
    waiting.querySelector("i").style.width = `${answer.total ? (100 * answer.done) / answer.total : 0}%`;
  });
  for (const topic of ["timeline", "source", "epoch", "view_shown"]) bus.on(topic, drawMoment);
  drawTransport();
  drawMoment();
}
