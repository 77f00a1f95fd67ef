// The dialog for importing labels: files in, what they would do, and then one step that undo takes back.

import { fetchJson, pause, post, queryOf } from "../../shared/ask.js";
import * as bus from "../../shared/bus.js";
import { make } from "../../shared/dom.js";
import { addVideo, loadVideos } from "../../shared/video/project.js";
import { fill, words } from "../../shared/words.js";
import {
  capital,
  makeAlert,
  makeButton,
  makeDialog,
  makeField,
  makeInput,
  makeSaid,
  makeSelect,
  sayIn,
} from "../dialog.js";
import { store } from "../editing/store.js";
import { drawPreview } from "./preview.js";

const POLL = 300; // milliseconds
const MAX_BYTES = 64 * 2 ** 20;

let importer = null;

export function openImport() {
  importer ??= makeImporter();
  importer.open();
}

function makeImporter() {
  const dialog = makeDialog({ title: words.imp_title, className: "vm-imp", onClosed: leave });
  const input = make("input", { type: "file", multiple: true, className: "vm-visually-hidden" });
  const drop = make(
    "label",
    { className: "vm-imp-drop" },
    make("b", { textContent: words.imp_choose }),
    make("small", { textContent: words.imp_choose_hint }),
    input,
  );
  const files = make("p", { className: "vm-imp-files" });
  const busy = make("p", { className: "vm-aside vm-imp-busy", hidden: true });
  busy.role = "status";
  const alert = makeAlert();
  const how = make("fieldset", { className: "vm-imp-how", hidden: true });
  const preview = make("div", { className: "vm-imp-preview", hidden: true });
  const said = makeSaid();
  const apply = makeButton(words.imp_apply, () => doImport(), "vm-primary");
  const close = makeButton(words.dialog_close, () => dialog.close());
  const more = makeButton(words.imp_again, () => begin(), "vm-link vm-imp-again");
  said.element.classList.add("vm-imp-done");
  dialog.body.append(drop, files, busy, alert, how, preview, said.element, more);
  dialog.foot.append(close, apply);

  const controls = {};
  let formats = [];
  let videos = new Map(); // name in the files -> name here, "" to leave it out; of those that were chosen
  let behaviours = new Map(); // name in the files -> name here; of those that were chosen
  let offered = new Map(); // name in the files, of no video here -> whether the file of the folder is added
  let wanted = null; // what the preview on view is of
  let number = 0; // another one for each look
  let session = 0; // what came for an earlier one is of no use

  let loading = Promise.resolve();

  function open() {
    begin();
    dialog.open();
    if (!formats.length) loading = load();
  }
  async function load() {
    const answer = await fetchJson("label/formats");
    sayIn(alert, answer.error);
    if (answer.error) return;
    formats = answer.read;
    drawHow();
  }
  // As it is before any file is chosen.
  function begin() {
    session += 1;
    wanted = null;
    videos = new Map();
    behaviours = new Map();
    offered = new Map();
    for (const part of [files, how, preview, busy, more]) part.hidden = true;
    close.classList.remove("vm-primary");
    drop.hidden = false;
    drop.classList.remove("vm-over");
    apply.hidden = true;
    sayIn(alert, "");
    said.say("");
    if (formats.length) drawHow();
  }
  function leave() {
    session += 1;
    if (!files.hidden) post("label/import/forget", { run: bus.run });
  }

  // Files

  async function send(chosen) {
    if (!chosen.length) return;
    begin();
    const own = session;
    drop.hidden = true;
    const tooLarge = chosen.find((one) => one.size > MAX_BYTES);
    if (tooLarge) return refuse(fill("imp_too_large", { name: tooLarge.name }));
    await loading;
    if (!formats.length) return refuse(words.silent);
    let names = [];
    for (const [index, file] of chosen.entries()) {
      sayBusy(fill("imp_sending", { name: file.name }));
      const answer = await sendFile(file, index === 0);
      if (own !== session) return undefined;
      if (answer.error) return refuse(answer.isSilent ? fill("imp_broke", { name: file.name }) : answer.error);
      names = answer.files;
    }
    const other = makeButton(words.imp_other, () => begin(), "vm-link");
    files.replaceChildren(make("b", { textContent: names.join(", ") }), " ", other);
    files.hidden = false;
    how.hidden = false;
    return look();
  }
  async function sendFile(file, isFirst) {
    for (;;) {
      const address = `label/import/file?${queryOf({ run: bus.run, name: file.name, first: isFirst ? 1 : 0 })}`;
      const headers = { "Content-Type": "application/octet-stream" };
      const answer = await fetchJson(address, { method: "POST", headers, body: file });
      if (!answer.waiting) return answer;
      await pause(POLL);
    }
  }
  function refuse(sentence) {
    sayBusy("");
    sayIn(alert, sentence);
    drop.hidden = !files.hidden;
  }
  function sayBusy(sentence) {
    busy.textContent = sentence;
    busy.hidden = !sentence;
    dialog.body.ariaBusy = sentence ? "true" : "false";
  }

  input.addEventListener("change", () => {
    const chosen = [...input.files];
    input.value = "";
    send(chosen);
  });
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    dialog.element.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      event.stopPropagation(); // the page takes videos
      drop.classList.toggle("vm-over", name === "dragover" || name === "dragenter");
      if (name === "drop") send([...event.dataTransfer.files]);
    });
  }

  // What the files may not say themselves

  function drawHow() {
    controls.format = makeSelect([["", words.imp_format_auto], ...formats], "");
    controls.on_problem = makeSelect(
      [
        ["skip", words.imp_policy_skip],
        ["stop", words.imp_policy_stop],
      ],
      "skip",
    );
    controls.fps = makeInput({ inputMode: "decimal" });
    controls.video = makeInput({ maxLength: 200 });
    for (const control of Object.values(controls)) {
      control.addEventListener("change", () => {
        if (control !== controls.on_problem) videos = new Map();
        look();
      });
    }
    how.replaceChildren(
      makeField(words.imp_format, controls.format),
      makeField(words.imp_policy, controls.on_problem),
      makeField(words.imp_fps, controls.fps, words.imp_fps_hint),
      makeField(words.imp_video, controls.video, words.imp_video_hint),
    );
  }

  // What they would do

  async function look() {
    number += 1;
    const own = number;
    const { format, on_problem, fps, video } = controls;
    const asked = {
      run: bus.run,
      number,
      format: format.value,
      on_problem: on_problem.value,
      fps: fps.value.trim().replace(",", "."),
      video: video.value.trim(),
      videos: [...videos],
      behaviours: [...behaviours],
    };
    wanted = null;
    apply.disabled = true;
    preview.classList.add("vm-stale");
    sayIn(alert, "");
    said.say("");
    sayBusy(words.imp_reading);
    const answer = await postReady("label/import/look", asked, () => own === number && dialog.element.open);
    if (!answer) return;
    sayBusy("");
    preview.classList.remove("vm-stale");
    if (answer.error) {
      preview.hidden = true;
      apply.hidden = true;
      sayIn(alert, answer.error);
      return;
    }
    wanted = asked;
    if (!controls.format.value) {
      const found = answer.formats.map(([, title]) => title).join(", ");
      controls.format.options[0].text = fill("imp_format_found", { formats: found });
    }
    // Where its file is here, nobody wants a video by name alone.
    for (const { name, here } of answer.videos) {
      if (here || !keyOf(name)) offered.delete(name);
      else if (!offered.has(name)) offered.set(name, true);
    }
    const choice = { chosen: videos, offered, chooseVideo, chooseFile, chooseBehaviour, compare };
    const hasEffect = drawPreview(preview, answer, choice);
    preview.hidden = false;
    apply.hidden = false;
    apply.disabled = !hasEffect;
  }
  function chooseVideo(name, to) {
    if (to === null) videos.delete(name);
    else videos.set(name, to);
    look();
  }

  const chooseFile = (name, isWanted) => offered.set(name, isWanted);
  // Videos of the folder that come along with their files, and what is imported then. Says why that failed, or nothing.
  async function addFiles() {
    const names = [...offered.keys()].filter((name) => offered.get(name) && videos.get(name) !== "");
    for (const name of names) {
      const { error } = await addVideo(keyOf(name));
      if (error) return error;
    }
    if (names.length) await look();
    return "";
  }
  function chooseBehaviour(name, to) {
    if (to) behaviours.set(name, to);
    else behaviours.delete(name);
    look();
  }
  // The link leads to Results; the card there comes on view by itself.
  function compare() {
    dialog.close();
    bus.emit("compare_files", true);
  }

  async function doImport() {
    if (!wanted) return;
    const onConflict = preview.querySelector(".vm-imp-on-conflict")?.value ?? "keep";
    apply.disabled = true;
    sayBusy(words.imp_reading);
    const own = session;
    const refusal = await addFiles();
    if (own !== session) return;
    if (refusal) sayBusy("");
    if (refusal) sayIn(alert, refusal);
    if (refusal || !wanted) return;
    apply.disabled = true;
    sayBusy(words.imp_reading);
    const asked = { ...wanted, on_conflict: onConflict, author: store.author ?? "" };
    const answer = await postReady("label/import/apply", asked, () => own === session);
    if (!answer) return;
    sayBusy("");
    if (answer.error) {
      sayIn(alert, answer.error);
      if (!answer.isSilent) await lookAfter(answer.error);
      return;
    }
    const { words: done, edit } = answer;
    sayDone(done, edit);
    store.apply();
    loadVideos();
  }
  // Nothing is left to do but to close it, so it must not look as if it waited for files.
  function sayDone(done, edit) {
    begin();
    drop.hidden = true;
    more.hidden = false;
    close.classList.add("vm-primary");
    close.focus();
    said.say(done ? fill("imp_done", { words: done }) : words.imp_done_nothing, edit && (() => undo(edit)));
  }
  // What was refused may be since somebody edited: the preview is made anew, and the refusal stays to be read.
  async function lookAfter(refusal) {
    await look();
    if (wanted) sayIn(alert, refusal);
  }
  async function undo(edit) {
    const answer = await post("label/ethogram/undo", { edit, revision: 0, author: store.author ?? "" });
    said.say(answer.error ?? `${capital(answer.words)}.`);
    store.apply();
    loadVideos();
  }

  return { open };
}

// The video of the app's folder of that name, which the project does not have; undefined: there is none.
function keyOf(name) {
  const found = bus.last.project_videos?.offered.find(([, title]) => title.toLowerCase() === baseOf(name));
  return found?.[0];
}
const baseOf = (name) => name.split(/[\\/]/).at(-1).toLowerCase();

// The answer to a request that may have to wait; null: nobody wants it any more.
async function postReady(address, value, isWanted) {
  for (;;) {
    const answer = await post(address, value);
    if (!isWanted()) return null;
    if (!answer.waiting) return answer;
    await pause(POLL);
    if (!isWanted()) return null;
  }
}
