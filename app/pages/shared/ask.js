// How the pages ask the server: one request at a time per key, the newest wins, and what takes time is asked for again.

import { words } from "./words.js";

const POLL = 250; // milliseconds from an answer that is not the last to the next question

const newest = new Map(); // key -> number of its newest request
const underWay = new Map(); // key -> promise of its answer under way

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// The part of an address behind "?"; what is null or undefined is left out.
export function queryOf(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
}

// The JSON at an address. A broken connection becomes a sentence, as the server's own refusals are: `{ error }`.
export async function fetchJson(address, options = {}) {
  try {
    const response = await fetch(address, options);
    return await response.json();
  } catch {
    return { error: words.silent, isSilent: true };
  }
}

export function post(address, value) {
  const headers = { "Content-Type": "application/json" };
  return fetchJson(address, { method: "POST", headers, body: JSON.stringify(value) });
}

// The answer; null if a newer request of the same key was made meanwhile: then there is nothing to do.
// `address()` is read when the request goes out. As long as the server says that it is not there yet, `onWaiting(answer)`
// is called and the same is asked for again; so it is with `onUnfinished(answer)` as long as `isUnfinished(answer)`.
// `options()` are those of `fetch`: a body, where something is sent.
export async function ask(
  key,
  address,
  { isUnfinished = () => false, onUnfinished = () => {}, onWaiting = () => {}, poll = POLL, options = () => ({}) } = {},
) {
  const number = drop(key);
  const isNewest = () => newest.get(key) === number;
  for (;;) {
    await underWay.get(key);
    if (!isNewest()) return null;
    underWay.set(key, fetchJson(address(), options()));
    const answer = await underWay.get(key);
    if (!isNewest()) return null;
    const isWaiting = Boolean(answer.waiting);
    if (!isWaiting && !isUnfinished(answer)) return answer;
    if (isWaiting) onWaiting(answer);
    else onUnfinished(answer);
    await pause(isWaiting ? POLL : poll);
  }
}

// The JSON at an address, asked for until it is there.
export async function fetchReady(address, options = {}) {
  for (;;) {
    const answer = await fetchJson(address, options);
    if (!answer.waiting) return answer;
    await pause(POLL);
  }
}

// Saves the file behind a link, asked for until it is there: a browser would save the answer "ask again" in its place.
export async function saveFile(link) {
  if (link.ariaBusy === "true") return;
  link.ariaBusy = "true";
  try {
    let response = await fetch(link.href);
    while (response.status === ASK_AGAIN) {
      await pause(POLL);
      response = await fetch(link.href);
    }
    if (response.ok) saveAs(nameOf(response), await response.blob());
    else window.location.assign(link.href); // the browser says what it makes of the refusal
  } catch {
    window.location.assign(link.href); // and that there is no connection
  } finally {
    link.ariaBusy = null;
  }
}
const ASK_AGAIN = 202;

function nameOf(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const [, plain] = /filename="([^"]+)"/.exec(header) ?? [];
  const [, quoted] = /filename\*=utf-8''([^;]+)/.exec(header) ?? [];
  return plain ?? decodeURIComponent(quoted ?? "");
}
// Has the browser save what is here: a Blob.
export function saveAs(name, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}
const KEPT = 60000; // milliseconds that a browser may take to begin to save

// Nobody waits any more for what was asked for under this key.
export function drop(key) {
  newest.set(key, (newest.get(key) ?? 0) + 1);
  return newest.get(key);
}
