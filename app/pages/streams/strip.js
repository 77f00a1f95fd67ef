// A tile's strip: what was predicted over the video's time. Click, or pick a time by keys and press Enter, to go there.

import { paint, token } from "../shared/colours.js";
import { perFrame } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill } from "../shared/words.js";

const STRIP_HEIGHT = 22;
const MOST_PIECES = 800;
const LIVE_SECONDS = 60;

// Pieces are [start, end, column, is final]; a newer one hides what was said of its time before.
function mergePieces(pieces, fresh) {
  for (const piece of fresh) {
    const [start, end] = piece;
    const isBehind = !pieces.length || pieces.at(-1)[1] <= start + 1e-6;
    if (!isBehind) {
      const kept = pieces.filter(([from, to]) => (from + to) / 2 < start || (from + to) / 2 >= end);
      pieces.splice(0, pieces.length, ...kept);
    }
    pieces.push(piece);
    if (!isBehind) pieces.sort((one, other) => one[0] - other[0]);
  }
  return pieces;
}

export function makeStrip(holder, { onJump }) {
  const canvas = document.createElement("canvas");
  const tip = document.createElement("div");
  const pen = canvas.getContext("2d");
  let pieces = [];
  let total = 0;
  let at = 0;
  let classes = [];
  let cursor = null;
  let isOver = false;
  let isOpen = false;
  Object.assign(holder, { className: "vm-strip-line", tabIndex: 0 });
  holder.dataset.keys = "";
  holder.setAttribute("role", "slider");
  tip.className = "vm-tip";
  tip.hidden = true;
  holder.append(canvas, tip);

  const x = (seconds) => (seconds / Math.max(total, 1e-6)) * canvas.clientWidth;
  const timeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return Math.max(0, Math.min(0.999, (event.clientX - box.left) / box.width)) * total;
  };
  function describe(seconds) {
    const time = format.clock(seconds, { hasTenths: total < 600 });
    const piece = pieces.find(([start, end]) => seconds >= start && seconds < end);
    return piece ? fill("streams_at_label", { time, label: classes[piece[2]] ?? "" }) : time;
  }
  const draw = perFrame(() => {
    const wide = canvas.clientWidth;
    const scale = window.devicePixelRatio || 1;
    if (!wide) return;
    const size = [Math.round(wide * scale), Math.round(STRIP_HEIGHT * scale)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, STRIP_HEIGHT);
    for (const [start, end, column, isFinal] of joined(pieces)) drawPiece(x(start), x(end), column, isFinal);
    if (total && !isOver) line(x(at), token("playhead"));
    if (cursor !== null) line(x(cursor), token("ink"));
  });
  // Neighbours that say the same are one.
  function joined(all) {
    const runs = [];
    for (const [start, end, column, isFinal] of all) {
      const newest = runs.at(-1);
      const isSame = newest && newest[2] === column && newest[3] === Boolean(isFinal || isOver);
      if (isSame && start - newest[1] < Math.max(0.05, (end - start) / 2)) newest[1] = end;
      else runs.push([start, end, column, Boolean(isFinal || isOver)]);
    }
    return runs;
  }
  function drawPiece(left, right, column, isFinal) {
    const wide = Math.max(1, right - left + 0.3);
    pen.fillStyle = pen.strokeStyle = paint(column);
    pen.globalAlpha = isFinal ? 1 : 0.22;
    pen.fillRect(left, 0, wide, STRIP_HEIGHT);
    pen.globalAlpha = 1;
    if (!isFinal) hatchPiece(left, wide);
  }
  function hatchPiece(left, wide) {
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, wide, STRIP_HEIGHT);
    pen.clip();
    pen.beginPath();
    pen.lineWidth = 1.6;
    for (let from = Math.floor((left - STRIP_HEIGHT) / 6) * 6; from < left + wide; from += 6) {
      pen.moveTo(from, STRIP_HEIGHT);
      pen.lineTo(from + STRIP_HEIGHT, 0);
    }
    pen.stroke();
    pen.restore();
  }
  function line(left, colour) {
    pen.fillStyle = colour;
    pen.fillRect(Math.min(left, canvas.clientWidth - 2), 0, 2, STRIP_HEIGHT);
  }
  function showTip(seconds) {
    tip.hidden = !total;
    tip.textContent = describe(seconds);
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.max(half, Math.min(canvas.clientWidth - half, x(seconds)))}px`;
  }
  function describeValue() {
    const seconds = cursor ?? at;
    holder.setAttribute("aria-valuemin", 0);
    holder.setAttribute("aria-valuemax", total.toFixed(1));
    holder.setAttribute("aria-valuenow", Math.min(seconds, total).toFixed(1));
    holder.setAttribute("aria-valuetext", describe(seconds));
  }
  function move(seconds) {
    cursor = seconds === null ? null : Math.max(0, Math.min(total * 0.999, seconds));
    if (cursor === null) tip.hidden = true;
    else showTip(cursor);
    describeValue();
    draw();
  }
  canvas.addEventListener("pointermove", (event) => showTip(timeAt(event)));
  canvas.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  canvas.addEventListener("click", (event) => {
    if (isOpen) onJump(timeAt(event));
  });
  holder.addEventListener("blur", () => move(null));
  holder.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !isOpen) return;
    const step = (total / 100) * (event.shiftKey ? 10 : 1);
    const here = cursor ?? at;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight")
      move(here + (event.key === "ArrowLeft" ? -step : step));
    else if (event.key === "Home" || event.key === "End") move(event.key === "Home" ? 0 : total);
    else if (event.key === "Enter" && cursor !== null) {
      onJump(cursor);
      move(null);
    } else if (event.key === "Escape" && cursor !== null) move(null);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(canvas);

  return {
    draw,
    item: holder,
    get isFull() {
      return pieces.length > MOST_PIECES;
    },
    get pieces() {
      return pieces;
    },
    take({ whole, pieces: fresh }) {
      pieces = whole ? fresh : mergePieces(pieces, fresh);
      draw();
    },
    show(facts, names) {
      at = facts.at ?? 0;
      total = facts.live ? Math.max(LIVE_SECONDS, at) : facts.total;
      classes = names;
      isOver = ["ended", "failed"].includes(facts.status);
      isOpen = facts.total > 0; // one cannot go anywhere in what is live
      holder.setAttribute("aria-label", fill("streams_strip", { title: facts.title }));
      describeValue();
      draw();
    },
  };
}
