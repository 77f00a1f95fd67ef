// The project's videos, and the one that is chosen on the pages that look at one.
// Topics of the bus: "project_videos", the answer of the server; "project_video", the chosen record, or null.

import { fetchJson, fetchReady, post, queryOf } from "../ask.js";
import * as bus from "../bus.js";
import { keep, kept } from "../kept.js";

const KEPT = "vidmem-video";
let chosen = null; // its record
let wanted = null; // its name
let number = 0; // of the newest choice
let loading = null;

// The record of the chosen video; null: none is.
export const chosenVideo = () => chosen;

export const videosOfProject = () => bus.last.project_videos?.videos ?? [];

// Asks for the list anew. Whoever asks meanwhile gets the same answer. The choice stays as long as its video is there.
export function loadVideos() {
  loading ??= loadOnce().finally(() => {
    loading = null;
  });
  return loading;
}
// The list as it is after something was changed: an answer on its way may be of before.
async function reloadVideos() {
  await loading;
  return loadVideos();
}
async function loadOnce() {
  const answer = await fetchJson(`project/videos?${queryOf({ run: bus.run })}`);
  if (answer.error) return answer;
  const name = wanted ?? kept(KEPT);
  const record = answer.videos.find((one) => one.name === name) ?? answer.videos[0] ?? null;
  const isSame = record && chosen && ["id", "name", "state", "start"].every((key) => record[key] === chosen[key]);
  if (isSame) chosen = { ...chosen, num_bouts: record.num_bouts }; // which is no reason to open it anew
  bus.emit("project_videos", answer);
  if (!isSame) await chooseVideo(record?.name ?? null);
  return answer;
}

// Another one, by its name; null: none. Its file is looked at now if it was not yet; a newer choice wins.
export async function chooseVideo(name) {
  number += 1;
  const own = number;
  wanted = name;
  if (name !== null) keep(KEPT, name);
  let record = videosOfProject().find((one) => one.name === name) ?? null;
  if (record && record.state === "here" && !record.is_probed) {
    const answer = await fetchReady(`project/videos/facts?${queryOf({ video: name })}`);
    if (own !== number) return;
    record = answer.video ?? { ...record, trouble: answer.error };
  }
  chosen = record;
  bus.emit("project_video", record);
}

// Adds one that is offered, by its key, and chooses it. Answers `{ error }` where that fails.
export function addVideo(key) {
  return take("project/videos/add", { run: bus.run, key });
}
// Adds one that was just uploaded, by the path that the upload got.
export function addUpload(path, name) {
  return take("project/videos/add", { run: bus.run, path, name });
}
export async function removeVideo(video) {
  const answer = await post("project/videos/remove", { video });
  if (!answer.error) await reloadVideos();
  return answer;
}
// When its recording began, as typed; "": it is not known.
export async function setStart(video, start) {
  const answer = await post("project/videos/start", { video, start });
  if (!answer.error) await reloadVideos();
  return answer;
}
async function take(address, value) {
  const answer = await post(address, value);
  if (answer.error) return answer;
  wanted = answer.video.name;
  await reloadVideos();
  return answer;
}
