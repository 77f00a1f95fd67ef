// The bouts: filtered by the server, sorted here; of thousands only the rows on view are in the page.

import { ask } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { make, perFrame } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { place, playSpan } from "../shared/video/span_player.js";
import { wallClock } from "../shared/video/wall_clock.js";
import { fill, words } from "../shared/words.js";
import { cell, debounced, dot, number, refill, rowHead } from "./pieces.js";
import { keepShown, queryOfShown } from "./state.js";

const ROW = 30; // pixels: every row is as high, so that those on view are known
const MORE = 8; // rows above and below those on view
const ANY = "any";
const [VIDEO, BEHAVIOUR, SUBJECT, START, END, SCORE, AUTHOR, COMMENT] = [0, 1, 2, 3, 4, 5, 6, 7];

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const filters = Object.fromEntries(
    [...element.querySelectorAll("[data-filter]")].map((one) => [one.dataset.filter, one]),
  );
  const rows = find(".vm-results-rows");
  const head = find("thead");
  const body = find("tbody");
  const none = find(".vm-results-none");
  const playerPlace = find(".vm-results-player-place");
  let answer = null;
  let columns = [];
  let order = []; // places in answer.rows
  let sorted = { by: "from", isDown: false };
  let chosen = -1; // place in `order`
  let asked = ""; // for which the answer is
  place(playerPlace);

  const chosenName = (name) => (filters[name].value.startsWith(`${ANY}:`) ? filters[name].value.slice(4) : null);
  const filterFields = () => ({
    behaviour: chosenName("behaviour"),
    subject: chosenName("subject"),
    min: filters.min.value,
    max: filters.max.value,
    from: filters.from.value,
    until: filters.until.value,
  });

  async function load() {
    const query = queryOfShown(filterFields());
    const got = await ask("results_bouts", () => `results/bouts?${query}`);
    if (!got) return;
    bus.emit("results_bouts", got);
    if (got.error) {
      answer = null;
      order = [];
      draw();
      none.hidden = false;
      none.textContent = got.error;
      return;
    }
    const isSame = answer !== null && query.toString() === asked;
    const before = isSame && chosen >= 0 ? nameOf(answer, order[chosen]) : null;
    asked = query.toString();
    answer = got;
    fillFilters();
    for (const link of element.querySelectorAll("[data-file]")) {
      const kind = link.dataset.file;
      link.href = kind === "bouts" ? `results/bouts.csv?${query}` : `results/boris?${query}&kind=${kind}`;
    }
    show(isSame, before);
  }
  // What tells a bout from all others, also in the next answer.
  const nameOf = ({ rows: all, videos, behaviours, subjects }, at) => {
    const row = all[at];
    return JSON.stringify([videos[row[VIDEO]][0], behaviours[row[BEHAVIOUR]][0], subjects[row[SUBJECT]], row[START]]);
  };
  function fillFilters() {
    const any = ["", words.results_any];
    const named = (name) => [`${ANY}:${name}`, name || words.results_nobody];
    refill(filters.behaviour, [{ options: [any, ...answer.behaviours.map(([name]) => named(name))] }]);
    refill(filters.subject, [{ options: [any, ...answer.subjects.map(named)] }]);
    filters.subject.closest("label").hidden = !answer.subjects.some(Boolean);
    const isTimed = answer.videos.length > 0 && answer.videos.every(([, begun]) => begun);
    for (const label of element.querySelectorAll(".vm-results-day")) label.hidden = !isTimed;
    find(".vm-results-clockless").hidden = isTimed || !answer.videos.length;
  }

  // Columns that say nothing are left out.
  function columnsOf() {
    const { rows: all, videos, subjects, authors } = answer;
    const has = (at) => all.some((row) => row[at] !== null && row[at] !== "");
    return [
      { name: "behaviour", title: words.results_behaviour, key: (row) => row[BEHAVIOUR], make: behaviourCell },
      subjects.some(Boolean) && {
        name: "subject",
        title: words.results_subject,
        key: (row) => subjects[row[SUBJECT]],
        text: (row) => subjects[row[SUBJECT]],
      },
      videos.length > 1 && {
        name: "video",
        title: words.results_video,
        key: (row) => row[VIDEO],
        text: (row) => videos[row[VIDEO]][0],
      },
      {
        name: "from",
        title: words.results_from,
        key: (row) => row[VIDEO] * 1e9 + row[START],
        text: (row) => format.clock(row[START], { hasTenths: true }),
        isNumber: true,
      },
      videos.some(([, begun]) => begun) && {
        name: "clock",
        title: words.results_clock,
        key: clockWords,
        text: clockWords,
        isNumber: true,
      },
      {
        name: "length",
        title: words.results_length,
        key: (row) => row[END] - row[START],
        text: (row) => (row[END] > row[START] ? format.span(row[END] - row[START]) : words.results_point),
        isNumber: true,
      },
      has(SCORE) && {
        name: "score",
        title: words.results_score,
        hint: words.results_score_hint,
        key: (row) => row[SCORE] ?? -1,
        text: (row) => number(row[SCORE], 2),
        isNumber: true,
      },
      authors.length > 1 && {
        name: "author",
        title: words.results_author,
        key: (row) => authors[row[AUTHOR]],
        text: (row) => authors[row[AUTHOR]],
      },
      has(COMMENT) && {
        name: "note",
        title: words.results_note,
        key: (row) => row[COMMENT],
        text: (row) => row[COMMENT].replaceAll("\n", " · "),
      },
    ].filter(Boolean);
  }
  function behaviourCell(row) {
    const [name, colour] = answer.behaviours[row[BEHAVIOUR]];
    const text = make("span", { textContent: name, title: name });
    return rowHead(dot(colour), text);
  }
  function clockWords(row) {
    const begun = answer.videos[row[VIDEO]][1];
    return begun ? wallClock(begun, row[START]) : "–";
  }

  // Of the same question anew, such as after an edit, what was looked at stays on view.
  function show(isSame, before) {
    columns = columnsOf();
    if (!columns.some(({ name }) => name === sorted.by)) sorted = { by: "from", isDown: false };
    order = answer.rows.map((_, at) => at);
    sort();
    chosen = before ? order.findIndex((at) => nameOf(answer, at) === before) : -1;
    drawHead();
    if (!isSame) rows.scrollTop = 0;
    draw();
    const { num, num_all: all } = answer;
    const counted = [num === all ? "" : fill("results_count", { num, all })];
    if (answer.rows.length < num) counted.push(fill("results_cut", { shown: answer.rows.length, num }));
    find(".vm-results-counted").textContent = counted.filter(Boolean).join(" ");
    none.hidden = num > 0;
    none.textContent = all ? words.results_no_bouts : words.results_none_yet;
    find(".vm-results-files").hidden = !all;
  }
  function sort() {
    const { key } = columns.find(({ name }) => name === sorted.by);
    const keys = answer.rows.map(key);
    const way = sorted.isDown ? -1 : 1;
    order.sort((a, b) => (keys[a] < keys[b] ? -way : keys[a] > keys[b] ? way : a - b));
  }
  function drawHead() {
    const made = columns.map(({ name, title, hint = "", isNumber }) => {
      const isIt = sorted.by === name;
      const button = make("button", { type: "button", textContent: title, title: hint });
      if (isIt) button.append(sorted.isDown ? " ↓" : " ↑");
      button.addEventListener("click", () => {
        sorted = { by: name, isDown: isIt && !sorted.isDown };
        sort();
        chosen = -1;
        drawHead();
        draw();
        head.querySelector("[aria-sort] button").focus();
      });
      const made = make("th", { scope: "col", className: isNumber ? "vm-number" : "" }, button);
      if (isIt) made.ariaSort = sorted.isDown ? "descending" : "ascending";
      return made;
    });
    head.replaceChildren(make("tr", {}, ...made));
  }

  // The rows on view, and two empty ones as high as all above and below.
  function draw() {
    const first = Math.max(0, Math.floor(rows.scrollTop / ROW) - MORE);
    const last = Math.min(order.length, Math.ceil((rows.scrollTop + rows.clientHeight) / ROW) + MORE);
    const made = [];
    for (let at = first; at < last; at += 1) made.push(rowAt(at));
    body.replaceChildren(filler(first), ...made, filler(order.length - last));
    rows.hidden = !order.length;
    rows.querySelector("table").setAttribute("aria-rowcount", String(order.length + 1));
  }
  function filler(count) {
    const row = make("tr", { className: "vm-results-filler" });
    row.style.height = `${count * ROW}px`;
    row.setAttribute("aria-hidden", "true");
    return row;
  }
  function rowAt(at) {
    const row = answer.rows[order[at]];
    const cells = columns.map(({ make: makeIt, text, isNumber }) =>
      makeIt
        ? makeIt(row)
        : cell(text(row), { className: isNumber ? "vm-number" : "", title: isNumber ? "" : text(row) }),
    );
    const made = make("tr", {}, ...cells);
    made.dataset.at = at;
    made.setAttribute("aria-rowindex", String(at + 2));
    if (at === chosen) made.setAttribute("aria-current", "true");
    return made;
  }
  function play(at) {
    chosen = at;
    const row = answer.rows[order[at]];
    const [title] = answer.behaviours[row[BEHAVIOUR]];
    playSpan(playerPlace, { video: answer.videos[row[VIDEO]][0], start: row[START], end: row[END], title });
    draw();
  }
  function reveal(at) {
    const top = at * ROW;
    const high = rows.clientHeight - 2 * ROW; // less the header that stays
    if (top < rows.scrollTop) rows.scrollTop = top;
    else if (top > rows.scrollTop + high) rows.scrollTop = top - high;
  }

  rows.addEventListener("scroll", perFrame(draw));
  new ResizeObserver(perFrame(draw)).observe(rows);
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-at]");
    if (row) play(Number(row.dataset.at));
  });
  rows.addEventListener("keydown", (event) => {
    if (event.target !== rows || !order.length) return;
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      chosen = Math.max(0, Math.min(order.length - 1, chosen + move));
      reveal(chosen);
      draw();
    } else if (event.key === "Enter" && chosen >= 0) play(chosen);
  });
  const loadSoon = debounced(load);
  for (const filter of Object.values(filters)) filter.addEventListener("input", loadSoon);
  find("[data-clear]").addEventListener("click", () => {
    for (const filter of Object.values(filters)) filter.value = "";
    load();
  });
  keepShown(load);
}
