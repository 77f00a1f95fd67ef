// The Runs page: what the project keeps of each run, and what can be done with it. It asks again while it is on view.

import { ask, post, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { isViewShown, make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { goToLabel } from "../shared/video/go_to_label.js";
import { fill, words } from "../shared/words.js";

const POLL = 2000; // milliseconds between two questions while the page is on view
const count = (number) => fill(number === 1 ? "one_run" : "many_run", { count: number });
const nameOf = (run) => run.video ?? run.source;

function button(key, act, properties = {}) {
  const made = make("button", { type: "button", textContent: words[key], ...properties });
  made.dataset.run = act;
  return made;
}

// A cell says on a phone, where there is no head of the table, what it is.
function cell(key, ...content) {
  const made = make("td", {}, ...content);
  made.dataset.title = words[key];
  return made;
}

function stateOf(run) {
  const isPlaying = run.state === "running";
  if (isPlaying && !run.is_here) return "elsewhere";
  return isPlaying && !run.has_page ? "alone" : run.state;
}

function progressCell({ progress_seconds: reached, duration_seconds: total, state }) {
  const time = format.clock(reached);
  if (!total) return cell("run_progress", time);
  const whole = format.clock(Math.round(total)); // as the list of videos says how long one is
  const isAll = state === "finished" && reached >= total - 1;
  const share = Math.min(1, reached / total);
  const text = isAll
    ? fill("run_all", { total: whole })
    : `${fill("run_of_total", { time, total: whole })} · ${format.percent(share)}`;
  const bar = make("i");
  bar.style.width = `${100 * share}%`;
  const track = make("div", { className: "vm-progress" }, bar);
  track.setAttribute("aria-hidden", "true");
  return cell("run_progress", make("span", { textContent: text }), track);
}

function stateCell(run) {
  const state = stateOf(run);
  const mark = make("span", { className: "vm-runs-state", textContent: words[`run_state_${state}`] });
  mark.dataset.state = state;
  const said = [run.error, run.warning].filter(Boolean).map((textContent) => make("small", { textContent }));
  return cell("run_state", mark, ...said);
}

function dateCell({ created }) {
  const day = new Date(created);
  const isToday = day.toDateString() === new Date().toDateString();
  const shown = day.toLocaleString(
    [],
    isToday ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "medium" },
  );
  return cell("run_begun", make("time", { dateTime: created, textContent: shown, title: day.toLocaleString() }));
}

function fileLinks(run) {
  const clips = run.files.map(([address, name], at) =>
    make("a", {
      href: address,
      download: name,
      title: words.run_clips_hint,
      textContent: at ? fill("run_clips_number", { number: at + 1 }) : words.run_clips,
    }),
  );
  if (!clips.length) return [];
  const bouts = make("a", {
    href: `project/runs/bouts.csv?${queryOf({ id: run.id })}`,
    title: words.run_bouts_hint,
    textContent: words.run_bouts,
  });
  bouts.dataset.file = "csv"; // asked for again while the server is busy
  return [make("span", { className: "vm-runs-files" }, "CSV: ", ...clips, bouts)];
}

function actCell(run) {
  const isElsewhere = stateOf(run) === "elsewhere";
  const acts = [button("run_open", "open", { title: words.run_open_hint, disabled: isElsewhere })];
  if (run.video) acts.push(button("run_label", "label", { title: words.run_label_hint }));
  if (run.video) acts.push(button("run_review", "review", { title: words.run_review_hint }));
  if (run.can_resume) acts.push(button("run_resume", "resume", { title: words.run_resume_hint }));
  if (run.is_here) acts.push(button("run_stop", "stop"));
  else acts.push(button("run_delete", "delete", { disabled: isElsewhere }));
  for (const one of acts) one.setAttribute("aria-label", `${one.textContent}: ${nameOf(run)}`);
  return make("td", { className: "vm-runs-acts" }, make("span", {}, ...acts), ...fileLinks(run));
}

function rowOf(run) {
  const name = make("th", { scope: "row" }, make("b", { textContent: nameOf(run) }));
  if (run.video && run.source !== run.video) name.append(make("small", { textContent: run.source }));
  const row = make(
    "tr",
    {},
    name,
    cell("run_model", make("span", { textContent: run.model }), make("small", { textContent: run.settings_words })),
    progressCell(run),
    stateCell(run),
    dateCell(run),
    Object.assign(cell("run_size", format.fileSize(run.size_bytes)), { className: "vm-runs-size" }),
    actCell(run),
  );
  row.dataset.id = run.id;
  return row;
}

function sureRow(run) {
  const question = fill("run_delete_sure", { name: nameOf(run), size: format.fileSize(run.size_bytes) });
  const acts = make(
    "span",
    {},
    button("run_delete_yes", "delete-sure", { className: "vm-runs-bad" }),
    button("run_delete_no", "keep"),
  );
  const row = make("tr", { className: "vm-runs-sure" }, make("td", { colSpan: 7 }, make("p", {}, question), acts));
  row.dataset.id = run.id;
  return row;
}

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const table = find("table");
  const body = find("tbody");
  const refused = find(".vm-runs-refused");
  const offer = find(".vm-runs-offer");
  const spoken = find(".vm-runs-said");
  let drawn = "";
  let runs = [];
  let newest = null; // the answer on view
  let asked = ""; // the run whose deletion is asked about
  let isPressed = false; // something of the table: drawn anew under the hand, its click would come to nothing

  async function load() {
    const answer = await ask("runs", () => "project/runs");
    if (!answer) return;
    refuse(answer.error);
    if (!answer.error) draw(answer);
  }
  function refuse(sentence) {
    refused.hidden = !sentence;
    refused.textContent = sentence ?? "";
  }
  function draw(answer) {
    const text = JSON.stringify([answer, asked]);
    if (text === drawn || isPressed) return; // what is under a hand stays
    drawn = text;
    newest = answer;
    runs = answer.runs;
    if (!runs.some((run) => run.id === asked)) asked = "";
    const total = { count: count(answer.num_runs), size: format.fileSize(answer.total_bytes) };
    find(".vm-runs-total").textContent = runs.length ? fill("runs_total", total) : "";
    find(".vm-runs-none").hidden = runs.length > 0;
    find(".vm-runs-more").textContent = answer.num_more ? fill("runs_more", { count: answer.num_more }) : "";
    table.hidden = runs.length === 0;
    const held = document.activeElement;
    const focus = body.contains(held) && [held.closest("tr").dataset.id, held.dataset.run];
    body.replaceChildren(...runs.flatMap((run) => (run.id === asked ? [rowOf(run), sureRow(run)] : [rowOf(run)])));
    if (focus) body.querySelector(`tr[data-id="${focus[0]}"] [data-run="${focus[1]}"]`)?.focus();
    drawOffer();
  }
  const interrupted = () => runs.filter((run) => run.state === "interrupted");
  function drawOffer() {
    const [latest, ...others] = interrupted();
    offer.hidden = !latest;
    if (!latest) return;
    const values = { name: nameOf(latest), time: format.clock(latest.progress_seconds) };
    const more = others.length ? ` ${fill("run_offer_more", { count: others.length })}` : "";
    offer.querySelector("p").textContent = `${fill(latest.video ? "run_offer" : "run_offer_camera", values)}${more}`;
    offer.querySelector("[data-offer=resume]").hidden = !latest.can_resume;
    offer.querySelector("[data-offer=leave]").textContent = words[others.length ? "run_leave_all" : "run_leave"];
  }

  async function tell(address, value) {
    const answer = await post(`project/runs/${address}`, value);
    if (answer?.error) refuse(answer.error);
    else await load();
    return !answer?.error;
  }
  function show(id, isPlaying) {
    bus.act("open_run", { id, play: isPlaying });
    location.hash = "#watch";
  }
  // On Label, below what a person coded.
  async function label({ id, video }) {
    refuse(await goToLabel(video, { run: id }));
  }
  function review({ id }) {
    bus.emit("review_run", id);
    location.hash = "#review";
  }
  function redraw() {
    if (newest) draw(newest);
  }
  const acts = {
    open: ({ id }) => show(id, false),
    label,
    review,
    resume: ({ id }) => show(id, true),
    stop: ({ id }) => tell("stop", { id }),
    delete: ({ id }) => {
      asked = asked === id ? "" : id;
      redraw();
      body.querySelector(".vm-runs-sure [data-run=keep]")?.focus();
    },
    keep: ({ id }) => {
      asked = "";
      redraw();
      body.querySelector(`tr[data-id="${id}"] [data-run=delete]`)?.focus();
    },
    "delete-sure": async (run) => {
      asked = "";
      if (await tell("delete", { id: run.id })) spoken.textContent = fill("run_deleted", { name: nameOf(run) });
      else redraw();
    },
  };
  body.addEventListener("pointerdown", () => {
    isPressed = true;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, () => {
      isPressed = false;
    });
  }
  body.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-run]");
    const run = runs.find((one) => one.id === pressed?.closest("tr").dataset.id);
    if (run && !pressed.disabled) acts[pressed.dataset.run](run);
  });
  offer.addEventListener("click", (event) => {
    const { offer: pressed } = event.target.closest("button")?.dataset ?? {};
    if (pressed === "resume") show(interrupted()[0].id, true);
    if (pressed === "leave") tell("leave", {});
  });
  const loadIfShown = () => {
    if (isViewShown("runs")) load();
  };
  bus.on("view_shown", loadIfShown);
  document.addEventListener("visibilitychange", loadIfShown);
  setInterval(loadIfShown, POLL);
}
