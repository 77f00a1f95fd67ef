// Regions of one picture: boxes that are drawn, named and removed, on the picture of the video that is open.

import { saveAs } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { decoded } from "../shared/clip_frames.js";
import { viewShown } from "../shared/dom.js";
import { pickRegion } from "../shared/region_picker.js";
import { fill, words } from "../shared/words.js";

const MIN_SHARE = 0.02;
const MAX_BOXES = 16;
const nameOf = (number) => fill("streams_region", { number });

// `say(sentence)` for screen readers, `refuse(sentence)` for all.
export function makeBoxes(element, { say, refuse }) {
  const find = (selector) => element.querySelector(selector);
  const boxCanvas = find(".vm-boxes canvas");
  const drawnBoxes = find(".vm-boxes-drawn");
  const boxList = find(".vm-boxes-list");
  let boxes = []; // { name, left, top, width, height }, in parts of the picture
  const isLive = () => Boolean(bus.last.source?.is_live); // regions are cut out of files
  let boxVideo = null;
  let boxImage = null;
  let newestPicture = 0;

  const markRegion = pickRegion(boxCanvas, addBox);

  function addBox(region) {
    markRegion(null);
    if (!region) return;
    const [top, bottom, left, right] = region;
    const width = right - left;
    const height = bottom - top;
    if (width < MIN_SHARE || height < MIN_SHARE) {
      say(words.streams_too_small);
      return;
    }
    if (boxes.length >= MAX_BOXES) {
      refuse(fill("streams_most_boxes", { count: MAX_BOXES }));
      return;
    }
    boxes.push({ name: freeName(), left, top, width, height });
    drawBoxes();
    say(fill("streams_drawn", { name: boxes.at(-1).name }));
  }
  function freeName() {
    const taken = new Set(boxes.map(({ name }) => name));
    let number = 1;
    while (taken.has(nameOf(number))) number += 1;
    return nameOf(number);
  }
  function tileBoxes(columns, rows) {
    boxes = Array.from({ length: columns * rows }, (_, at) => ({
      name: nameOf(at + 1),
      left: (at % columns) / columns,
      top: Math.floor(at / columns) / rows,
      width: 1 / columns,
      height: 1 / rows,
    }));
    drawBoxes();
  }
  function removeBox(at) {
    const [{ name }] = boxes.splice(at, 1);
    drawBoxes();
    (boxList.querySelectorAll("button")[Math.min(at, boxes.length - 1)] ?? boxCanvas).focus({ preventScroll: true });
    say(fill("streams_removed", { name }));
  }

  function drawBoxes() {
    boxList.replaceChildren(...boxes.map(boxItem));
    drawFrames();
    const go = find("[data-streams=regions]");
    go.disabled = !boxes.length || isLive();
    const start = ["streams_start_no_region", "streams_start_region"][boxes.length] ?? "streams_start_regions";
    go.textContent = fill(start, { count: boxes.length });
    find("[data-streams=clear]").hidden = find("[data-streams=save]").hidden = !boxes.length;
  }
  function drawFrames(picked = -1) {
    drawnBoxes.replaceChildren(
      ...boxes.map(({ name, left, top, width, height }, at) => {
        const frame = document.createElement("i");
        const title = document.createElement("span");
        Object.assign(frame.style, {
          left: `${left * 100}%`,
          top: `${top * 100}%`,
          width: `${width * 100}%`,
          height: `${height * 100}%`,
        });
        frame.classList.toggle("vm-picked", at === picked);
        title.textContent = name;
        frame.append(title);
        return frame;
      }),
    );
  }
  function boxItem(box, at) {
    const item = document.createElement("li");
    const name = document.createElement("input");
    const remove = document.createElement("button");
    Object.assign(name, { type: "text", value: box.name, maxLength: 40, autocomplete: "off", spellcheck: false });
    name.setAttribute("aria-label", fill("streams_name_of", { number: at + 1 }));
    name.addEventListener("input", () => {
      box.name = name.value.trim();
      drawFrames(at);
    });
    name.addEventListener("change", () => {
      if (!box.name) {
        box.name = name.value = freeName();
        drawFrames(at);
      }
    });
    name.addEventListener("focus", () => drawFrames(at));
    name.addEventListener("blur", () => drawFrames());
    Object.assign(remove, { type: "button", textContent: "✕" });
    remove.setAttribute("aria-label", fill("streams_remove_box", { name: box.name }));
    remove.addEventListener("click", () => removeBox(at));
    item.append(name, remove);
    return item;
  }

  // The picture: that of the Watch page, in its true shape.
  async function showPicture() {
    const source = bus.last.source;
    const picture = bus.last.picture;
    find(".vm-streams-open").textContent = source ? fill("streams_of", { title: source.title }) : words.choose_first;
    find("#vm-boxes-hint").textContent = words[isLive() ? "streams_not_live" : "streams_boxes_hint"];
    if (source?.key !== boxVideo) {
      boxVideo = source?.key ?? null;
      boxImage = null;
      boxes = [];
      drawBoxes();
    }
    if (source)
      [boxCanvas.width, boxCanvas.height] = [960, Math.max(1, Math.round((960 * source.height) / source.width))];
    newestPicture += 1;
    const number = newestPicture;
    const isOfIt = picture && picture.video === boxVideo;
    if (isOfIt) {
      const image = await decoded(picture.jpeg);
      if (number !== newestPicture || !image.naturalWidth) return;
      boxImage = image;
    }
    const pen = boxCanvas.getContext("2d");
    pen.fillStyle = "#15181a";
    pen.fillRect(0, 0, boxCanvas.width, boxCanvas.height);
    if (boxImage) pen.drawImage(boxImage, 0, 0, boxCanvas.width, boxCanvas.height);
  }
  const isPictureShown = () => viewShown() === "streams" && !find(".vm-streams-setup").hidden;
  for (const topic of ["source", "picture", "view_shown"])
    bus.on(topic, () => {
      if (isPictureShown()) showPicture();
    });
  for (const button of element.querySelectorAll("[data-tiles]")) {
    button.addEventListener("click", () => {
      tileBoxes(...button.dataset.tiles.split(",").map(Number));
    });
  }
  find("[data-streams=clear]").addEventListener("click", () => {
    boxes = [];
    drawBoxes();
    boxCanvas.focus({ preventScroll: true });
  });
  find("[data-streams=save]").addEventListener("click", () => {
    saveAs("regions.json", new Blob([`${JSON.stringify(boxes, null, 1)}\n`], { type: "application/json" }));
  });
  drawBoxes();

  return {
    showPicture,
    // What the regions are cut out of.
    get video() {
      return boxVideo;
    },
    get all() {
      return boxes;
    },
  };
}
