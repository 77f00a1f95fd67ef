// What an import would do, before it is done: what was wrong in the files, which videos are meant, what is added, and
// what contradicts the labels that are here.

import { make } from "../../shared/dom.js";
import { fill, words } from "../../shared/words.js";
import { makeField, makeSelect } from "../dialog.js";

const FEW = 8; // lines that are shown without being asked for
const LEAVE = "\0leave"; // options that no video is called
const ADD = "\0add";
const ADD_FILE = "\0file";

// Fills an element. `chosen` has the videos that were chosen by hand, and `chooseVideo(name in the files, name here)`
// chooses another: "" leaves it out, null is as if nothing was chosen. `compare()` goes to where two observers are
// compared instead, and `chooseBehaviour(name in the files, name here)` says what a new one means; "" is itself.
// `offered` has, by the name in the files, whether a video of the app's folder is added with its file, where there is
// one; `chooseFile(name in the files, isWanted)` says so. Gives back whether an import would do anything.
export function drawPreview(element, answer, choice) {
  const { added, conflicts, new_behaviours: names, has_new_spans: hasNewSpans } = answer;
  const hasEffect = Boolean(added.num || conflicts.num || names.length || hasNewSpans);
  const effect = make("section", {}, make("h3", { textContent: words.imp_effect }));
  effect.append(makeList(effectLines(answer, hasEffect)));
  if (added.num) {
    const heads = ["imp_behaviour", "imp_time", "imp_video", "imp_subject"];
    const cells = ({ behaviour, time, video, subject }) => [behaviour, time, video, subject];
    effect.append(makeDetails(words.imp_show_added, added.num <= FEW, makeTable(added, heads, cells)));
  }
  const parts = [
    drawNotes(answer),
    drawProblems(answer),
    drawVideos(answer, choice),
    drawBehaviours(answer, choice.chooseBehaviour),
    effect,
  ];
  if (answer.may_be_compared) parts.unshift(drawCompare(choice.compare));
  if (conflicts.num) parts.push(drawConflicts(answer));
  element.replaceChildren(...parts.filter(Boolean));
  return hasEffect;
}

function effectLines(answer, hasEffect) {
  const { added, conflicts, num_equal: numEqual, num_predictions: numPredictions } = answer;
  const names = answer.new_behaviours;
  const lines = [
    !hasEffect && words.imp_none,
    added.num && (added.num === 1 ? words.imp_added_one : fill("imp_added", { num: added.num })),
    conflicts.num && conflictLine(answer),
    numEqual && fill("imp_equal", { num: numEqual }),
    names.length && fill("imp_behaviours", { names: names.join(", ") }),
    answer.has_new_spans && words.imp_spans,
    numPredictions && fill("imp_predictions", { num: numPredictions }),
  ];
  return lines.filter(Boolean);
}
const conflictLine = ({ num_contradicting: num }) =>
  num === 1 ? words.imp_conflict_one : fill("imp_conflicts", { num });

// Who brings a colleague's labels may want to know how far the two agree: after an import nobody can say any more.
function drawCompare(compare) {
  const link = make("a", { href: "#results", textContent: words.imp_compare_link });
  link.addEventListener("click", compare);
  const parts = [`${words.imp_compare} `, link, ` ${words.imp_compare_then}`];
  return make("p", { className: "vm-imp-compare" }, ...parts);
}

function drawNotes({ notes, about }) {
  const lines = [...notes, ...about];
  if (!lines.length) return null;
  return make("section", {}, make("h3", { textContent: words.imp_notes }), makeList(lines));
}

function drawProblems({ problems, problem_kinds: counts }) {
  if (!problems.num) return null;
  const kinds = counts.map(([kind, count]) => `${kind} ${count}`).join(", ");
  const key = problems.num === 1 ? "imp_problem" : "imp_problems";
  const isOfMany = new Set(problems.shown.map((one) => one.file)).size > 1;
  const cells = ({ file, place, what, done }) => [isOfMany ? `${file}, ${place}` : place, what, done];
  const table = makeTable(problems, ["imp_row", "imp_wrong", "imp_done_about"], cells);
  const details = makeDetails(fill(key, { num: problems.num, kinds }), problems.num <= FEW, table);
  details.classList.add("vm-imp-problems");
  return details;
}

function drawVideos({ videos, project_videos: known }, { chosen, offered, chooseVideo, chooseFile }) {
  if (!videos.length) return null;
  const rows = videos.map(({ name, here, num_bouts: numBouts, is_left_out: isLeftOut }) => {
    // What is recognised is not new.
    const canBeAdded = !here || chosen.has(name);
    const options = known.map((one) => [one, one]);
    const hasFile = canBeAdded && offered.has(name);
    if (hasFile) options.push([ADD_FILE, words.imp_video_file]);
    if (canBeAdded) options.push([ADD, words.imp_video_add]);
    const now = isLeftOut ? LEAVE : (here ?? (offered.get(name) ? ADD_FILE : ADD));
    const select = makeSelect([...options, [LEAVE, words.imp_video_leave]], now);
    select.setAttribute("aria-label", fill("imp_video_of", { name }));
    const meant = new Map([
      [LEAVE, ""],
      [ADD, null],
      [ADD_FILE, null],
    ]);
    select.addEventListener("change", () => {
      if (hasFile) chooseFile(name, select.value === ADD_FILE);
      chooseVideo(name, meant.has(select.value) ? meant.get(select.value) : select.value);
    });
    const head = make("th", { scope: "row", textContent: name });
    const row = make("tr", {}, head, make("td", {}, select));
    row.append(make("td", { className: "vm-number", textContent: numBouts }));
    if (now === ADD) row.className = "vm-imp-unknown";
    return row;
  });
  const table = tableOf(["imp_in_file", "imp_here", "imp_bouts"], rows);
  return make("section", { className: "vm-imp-videos" }, make("h3", { textContent: words.imp_videos }), table);
}

// A new behaviour may be one of the project, mistyped: only a person can tell.
function drawBehaviours({ behaviours }, chooseBehaviour) {
  const known = behaviours.filter(({ near, others }) => near.length || others.length);
  if (!known.length) return null;
  const rows = known.map(({ name, is, near, others }) => {
    const options = [...near, ...others].map((one) => [one, fill("imp_behaviour_is", { name: one })]);
    const select = makeSelect([["", words.imp_behaviour_new], ...options], is);
    select.setAttribute("aria-label", fill("imp_behaviour_of", { name }));
    select.addEventListener("change", () => chooseBehaviour(name, select.value));
    const head = make("th", { scope: "row", textContent: name });
    const doubt = near.length && !is ? fill("imp_behaviour_near", { names: near.join(", ") }) : "";
    const row = make("tr", {}, head, make("td", {}, select), make("td", { textContent: doubt }));
    if (doubt) row.className = "vm-imp-unknown";
    return row;
  });
  const table = tableOf(["imp_in_file", "imp_here", "imp_notes"], rows);
  const title = make("h3", { textContent: words.imp_behaviours_new });
  return make("section", { className: "vm-imp-behaviours" }, title, table);
}

function drawConflicts(answer) {
  const { conflicts } = answer;
  const choices = ["keep", "fill", "take", "refuse"].map((one) => [one, words[`imp_${one}`]]);
  const select = makeSelect(choices, "keep");
  select.className = "vm-imp-on-conflict";
  const table = makeTable(conflicts, ["imp_theirs", "imp_mine"], ({ theirs, mine }) => [theirs, mine]);
  const title = make("h3", { textContent: conflictLine(answer) });
  return make("section", { className: "vm-imp-conflicts" }, title, makeField(words.imp_on_conflict, select), table);
}

export function makeList(lines) {
  return make("ul", {}, ...lines.map((textContent) => make("li", { textContent })));
}
function makeDetails(title, open, content) {
  return make("details", { open }, make("summary", { textContent: title }), content);
}
// A table of what is listed, and how many more there are.
function makeTable({ num, shown }, heads, cells) {
  const rows = shown.map((one) => make("tr", {}, ...cells(one).map((textContent) => make("td", { textContent }))));
  const table = tableOf(heads, rows);
  if (num > shown.length) {
    const text = fill("imp_more", { num: num - shown.length });
    table.append(make("p", { className: "vm-aside", textContent: text }));
  }
  return table;
}
function tableOf(heads, rows) {
  const row = make("tr", {}, ...heads.map((key) => make("th", { scope: "col", textContent: words[key] })));
  const table = make("table", {}, make("thead", {}, row), make("tbody", {}, ...rows));
  // Of its own: with many lines it scrolls, by keys too.
  return make("div", { className: "vm-imp-table", tabIndex: 0 }, table);
}
