// The player of the page: it loops the bout at hand, and a second before and after it.

import { fetchReady, queryOf } from "../shared/ask.js";
import { isViewShown } from "../shared/dom.js";
import { makeVideoPlayer } from "../shared/video/player.js";
import { loadVideos, videosOfProject } from "../shared/video/project.js";
import { VIEW } from "./state.js";

const AROUND = 1; // seconds before and after

export function makeLoopingPlayer(element, review) {
  const player = makeVideoPlayer(element);
  let wanted = null; // { video, start, end }
  let record = null; // of the video that is loaded, or on its way
  const span = () => ({ start: Math.max(0, wanted.start - AROUND), end: wanted.end + AROUND });

  async function follow() {
    if (review.start === null && review.answer && !review.walk) player.pause(); // nothing is left to look at
    if (!isViewShown(VIEW) || !review.draft || !review.video) return;
    const [start, end] = review.draft;
    const before = wanted;
    wanted = { video: review.video, start, end };
    const isSame = before?.video === wanted.video && before.start === start && before.end === end;
    if (record?.name === wanted.video && player.record?.name === wanted.video) {
      if (!isSame) play();
      return;
    }
    await load(wanted.video);
  }
  async function load(video) {
    if (record?.name === video) return; // on its way
    record = { name: video };
    const find = () => videosOfProject().find(({ name }) => name === video);
    if (!find()) await loadVideos();
    const known = find();
    // What a browser can decode is known once the file was looked at.
    const isBare = known?.state === "here" && !known.is_probed;
    const answer = isBare ? await fetchReady(`project/videos/facts?${queryOf({ video })}`) : { video: known };
    if (record?.name !== video) return;
    // Without facts the player says why it plays nothing, and the next bout tries again.
    const facts = answer.video ?? { name: video, state: known?.state ?? "unseen", trouble: answer.error };
    record = answer.video ? facts : null;
    player.load(facts, { at: wanted.start });
  }
  async function play() {
    const own = wanted;
    await player.seek(span().start);
    if (wanted !== own) return;
    player.loop(span());
    player.play();
  }
  player.on("loaded", () => {
    if (wanted?.video === player.record?.name) play();
  });
  player.loopOf = () => wanted && span();
  review.on("bout", follow);
  review.on("walk", follow);
  review.on("draft", () => {
    if (!review.draft || !wanted) return;
    [wanted.start, wanted.end] = review.draft;
    if (player.looped) player.loop(span()); // an edge was moved: it goes on where it is
  });
  return Object.assign(player, { follow });
}
