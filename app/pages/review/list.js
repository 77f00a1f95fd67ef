// The list of bouts: a page of them in the order that was asked for, filters, and how far the review is.

import { make } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";

const count = (number) => number.toLocaleString("en");

export function makeList(element, { review, focusArea }) {
  const find = (selector) => element.querySelector(selector);
  const field = (name) => find(`[data-review=${name}]`);
  const [rows, none, pages] = [".vm-review-rows", ".vm-review-no-rows", ".vm-review-pages"].map(find);
  let drawnBehaviours = "";

  function drawFilters({ behaviours }) {
    const names = behaviours.filter(({ is_state: isState }) => isState).map(({ name }) => name);
    const text = JSON.stringify(names);
    if (text === drawnBehaviours) return; // an open list stays open
    drawnBehaviours = text;
    const select = field("behaviour");
    select.replaceChildren(new Option(words.review_all, ""), ...names.map((name) => new Option(name, name)));
    select.value = names.includes(review.filters.behaviour) ? review.filters.behaviour : "";
  }
  function rowOf(one) {
    const { start, end, behaviour, score } = one;
    const dot = make("i", { className: "vm-dot" });
    dot.style.background = review.behaviour(behaviour)?.colour ?? "var(--dim)";
    const name = make("span", { className: "vm-review-name" }, dot, make("span", { textContent: behaviour }));
    const marks = [];
    if (review.pending.has(start)) marks.push(words.review_saving);
    else if (one.differing_seconds) marks.push(fill("review_differs", { span: format.span(one.differing_seconds) }));
    else if (one.is_checked) marks.push(`✓ ${words.review_is_checked}`);
    const row = make(
      "button",
      { type: "button", className: "vm-review-row" },
      name,
      make("span", { className: "vm-review-number", textContent: format.clock(start, { hasTenths: true }) }),
      make("span", { className: "vm-review-number", textContent: format.span(end - start) }),
      make("span", { className: "vm-review-number", textContent: score === null ? "–" : format.percent(score) }),
    );
    if (marks.length) row.append(make("small", { textContent: marks.join(" · ") }));
    row.dataset.start = start;
    row.toggleAttribute("data-pending", review.pending.has(start));
    if (start === review.start) row.setAttribute("aria-current", "true");
    return make("div", { role: "listitem" }, row);
  }
  function drawRows() {
    const held = rows.contains(document.activeElement) ? document.activeElement.dataset.start : null;
    rows.replaceChildren(...review.rows.map(rowOf));
    if (held !== null) rows.querySelector(`[data-start="${held}"]`)?.focus({ preventScroll: true });
    showChosen();
  }
  function showChosen() {
    for (const row of rows.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
    const row = rows.querySelector(`[data-start="${review.start}"]`);
    if (!row) return;
    row.setAttribute("aria-current", "true");
    const [box, place] = [row.getBoundingClientRect(), rows.getBoundingClientRect()];
    if (box.top < place.top) rows.scrollTop -= place.top - box.top;
    else if (box.bottom > place.bottom) rows.scrollTop += box.bottom - place.bottom;
  }
  function emptyWords({ num_all: all, num_checked: checked }) {
    const { order, behaviour, shorter, unchecked } = review.filters;
    if (all && checked === all && order !== "time") return words.review_list_done;
    if (order === "disagreement") return words.review_list_none_disagreement;
    const isFiltered = behaviour || shorter;
    return words[unchecked && isFiltered ? "review_list_none_unchecked" : "review_list_none"];
  }
  function draw() {
    const { answer } = review;
    const total = find(".vm-review-count");
    if (!answer) {
      rows.replaceChildren();
      total.textContent = "";
      pages.hidden = true;
      none.hidden = Boolean(review.trouble);
      none.textContent = words.review_loading;
      return;
    }
    drawFilters(answer);
    drawRows();
    const { num_meant: num, num_all: all, first, page } = answer;
    total.textContent = num === all ? count(all) : fill("review_count", { num: count(num), all: count(all) });
    none.hidden = num > 0;
    none.textContent = num ? "" : emptyWords(answer);
    pages.hidden = num <= page;
    const last = Math.min(num, first + page);
    pages.querySelector("span").textContent = fill("review_range", {
      first: count(first + 1),
      last: count(last),
      num: count(num),
    });
    const [earlier, later] = pages.querySelectorAll("button");
    earlier.disabled = !first;
    later.disabled = last >= num;
    later.textContent = fill("review_later", { count: count(Math.max(0, Math.min(page, num - last))) });
  }

  // Whoever chose a row goes on by keys.
  rows.addEventListener("click", ({ target }) => {
    const row = target.closest(".vm-review-row");
    if (!row) return;
    review.choose(Number(row.dataset.start));
    focusArea();
  });
  pages.addEventListener("click", ({ target }) => {
    const { act } = target.closest("button")?.dataset ?? {};
    const { first, page } = review.answer ?? {};
    if (act) review.filter({ first: act === "later" ? first + page : Math.max(0, first - page) });
  });
  for (const name of ["order", "behaviour"])
    field(name).addEventListener("change", () => review.filter({ [name]: field(name).value }));
  field("unchecked").addEventListener("change", ({ target }) =>
    review.filter({ unchecked: target.checked ? "1" : "" }),
  );
  let timer = 0;
  field("shorter").addEventListener("input", ({ target }) => {
    clearTimeout(timer);
    timer = setTimeout(() => target.validity.valid && review.filter({ shorter: target.value }), 350);
  });
  review.on("answer", draw);
  review.on("pending", draw);
  review.on("bout", showChosen);
}
