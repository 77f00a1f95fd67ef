// When a page asks anew for what it shows.

import * as bus from "./bus.js";
import { dark, isViewShown } from "./dom.js";

// Awaits `load` whenever what the page `view` shows may be old: it is opened, one of `anew` happened, or one of
// `moved`, at most every `pace` milliseconds and not before the last answer is here, as long as `isFollowing()`.
// Gives back what to call when a hand has changed what is asked for.
export function keepFresh({ view, load, anew, moved = [], pace = 0, isFollowing = () => true }) {
  let numLoading = 0;
  let loadedAt = -Infinity;
  let isOld = true;
  let timer = 0;
  let due = 0;

  // What changes together is asked for once.
  function ask() {
    isOld = true;
    if (isViewShown(view) && !due) due = setTimeout(begin);
  }
  async function begin() {
    isOld = false;
    due = 0;
    numLoading += 1;
    try {
      await load();
    } finally {
      numLoading -= 1;
      loadedAt = performance.now();
    }
  }
  function askSoon() {
    isOld = true;
    if (timer || !isViewShown(view) || !isFollowing()) return;
    const wait = Math.max(numLoading ? pace : 0, loadedAt + pace - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      if (numLoading) askSoon();
      else if (isOld && isFollowing()) ask();
    }, wait);
  }
  const resume = () => {
    if (isOld) ask();
  };
  for (const topic of moved) bus.on(topic, askSoon);
  for (const topic of anew) bus.on(topic, ask);
  bus.on("view_shown", resume);
  document.addEventListener("visibilitychange", resume);
  dark.addEventListener("change", ask);
  return ask;
}
