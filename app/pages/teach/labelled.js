// What is labelled: a row for each behaviour, and a strip for each video with how it is split.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { goToLabel } from "../shared/video/go_to_label.js";
import { fill, words } from "../shared/words.js";
import { cell, dot, headCell, plural, rowHead } from "./pieces.js";

const ENOUGH = 60; // seconds of a behaviour, up to which more labels surely help
const WIDE = 1000; // units of a strip
const THINNEST = 1.5; // units, so that a short bout can be seen
const [NONE, NOT_SCORED] = [-1, -2]; // codes of stretches that are no behaviour
const PARTS = ["learn", "stop", "test"];
const SVG = "http://www.w3.org/2000/svg";

export function drawLabelled(element, labelled, split) {
  const { behaviours, videos, num_videos: numVideos, num_bouts: numBouts, seconds } = labelled;
  element.querySelector(".vm-teach-sum").textContent = fill("teach_labelled_sum", {
    seconds: format.span(seconds),
    videos: plural(numVideos, "teach_one_video", "teach_num_videos"),
    bouts: plural(numBouts, "teach_one_bout", "teach_num_bouts"),
  });
  element.querySelector(".vm-teach-amounts").replaceChildren(amountsTable(behaviours, labelled.axes));
  const more = numVideos - videos.length;
  const colours = coloursByCode(labelled);
  element
    .querySelector(".vm-teach-strips")
    .replaceChildren(
      ...(split ? [legend(split)] : []),
      ...videos.map((video) => strip(video, colours, split)),
      ...(more > 0
        ? [make("p", { className: "vm-aside", textContent: fill("teach_more_videos", { count: more }) })]
        : []),
    );
}

function amountsTable(behaviours, axes) {
  const heads = [
    headCell(words.teach_behaviour),
    headCell(words.teach_seconds, { colSpan: 2 }),
    headCell(words.teach_bouts, { className: "vm-number" }),
    headCell(words.teach_videos, { className: "vm-number" }),
  ];
  const rows = axes.flatMap((axis) => [
    ...(axes.length > 1
      ? [make("tr", { className: "vm-teach-axis" }, make("th", { colSpan: 5, scope: "colgroup", textContent: axis }))]
      : []),
    ...behaviours.filter((one) => one.axis === axis).map(amountRow),
  ]);
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

function amountRow({ name, colour, seconds, num_bouts: numBouts, num_videos: numVideos }) {
  const bar = make("i");
  bar.style.width = `${100 * Math.min(1, seconds / ENOUGH)}%`;
  bar.style.background = colour || "var(--dim)";
  const track = make("div", { className: "vm-teach-bar" }, bar);
  track.setAttribute("aria-hidden", "true");
  const isScarce = seconds < ENOUGH || numBouts < 2;
  const amount = numBouts ? format.span(seconds) : words.teach_not_labelled;
  return make(
    "tr",
    { className: numBouts ? (isScarce ? "vm-teach-scarce" : "") : "vm-teach-empty" },
    rowHead(dot(colour), make("span", { textContent: name })),
    cell(track, { className: "vm-teach-bar-cell" }),
    cell(amount, { className: "vm-teach-amount" }),
    cell(String(numBouts), { className: "vm-number" }),
    cell(String(numVideos), { className: "vm-number" }),
  );
}

function coloursByCode({ behaviours, order }) {
  const known = new Map(behaviours.map(({ name, colour }) => [order[name], colour]));
  return (code) => known.get(code) || (code === NONE ? "var(--dim)" : "var(--line)");
}

function legend(split) {
  const marks = PARTS.map((part) => {
    const mark = make("i", { className: "vm-teach-part" });
    mark.dataset.part = part;
    const text = `${words[`teach_${part}`]} (${format.span(split.seconds[part])})`;
    return make("span", {}, mark, text);
  });
  return make("p", { className: "vm-aside vm-teach-legend" }, ...marks);
}

function strip({ name, seconds, rows }, colours, split) {
  const lanes = Object.values(rows).map((stretches) => lane(stretches, seconds, colours));
  const own = split?.pieces.filter((one) => one.video === name) ?? [];
  for (const whose of new Set(own.map(({ subject }) => subject)))
    lanes.push(
      splitLane(
        own.filter(({ subject }) => subject === whose),
        seconds,
      ),
    );
  const button = make("button", { type: "button", className: "vm-teach-strip" }, ...lanes);
  button.setAttribute("aria-label", fill("teach_strip", { name, seconds: format.span(seconds) }));
  button.addEventListener("click", (event) => {
    const { left, width } = button.getBoundingClientRect();
    const share = event.detail ? (event.clientX - left) / width : 0; // by the keyboard: its start
    goToLabel(name, { seconds: Math.max(0, Math.min(seconds, share * seconds)) });
  });
  const title = make("span", { className: "vm-teach-video", title: name }, make("b", { textContent: name }));
  title.append(" ", make("small", { textContent: format.clock(seconds) }));
  return make("div", { className: "vm-teach-video-row" }, title, button);
}

// One path for each colour: of thousands of bouts a page has a few elements.
function lane(stretches, seconds, colours) {
  const drawn = lanePicture("vm-teach-lane");
  for (const code of new Set(stretches.map((one) => one[2]))) {
    const own = stretches.filter((one) => one[2] === code);
    const path = addPath(drawn, own, seconds);
    path.style.fill = colours(code);
    if (code === NOT_SCORED) path.classList.add("vm-teach-not-scored");
  }
  return drawn;
}
function splitLane(pieces, seconds) {
  const drawn = lanePicture("vm-teach-split-lane");
  for (const part of PARTS) {
    const own = pieces.filter((one) => one.part === part);
    const path = addPath(
      drawn,
      own.map((one) => [one.start_seconds, one.end_seconds]),
      seconds,
    );
    path.dataset.part = part;
  }
  return drawn;
}
function lanePicture(className) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", `0 0 ${WIDE} 10`);
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("class", className);
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}
function addPath(drawn, spans, seconds) {
  const path = document.createElementNS(SVG, "path");
  const at = (time) => (WIDE * time) / Math.max(seconds, 1e-6);
  const boxes = spans.map(([start, end]) => {
    const width = Math.max(THINNEST, at(end) - at(start));
    return `M${at(start).toFixed(2)} 0h${width.toFixed(2)}v10h-${width.toFixed(2)}z`;
  });
  path.setAttribute("d", boxes.join(""));
  drawn.append(path);
  return path;
}
