// Sends a file of the visitor's to the app, with progress, within the limit, and able to be broken off.

import { queryOf } from "../ask.js";
import * as bus from "../bus.js";
import * as format from "../format.js";
import { fill } from "../words.js";

// Begins; `onProgress(sent, whole)` in bytes. Gives back `cancel()` and a promise `done` of `{ path }`, of `{ error }`,
// or of null where it was broken off.
export function sendUpload(file, onProgress) {
  const maxBytes = bus.last.hello?.max_upload_bytes ?? Number.POSITIVE_INFINITY;
  if (file.size > maxBytes) {
    const error = fill("upload_too_large", { name: file.name, size: format.fileSize(maxBytes) });
    return { cancel: () => {}, done: Promise.resolve({ error }) };
  }
  const request = new XMLHttpRequest();
  const failed = { error: fill("upload_failed", { name: file.name }) };
  const done = new Promise((settle) => {
    request.open("POST", `uploads?${queryOf({ run: bus.run, name: file.name })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => {
      const answer = answerOf(request);
      settle(request.status === 200 && answer.path ? answer : { error: answer.error ?? failed.error });
    });
    request.addEventListener("error", () => settle(failed));
    request.addEventListener("abort", () => settle(null));
  });
  onProgress(0, file.size);
  request.send(file);
  return { cancel: () => request.abort(), done };
}
function answerOf({ responseText }) {
  try {
    return JSON.parse(responseText) ?? {};
  } catch {
    return {}; // what stands before the app refused it
  }
}
