// The dialog for exporting: what, in which format, and what that cannot hold, before it is downloaded.

import { ask, fetchReady, queryOf } from "../../shared/ask.js";
import * as bus from "../../shared/bus.js";
import { make } from "../../shared/dom.js";
import { makeGroup } from "../../shared/fields.js";
import * as format from "../../shared/format.js";
import { keep, kept } from "../../shared/kept.js";
import { fill, words } from "../../shared/words.js";
import { bouts } from "../behaviours/row.js";
import { makeAlert, makeButton, makeDialog, makeField, makeInput, makeSelect, sayIn } from "../dialog.js";
import { store } from "../editing/store.js";
import { makeList } from "./preview.js";

const KEPT = "vidmem-export-format";
const PROCESSING = ["threshold", "fill_gap", "join", "min_bout"];

let exporter = null;

export function openExport() {
  exporter ??= makeExporter();
  exporter.open();
}

function makeExporter() {
  const dialog = makeDialog({ title: words.exp_title, className: "vm-exp" });
  const form = make("div", { className: "vm-exp-form" });
  const alert = makeAlert();
  const busy = make("p", { className: "vm-aside", textContent: words.exp_making, hidden: true });
  busy.role = "status";
  const preview = make("div", { className: "vm-exp-preview" });
  const close = makeButton(words.dialog_close, () => dialog.close());
  const save = make("a", { className: "vm-button vm-primary", download: "" });
  save.dataset.file = "all"; // asked for until it is there, as all files of the pages
  dialog.body.append(form, alert, busy, preview);
  dialog.foot.append(close, save);

  let choices = null;
  let controls = {};

  async function open() {
    sayIn(alert, "");
    preview.replaceChildren();
    save.hidden = true;
    dialog.open();
    const answer = await fetchReady("label/export/choices");
    if (answer.error) {
      sayIn(alert, answer.error);
      return;
    }
    choices = answer;
    drawForm();
    refresh();
  }

  function drawForm() {
    const { formats, videos } = choices;
    controls = {
      format: makeSelect(
        formats.map(({ name, title, ending }) => [name, `${title} (${ending})`]),
        keptFormat(formats),
      ),
      what: makeWhat(),
      video: makeSelect(
        [
          ...(store.video ? [[store.video, fill("exp_this", { name: store.video })]] : []),
          ["", fill("exp_all", { num: videos.length })],
          ...videos
            .filter(({ name }) => name !== store.video)
            .map(({ name, num_bouts: num }) => [name, fill("exp_video", { name, num })]),
        ],
        store.video || "",
      ),
      fps: makeInput({ inputMode: "decimal" }),
    };
    for (const name of PROCESSING) controls[name] = makeInput({ inputMode: "decimal", placeholder: "0" });
    for (const control of Object.values(controls)) control.addEventListener("change", refresh);
    const fields = {
      format: makeField(words.exp_format, controls.format),
      what: makeField(words.exp_what, controls.what),
      video: makeField(words.exp_videos, controls.video),
      fps: makeField(words.exp_fps, controls.fps, words.exp_fps_hint),
    };
    for (const name of PROCESSING) fields[name] = makeField(words[`exp_${name}`], controls[name]);
    for (const [name, field] of Object.entries(fields)) field.dataset.field = name;
    form.replaceChildren(...Object.values(fields));
  }
  function makeWhat() {
    const { authors, runs } = choices;
    const people = [new Option(words.exp_everybody, "labels")];
    if (authors.length > 1) {
      people.push(
        ...authors.map((author, index) => {
          return new Option(author ? fill("exp_author", { author }) : words.exp_nobody, `author ${index}`);
        }),
      );
    }
    const select = make("select", {}, makeGroup(words.exp_labels, people));
    if (runs.length) {
      const options = runs.map(({ id, title }) => new Option(title, `run ${id}`));
      select.append(makeGroup(words.exp_predictions, options));
    }
    return select;
  }
  const isOfRun = () => controls.what.value.startsWith("run ");
  const formatChosen = () => choices.formats.find((one) => one.name === controls.format.value);

  function query() {
    const what = controls.what.value;
    const values = { run: bus.run, format: controls.format.value, fps: controls.fps.value.trim().replace(",", ".") };
    if (isOfRun()) {
      values.kept_run = what.slice(4);
      for (const name of PROCESSING) values[name] = controls[name].value.trim().replace(",", ".");
    } else {
      values.video = controls.video.value;
      if (what.startsWith("author ")) values.author = choices.authors[Number(what.slice(7))];
    }
    return queryOf(values);
  }
  function showFields() {
    for (const field of form.children) {
      const { field: name } = field.dataset;
      if (PROCESSING.includes(name)) field.hidden = !isOfRun();
      if (name === "video") field.hidden = isOfRun();
      if (name === "fps") field.hidden = !formatChosen().needs_fps;
    }
  }

  async function refresh() {
    showFields();
    keep(KEPT, controls.format.value);
    busy.hidden = false;
    save.hidden = true;
    preview.classList.add("vm-stale");
    const asked = query();
    const answer = await ask("export", () => `label/export/preview?${asked}`);
    if (!answer) return;
    busy.hidden = true;
    preview.classList.remove("vm-stale");
    sayIn(alert, answer.error);
    if (answer.error) {
      preview.replaceChildren();
      return;
    }
    draw(answer, asked);
  }
  function draw({ files, losses, notes, num_bouts: num, num_videos: videos }, asked) {
    const key = videos === 1 ? "exp_holds_one" : "exp_holds";
    const holds = fill(key, { bouts: bouts(num), videos });
    const parts = [make("p", { className: "vm-exp-holds", textContent: holds })];
    if (losses.length) parts.push(make("h3", { textContent: words.exp_losses }), makeList(losses));
    else parts.push(make("p", { textContent: words.exp_complete }));
    const { resolution } = formatChosen();
    parts.push(make("p", { className: "vm-aside", textContent: fill("exp_resolution", { resolution }) }));
    if (notes.length) parts.push(make("h3", { textContent: words.exp_notes }), makeList(notes));
    if (files.length > 1) parts.push(make("h3", { textContent: words.exp_files }), fileList(files, asked));
    preview.replaceChildren(...parts);
    save.href = `label/export/file?${asked}`;
    save.textContent = files.length > 1 ? words.exp_save_zip : `${words.exp_save} ${files[0].name}`;
    save.hidden = false;
  }
  function fileList(files, asked) {
    const items = files.map(({ name, num_bytes: numBytes }) => {
      const href = `label/export/file?${asked}&${queryOf({ name })}`;
      const link = make("a", { href, download: name, textContent: name });
      link.dataset.file = "one";
      return make("li", {}, link, " ", make("span", { className: "vm-aside", textContent: format.fileSize(numBytes) }));
    });
    return make("ul", { className: "vm-exp-files" }, ...items);
  }

  return { open };
}

// The format that was taken last, by whoever uses this browser.
function keptFormat(formats) {
  const last = kept(KEPT);
  return formats.some((one) => one.name === last) ? last : formats[0].name;
}
