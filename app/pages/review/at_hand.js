// What is known of the bout at hand: in words, the probabilities, and what the model and people say around it.

import { make, perFrame } from "../shared/dom.js";
import * as format from "../shared/format.js";
import { fill, words } from "../shared/words.js";

const MAX_BARS = 8; // classes of which a bar is shown
const exact = (seconds) => format.clock(seconds, { hasTenths: true });
const times = ([start, end]) => ({ from: exact(start), to: exact(end), span: format.span(end - start) });

export function makeAtHand(element, { review, player }) {
  const find = (selector) => element.querySelector(selector);
  const [what, bars, plot] = [".vm-review-what", ".vm-review-bars", ".vm-review-plot"].map(find);
  let head = null; // the playhead in the tracks

  const dot = (name) => {
    const mark = make("i", { className: "vm-dot" });
    mark.style.background = review.behaviour(name)?.colour ?? "var(--dim)";
    mark.setAttribute("aria-hidden", "true");
    return mark;
  };
  function drawWhat() {
    const { bout, draft, walk, video } = review;
    if (walk) {
      const kind = walk.isBlind ? "blind" : "alike";
      const at = fill(`review_${kind}_at`, { number: walk.at + 1, count: walk.spans.length });
      what.replaceChildren(
        make("b", { textContent: at }),
        ` ${fill(`review_${kind}_ask`, { video, ...times(draft) })}`,
      );
      return;
    }
    if (!bout) {
      what.textContent = review.rows.length && review.start === null ? words.review_nothing : "";
      return;
    }
    const parts = [fill("review_of", times([bout.start, bout.end]))];
    if (bout.score !== null) parts.push(fill("review_says", { percent: format.percent(bout.score) }));
    if (bout.differing_seconds) parts.push(fill("review_differs", { span: format.span(bout.differing_seconds) }));
    if (bout.is_checked) parts.push(words.review_is_checked);
    const isPart = draft && (draft[0] !== bout.start || draft[1] !== bout.end);
    if (isPart) parts.push(fill("review_part", times(draft)));
    what.replaceChildren(dot(bout.behaviour), make("b", { textContent: bout.behaviour }), ` ${parts.join(" · ")}`);
  }
  function drawBars() {
    const list = review.walk ? [] : (review.bout?.probabilities ?? []);
    bars.replaceChildren(
      ...list.slice(0, MAX_BARS).map(([name, value]) => {
        const bar = make("i");
        bar.style.width = `${100 * value}%`;
        bar.style.background = review.behaviour(name)?.colour ?? "var(--dim)";
        const track = make("span", { className: "vm-review-bar" }, bar);
        track.setAttribute("aria-hidden", "true");
        const title = make("span", { textContent: name, title: name });
        return make("div", {}, title, track, make("b", { textContent: format.percent(value) }));
      }),
    );
  }

  // Two lanes from a while before the bout to a while after it.
  function drawTracks() {
    const { bout, draft } = review;
    head = null;
    if (!bout || review.walk) {
      plot.replaceChildren();
      return;
    }
    const end = Math.min(bout.to, player.duration || bout.to);
    const share = (seconds) => (100 * (Math.max(bout.from, Math.min(end, seconds)) - bout.from)) / (end - bout.from);
    const place = (node, from, to) => {
      node.style.left = `${share(from)}%`;
      node.style.width = `${Math.max(0.2, share(to) - share(from))}%`;
      return node;
    };
    const lane = (who, stretches, name) => {
      const made = make("div", { className: `vm-review-lane vm-review-lane-${name}` });
      const all = stretches.map(([from, to, behaviour]) => {
        const bar = make("span", { className: "vm-review-stretch", textContent: behaviour });
        bar.title = `${behaviour}, ${exact(from)} – ${exact(to)}`;
        bar.dataset.what = review.behaviour(behaviour) ? "" : behaviour;
        bar.style.setProperty("--colour", review.behaviour(behaviour)?.colour ?? "var(--dim)");
        if (name === "model" && from === bout.start) bar.dataset.at = "";
        return place(bar, from, to);
      });
      made.append(...all);
      made.setAttribute("role", "img");
      const said = stretches.map(([from, to, behaviour]) => `${behaviour} ${exact(from)} – ${exact(to)}`).join(", ");
      made.setAttribute("aria-label", fill("review_track_words", { who, words: said || words.review_track_none }));
      return make("div", { className: "vm-review-track" }, make("span", { textContent: who }), made);
    };
    const edges = make("div", { className: "vm-review-edges" });
    head = make("i", { className: "vm-review-head" });
    const span = place(make("i", { className: "vm-review-span" }), ...draft);
    edges.append(span, head);
    edges.setAttribute("aria-hidden", "true");
    plot.replaceChildren(
      lane(words.review_people, bout.people, "people"),
      lane(words.review_model, bout.model, "model"),
      edges,
    );
    head.moveTo = (seconds) => {
      head.style.left = `${share(seconds)}%`;
      head.hidden = seconds < bout.from || seconds > end;
    };
    head.moveTo(player.seconds);
  }
  const draw = perFrame(() => {
    drawWhat();
    drawBars();
    drawTracks();
  });
  for (const topic of ["answer", "bout", "draft", "walk"]) review.on(topic, draw);
  player.on("loaded", draw);
  player.on("time", () => head?.moveTo(player.seconds));
}
