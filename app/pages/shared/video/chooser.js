// Which video of the project, at the top of the pages that look at one; adding, uploading, taking out.

import * as bus from "../bus.js";
import { make } from "../dom.js";
import * as format from "../format.js";
import { fill, words } from "../words.js";
import { addUpload, addVideo, chooseVideo, chosenVideo, loadVideos, removeVideo } from "./project.js";
import { sendUpload } from "./upload.js";
import { clockStart } from "./wall_clock.js";

const ACCEPTED = "video/*,.mkv,.mts,.m2ts,.ts,.avi,.mov,.mp4,.webm,.gif";

// Fills an element. The list is asked for anew whenever the page that it is on is opened.
export function makeVideoChooser(element) {
  const select = make("select", { className: "vm-chooser-videos", ariaLabel: words.chooser_which });
  const offered = make("select", { className: "vm-chooser-offered", ariaLabel: words.chooser_offered });
  const add = make("button", { type: "button", textContent: words.chooser_add, disabled: true });
  const input = make("input", { type: "file", className: "vm-visually-hidden", accept: ACCEPTED });
  const upload = make("label", { className: "vm-button vm-upload" }, words.chooser_upload, input);
  const remove = make("button", { type: "button", textContent: words.chooser_remove, disabled: true });
  const facts = make("p", { className: "vm-aside vm-chooser-facts" });
  const said = make("p", { className: "vm-refused", hidden: true });
  said.setAttribute("role", "alert");
  const bar = make("div", { className: "vm-progress" }, make("i"));
  const share = make("span", { className: "vm-aside" });
  const cancel = make("button", { type: "button", textContent: words.chooser_cancel });
  const uploading = make("div", { className: "vm-uploading", hidden: true }, bar, share, cancel);
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", words.chooser_uploading);
  element.classList.add("vm-chooser");
  element.append(
    make("div", { className: "vm-chooser-row" }, select, remove),
    facts,
    make("div", { className: "vm-chooser-row" }, offered, add, upload),
    uploading,
    said,
  );
  let transfer = null;
  let isAsked = false;

  const say = (text) => {
    said.hidden = !text;
    said.textContent = text ?? "";
  };
  const titleOf = ({ name, state }) => (state === "here" ? name : `${name} (${words[`chooser_${state}`]})`);

  function drawVideos({ videos, offered: groups }) {
    select.replaceChildren(...videos.map((one) => new Option(titleOf(one), one.name)));
    if (!videos.length) select.append(new Option(words.chooser_none, ""));
    select.disabled = !videos.length;
    offered.replaceChildren(...optionGroups(groups));
    offered.disabled = add.disabled = !groups.length;
    if (!groups.length) offered.append(new Option(words.chooser_none_offered, ""));
    drawChosen(chosenVideo());
  }
  function drawChosen(record) {
    askRemoval(false);
    remove.disabled = !record;
    if (record) select.value = record.name;
    facts.textContent = record ? factsOf(record) : words.chooser_hint;
  }
  function askRemoval(isAsking) {
    isAsked = isAsking;
    const count = chosenVideo()?.num_bouts ?? 0;
    const sure = count ? fill("chooser_remove_with", { bouts: bouts(count) }) : words.chooser_remove_sure;
    remove.textContent = isAsking ? sure : words.chooser_remove;
  }
  async function act(work) {
    say(null);
    const answer = await work;
    say(answer?.error);
  }

  select.addEventListener("change", () => {
    say(null);
    chooseVideo(select.value);
  });
  add.addEventListener("click", () => act(addVideo(offered.value)));
  remove.addEventListener("click", async () => {
    if (isAsked) {
      askRemoval(false);
      act(removeVideo(chosenVideo().name));
      return;
    }
    const record = chosenVideo();
    await act(loadVideos()); // how many bouts it has by now
    if (chosenVideo()?.name === record.name) askRemoval(true);
  });
  remove.addEventListener("blur", () => askRemoval(false));
  cancel.addEventListener("click", () => transfer?.cancel());
  input.addEventListener("change", () => send(input.files[0]));

  async function send(file) {
    input.value = "";
    if (!file || transfer) return;
    say(null);
    transfer = sendUpload(file, showProgress);
    uploading.hidden = false;
    const answer = await transfer.done;
    if (answer?.path) share.textContent = words.chooser_checking;
    const added = answer?.path ? await addUpload(answer.path, file.name) : answer;
    transfer = null;
    uploading.hidden = true;
    say(added?.error);
  }
  function showProgress(sent, whole) {
    const percent = whole ? Math.round((sent / whole) * 100) : 0;
    bar.firstElementChild.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
    share.textContent = `${format.fileSize(sent)} / ${format.fileSize(whole)}`;
  }

  bus.on("project_videos", drawVideos);
  bus.on("project_video", drawChosen);
  const load = () => {
    if (element.checkVisibility() && bus.run) act(loadVideos());
  };
  bus.on("view_shown", load);
  bus.on("run", load);
}

const bouts = (count) => (count === 1 ? words.chooser_bout : fill("chooser_bouts", { count }));

function optionGroups(groups) {
  const byName = new Map();
  for (const [key, title, group] of groups) {
    if (!byName.has(group)) byName.set(group, make("optgroup", { label: group }));
    byName.get(group).append(new Option(title, key));
  }
  return [...byName.values()];
}

// "1 h 02 min · 1280 × 720 · 25 fps · h264 · 1.2 GB · began 2026-05-03 02:14:36 (by its name)"
function factsOf(record) {
  if (record.trouble) return record.trouble;
  const { duration_seconds: duration, width, height, fps, codec, size_bytes: size, start } = record;
  const parts = [
    duration === null ? null : format.span(duration),
    width ? `${width} × ${height}` : null,
    fps ? `${Number(fps.toFixed(2))} fps` : null,
    codec,
    size === null ? null : format.fileSize(size),
    start ? fill("chooser_start", { start: clockStart(start), how: words[`chooser_from_${record.start_from}`] }) : null,
    record.num_bouts ? bouts(record.num_bouts) : null,
  ];
  return parts.filter(Boolean).join(" · ");
}
