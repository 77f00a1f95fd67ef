// The Review page: what a model said is gone over, bout by bout, and how right the rest is moves along.

import * as bus from "../shared/bus.js";
import { isViewShown, viewShown } from "../shared/dom.js";
import { authorOf, keep } from "../shared/kept.js";
import { goToLabel } from "../shared/video/go_to_label.js";
import { fill, words } from "../shared/words.js";
import { makeAtHand } from "./at_hand.js";
import { makeDeciding } from "./deciding.js";
import { makeKeys } from "./keys.js";
import { makeList } from "./list.js";
import { makeLoopingPlayer } from "./player.js";
import { makeSaving } from "./saving.js";
import { makeReview, VIEW } from "./state.js";

const PLACE = "vidmem-label-place:"; // where Label opens a video
const NOTICE = 8000; // milliseconds that a refusal stays

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const field = (name) => find(`[data-review=${name}]`);
  const [area, notice, root] = [find(".vm-review-left"), find(".vm-review-notice"), find(".vm-review")];
  let noticeTimer = 0;

  // Said to whoever listens; with `isShown` also to whoever looks.
  function tell(sentence, isShown = false) {
    find(".vm-review-said").textContent = sentence;
    if (isShown) refuse(sentence, "said");
  }
  function refuse(sentence, kind = "refused") {
    notice.textContent = sentence;
    notice.dataset.kind = kind;
    notice.hidden = !sentence;
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => {
      notice.hidden = true;
    }, NOTICE);
  }
  const focusArea = () => area.focus({ preventScroll: true });

  const review = makeReview();
  const player = makeLoopingPlayer(find(".vm-review-player"), review);
  const saving = makeSaving(review, { refuse, tell, onSaving: drawSaved });
  const deciding = makeDeciding({ review, player, saving, tell, refuse });
  function leave() {
    if (review.walk) deciding.endWalk();
    else if (area.contains(document.activeElement)) {
      document.activeElement.blur();
      tell(words.review_said_left);
    }
  }
  makeAtHand(element, { review, player });
  makeList(element, { review, focusArea });
  makeKeys(element, { review, player, deciding, area, leave });

  function drawSaved() {
    const { numWaiting: count, trouble, hasSaved } = saving;
    let text = hasSaved ? words.review_saved : "";
    if (count) text = fill(trouble ? "review_waiting_trouble" : "review_waiting", { count, trouble });
    const author = authorOf();
    const by = author ? fill("review_as", { author }) : "";
    find(".vm-review-saved").textContent = [by, text].filter(Boolean).join(" · ");
    review.emit("saved");
  }

  // Where all can be edited; opened where the player is, unless the video is open there already.
  async function openOnLabel() {
    const { video } = review;
    keep(PLACE + video, String(player.seconds));
    await goToLabel(video, { run: review.chosen.run });
  }

  // What is gone over.

  const options = (select, list, value) => {
    const text = JSON.stringify(list);
    if (select.dataset.drawn !== text) select.replaceChildren(...list.map(([key, says]) => new Option(says, key)));
    select.dataset.drawn = text; // an open list stays open
    select.value = value;
    select.closest("label").hidden = list.length < 2 && select !== field("run");
  };
  function drawRuns() {
    const runs = review.runs ?? [];
    const shown = ({ is_unlike: isUnlike, ...run }) => {
      const text = fill("review_run_option", run);
      return isUnlike ? fill("review_run_unlike", { run: text }) : text;
    };
    options(
      field("run"),
      runs.map((run) => [run.id, shown(run)]),
      review.chosen.run,
    );
    const isEmpty = review.runs !== null && !runs.length;
    root.dataset.state = review.runs === null ? "loading" : isEmpty ? "empty" : "";
    find(".vm-review-empty").hidden = !isEmpty;
    // Before there is something to decide, there was nothing to give the keys to.
    if (isViewShown(VIEW) && document.activeElement === document.body) focusArea();
  }
  function drawAnswer() {
    const { answer, trouble } = review;
    find(".vm-review-trouble").hidden = !trouble;
    find(".vm-review-trouble").textContent = trouble;
    const isHere = Boolean(answer);
    find(".vm-review-progress").hidden = !isHere;
    find(".vm-review-unlike").hidden = !answer?.warning;
    find(".vm-review-unlike").textContent = answer?.warning ?? "";
    if (!answer) {
      find(".vm-review-unknown").hidden = true;
      return;
    }
    options(
      field("axis"),
      answer.axes.map((axis) => [axis, axis]),
      answer.axis,
    );
    options(
      field("subject"),
      answer.subjects.map((subject) => [subject, subject || words.review_no_subject]),
      answer.subject,
    );
    find(".vm-review-words").textContent = answer.words;
    const isLeft = answer.num_checked < answer.num_all; // else there is nothing to be estimated
    find(".vm-review-blind-words").textContent = isLeft ? answer.blind_words : "";
    find(".vm-review-blind").hidden = !isLeft;
    const share = answer.num_all ? (100 * answer.num_checked) / answer.num_all : 0;
    const bar = find(".vm-review-progress .vm-progress");
    bar.firstElementChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(share)));
    drawUnknown();
  }
  const unknown = () => {
    const names = new Set(review.answer?.behaviours.filter((one) => !one.is_known).map(({ name }) => name));
    return [...names];
  };
  function drawUnknown() {
    const names = unknown();
    const part = find(".vm-review-unknown");
    part.hidden = !names.length;
    const are = words[names.length === 1 ? "review_is" : "review_are"];
    part.querySelector("span").textContent = fill("review_unknown", { names: names.join(", "), are });
  }
  function drawWalk() {
    root.toggleAttribute("data-walk", Boolean(review.walk));
    if (review.walk) focusArea();
  }
  review.on("runs", drawRuns);
  review.on("answer", drawAnswer);
  review.on("walk", drawWalk);

  field("run").addEventListener("change", ({ target }) =>
    review.change({ run: target.value, axis: null, subject: null }),
  );
  for (const name of ["axis", "subject"])
    field(name).addEventListener("change", ({ target }) => review.change({ [name]: target.value }));
  const posts = [...element.querySelectorAll("[data-post]")];
  for (const one of posts) one.value = review.chosen.post[one.dataset.post] ?? "";
  let timer = 0;
  for (const one of posts) {
    one.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (posts.some(({ validity }) => !validity.valid)) return;
        const set = posts.filter(({ value }) => value !== "").map(({ dataset, value }) => [dataset.post, value]);
        review.change({ post: Object.fromEntries(set) });
      }, 350);
    });
  }
  element.addEventListener("click", ({ target }) => {
    const { act } = target.closest("[data-act]")?.dataset ?? {};
    if (act === "blind") deciding.beginBlind();
    if (act === "add") deciding.addUnknown(unknown());
    if (act === "label") openOnLabel();
  });

  const show = () => {
    if (!isViewShown(VIEW)) return;
    review.loadRuns();
    drawSaved();
    player.follow();
  };
  bus.on("view_shown", (view) => {
    if (view !== VIEW) player.pause();
    else {
      show();
      focusArea(); // so that the first key decides
    }
  });
  if (viewShown() === VIEW) focusArea();
  element.dataset.ready = "";
}
