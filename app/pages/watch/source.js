// Choosing a video, and bringing one: with progress, within the limit, and able to be broken off.

import * as bus from "../shared/bus.js";
import * as format from "../shared/format.js";
import { sendUpload } from "../shared/video/upload.js";
import { fill, words } from "../shared/words.js";
import { startLiveSource } from "./live_source.js";

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const card = find(".vm-source");
  const select = find("select");
  const file = find(".vm-file");
  const reader = find(".vm-reader");
  const input = find("input[type=file]");
  const limit = find(".vm-limit");
  const refused = find(".vm-refused");
  const uploading = find(".vm-uploading");
  const bar = find(".vm-uploading .vm-progress");
  const share = find(".vm-uploading .vm-aside");
  let transfer = null;

  function refuse(text) {
    refused.hidden = !text;
    refused.textContent = text ?? "";
  }
  bus.on("hello", (hello) => {
    limit.textContent = fill("upload_limit", { size: format.fileSize(hello.max_upload_bytes) });
  });
  bus.on("videos", (groups) => {
    select.replaceChildren(
      ...groups.map(([name, videos]) => {
        const group = document.createElement("optgroup");
        group.label = name;
        group.append(...videos.map(([key, title]) => new Option(title, key)));
        return group;
      }),
    );
    showChosen(bus.last.source);
  });
  bus.on("source", (source) => {
    file.textContent = source?.facts ?? "";
    reader.textContent = source?.reader ?? "";
    reader.title = source?.reader ?? "";
    showChosen(source);
  });
  // What is live is on the list as long as it is watched.
  function showChosen(source) {
    select.querySelector(".vm-live-option")?.remove();
    if (source?.is_live) {
      const live = Object.assign(document.createElement("optgroup"), {
        label: words.live_group,
        className: "vm-live-option",
      });
      live.append(new Option(source.title, source.key));
      select.append(live);
    }
    if (source) select.value = source.key;
    else select.selectedIndex = -1;
  }
  select.addEventListener("change", () => {
    refuse(null);
    bus.act("choose", { video: select.value });
  });

  function showProgress(sent, whole) {
    const percent = whole ? Math.round((sent / whole) * 100) : 0;
    bar.firstElementChild.style.width = `${percent}%`;
    bar.setAttribute("aria-valuenow", percent);
    share.textContent =
      percent < 100 ? fill("uploaded", { sent: format.fileSize(sent), size: format.fileSize(whole) }) : words.checking;
  }
  function finish() {
    transfer = null;
    uploading.hidden = true;
    input.value = "";
  }
  async function send(video) {
    if (!video || transfer) return;
    refuse(null);
    transfer = sendUpload(video, showProgress);
    uploading.hidden = false;
    const answer = await transfer.done;
    finish();
    if (answer?.path) bus.act("uploaded", { path: answer.path, name: video.name });
    else refuse(answer?.error);
  }
  input.addEventListener("change", () => send(input.files[0]));
  find(".vm-uploading button").addEventListener("click", () => transfer?.cancel());

  // Beside the card too: a browser would leave the page for a file that is dropped anywhere else.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      if (!card.checkVisibility()) {
        event.dataTransfer.dropEffect = "none";
        return;
      }
      card.classList.toggle("vm-over", name === "dragover");
      if (name === "drop") send(event.dataTransfer.files[0]);
    });
  }
  window.addEventListener("dragleave", () => card.classList.remove("vm-over"));
  startLiveSource(element, refuse);
}
