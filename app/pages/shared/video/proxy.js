// The offer of a playable copy, where a browser cannot play a video as it is: what it takes, how far it is, the end of it.

import { fetchJson, pause } from "../ask.js";
import { make } from "../dom.js";
import * as format from "../format.js";
import { fill, words } from "../words.js";

const POLL = 500; // milliseconds between two looks at a copy under way

const statusOf = (record) => fetchJson(`media/${record.id}/proxy`);

// Whether there is a copy already.
export async function hasProxy(record) {
  return (await statusOf(record)).state === "done";
}

// Fills `element` with the offer for a record, and calls `onDone()` once there is a copy. `why` is said first.
// Gives back what to call when it is not wanted any more: the copy goes on being made.
export function offerProxy(element, record, why, onDone) {
  let isOver = false;
  const text = make("p", { textContent: why });
  const estimate = make("p", { className: "vm-vp-estimate" });
  const begin = make("button", { type: "button", className: "vm-primary", textContent: words.vp_make_copy });
  const bar = make("div", { className: "vm-progress" }, make("i"));
  const share = make("p", { className: "vm-vp-share" });
  const cancel = make("button", { type: "button", textContent: words.vp_cancel_copy });
  const making = make("div", { className: "vm-vp-making", hidden: true }, bar, share, cancel);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", words.vp_making);
  element.replaceChildren(text, estimate, begin, making);

  function draw(status) {
    const isUnderWay = status.state === "queued" || status.state === "making";
    making.hidden = !isUnderWay;
    begin.hidden = estimate.hidden = isUnderWay;
    if (status.error) text.textContent = status.error;
    if (status.estimate) {
      const [size, time] = [
        format.fileSize(status.estimate.bytes),
        format.span(Math.max(1, Math.round(status.estimate.seconds))),
      ];
      estimate.textContent = fill("vp_estimate", { size, time });
    }
    if (!isUnderWay) return;
    const percent = status.total_seconds ? Math.min(100, (100 * status.done_seconds) / status.total_seconds) : 0;
    bar.firstElementChild.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", Math.round(percent));
    share.textContent = status.state === "queued" ? words.vp_queued : shareOf(status, percent);
  }
  function shareOf({ size_bytes: size, left_seconds: left }, percent) {
    const done = fill("vp_share", { percent: Math.floor(percent), size: format.fileSize(size) });
    return left === undefined
      ? done
      : `${done} · ${fill("vp_left", { time: format.span(Math.max(1, Math.round(left))) })}`;
  }
  async function follow() {
    while (!isOver) {
      const status = await statusOf(record);
      if (isOver) return;
      if (status.state === "done") {
        isOver = true;
        onDone();
        return;
      }
      draw(status);
      if (status.state !== "queued" && status.state !== "making") return;
      await pause(POLL);
    }
  }
  begin.addEventListener("click", async () => {
    begin.disabled = true;
    const status = await fetchJson(`media/${record.id}/proxy`, { method: "POST" });
    begin.disabled = false;
    if (status.state === undefined) text.textContent = status.error;
    else follow();
  });
  cancel.addEventListener("click", async () => {
    await fetchJson(`media/${record.id}/proxy/cancel`, { method: "POST" });
    text.textContent = why;
  });
  follow();
  return () => {
    isOver = true;
  };
}
