// The way from other pages to Label: a video, at a moment, beside what a run of it says.

import * as bus from "../bus.js";
import { fill } from "../words.js";
import { chooseVideo, loadVideos, videosOfProject } from "./project.js";

// Gives back why not, in a sentence; "" where Label is on view now. `run`: of the project, whose bouts are shown below a
// person's; with a moment, too, its bout there is chosen, for keys to confirm or to change.
export async function goToLabel(video, { seconds = null, run = "" } = {}) {
  const isThere = () => videosOfProject().some(({ name }) => name === video);
  if (!isThere()) {
    const { error } = await loadVideos();
    if (error) return error;
  }
  if (!isThere()) return fill("video_gone", { name: video });
  await chooseVideo(video);
  if (run) bus.emit("label_run", { video, run });
  if (seconds !== null) bus.emit("label_at", { video, seconds, run });
  location.hash = "#label";
  return "";
}
