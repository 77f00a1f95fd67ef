// Rates of the Planner page: entered by hand, or measured on this machine, with progress and to be cancelled.

import { ask, drop, fetchJson, pause, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { words } from "../shared/words.js";

const POLL = 400; // milliseconds
const isUnfinished = (state) => !state.error && !state.is_cancelled && !state.is_done;

// What a measured rate is of: with another one of these it holds no more.
const OF = {
  rate: ["model", "height", "width", "clip_frames", "l_mem", "dtype", "batch", "device"],
  decode: ["fps", "height", "width"],
};

export function makeRate(part, query, changed) {
  const { kind } = part.dataset;
  const input = part.querySelector("input");
  const button = part.querySelector("button");
  const bar = part.querySelector(".vm-progress");
  const note = part.querySelector("small");
  const title = button.textContent;
  const hint = note.textContent;
  let measured = "";
  let number = null;
  let running = "";
  let isAsking = false;

  const keyOf = () => {
    const request = query();
    return JSON.stringify([
      ...OF[kind].map((name) => request.get(name)),
      kind === "decode" ? bus.last.source?.key : "",
    ]);
  };
  function progress(share) {
    bar.hidden = share === null;
    button.textContent = share === null ? title : words.cancel;
    if (share === null) return;
    bar.firstElementChild.style.width = `${Math.round(share * 100)}%`;
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
  }
  function finish(sentence) {
    number = null;
    progress(null);
    note.textContent = sentence;
  }
  function showProgress(state) {
    number = state.number;
    progress(state.share);
    note.textContent = state.text;
  }
  function end(state) {
    if (state.error) return finish(state.error);
    if (state.is_cancelled) return finish(words.plan_cancelled);
    input.value = Number(state.value.toPrecision(3));
    measured = running;
    finish(words[kind === "rate" ? "plan_rate_measured" : "plan_decode_measured"]);
    dropOld();
    return changed();
  }
  async function follow(first) {
    if (!isUnfinished(first)) return end(first);
    showProgress(first);
    await pause(POLL);
    if (number === null) return undefined; // it was cancelled
    const address = () => `planner/measure?${queryOf({ number })}`;
    const last = await ask(`measure ${kind}`, address, { isUnfinished, onUnfinished: showProgress, poll: POLL });
    return last && end(last);
  }
  const send = (address, more) => fetchJson(`planner/measure/${address}?${more}`, { method: "POST" });
  async function press() {
    if (isAsking) return; // a second click would lose what the first one began
    isAsking = true;
    if (number) {
      drop(`measure ${kind}`);
      const state = await send("cancel", queryOf({ number }));
      isAsking = false;
      follow(state);
      return;
    }
    running = keyOf();
    progress(0);
    const request = query();
    request.delete("rate");
    request.delete("decode");
    const state = await send("start", new URLSearchParams([...request, ["kind", kind], ["run", bus.run]]));
    isAsking = false;
    follow(state);
  }
  // A rate measured for other settings is not known for these.
  function dropOld() {
    if (!measured || measured === keyOf()) return;
    measured = input.value = "";
    note.textContent = words.plan_measure_again;
  }
  button.addEventListener("click", press);
  input.addEventListener("input", () => {
    measured = "";
    if (!number) note.textContent = hint;
    changed();
  });
  if (kind === "decode")
    bus.on("source", () => {
      dropOld();
      changed();
    });
  return {
    dropOld,
    get value() {
      return input.value.trim().replace(",", ".");
    },
  };
}
