// A camera as the source: by its address, or the one of this device, whose pictures are sent from here.
// Runs in the part of the source, after source.js.
const addressForm = find(".vm-address"), addressInput = addressForm.querySelector("input"), webcam = find(".vm-webcam");
const MAX_WIDTH = 640, QUALITY = 0.85, SILENCE = 2000; // pixels; of a JPEG; milliseconds until a lost server is asked again
const camera = document.createElement("video"), sheet = document.createElement("canvas");
Object.assign(camera, { muted: true, playsInline: true });
let stream = null, sending = 0, isBusy = false, hasBegun = false;

addressForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const address = addressInput.value.trim();
  if (!address) { addressInput.focus(); return; }
  refuse(null);
  vm.act("address", { address });
});
vm.on("hello", ({ may_watch_addresses: may }) => {
  addressForm.hidden = !may;
  find(".vm-no-address").hidden = may;
});

// The camera of this device: asked for, drawn at the model's rate, let go when the run ends.
const WHY = { NotAllowedError: "webcam_denied", SecurityError: "webcam_denied", NotFoundError: "webcam_missing", OverconstrainedError: "webcam_missing" };
async function startWebcam() {
  if (webcam.disabled) return undefined; // it is being opened
  refuse(null);
  if (!navigator.mediaDevices?.getUserMedia) return refuse(vm.words.webcam_insecure);
  [webcam.disabled, hasBegun] = [true, false];
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: MAX_WIDTH } }, audio: false });
    camera.srcObject = stream;
    await camera.play();
  } catch (error) {
    letGo();
    return refuse(vm.words[WHY[error.name] ?? "webcam_busy"]);
  } finally { webcam.disabled = false; }
  if (!stream) return undefined; // it was let go meanwhile
  const scale = Math.min(1, MAX_WIDTH / camera.videoWidth);
  [sheet.width, sheet.height] = [Math.round(camera.videoWidth * scale), Math.round(camera.videoHeight * scale)];
  stream.getVideoTracks()[0].addEventListener("ended", () => { letGo(); refuse(vm.words.webcam_lost); vm.act("stop"); });
  vm.act("webcam", { width: sheet.width, height: sheet.height });
  drawWebcam();
  return beat();
}
function letGo() {
  clearTimeout(sending);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = camera.srcObject = null;
  drawWebcam();
}
function drawWebcam() {
  webcam.setAttribute("aria-pressed", stream !== null);
  webcam.querySelector("span").textContent = vm.words[stream ? "webcam_stop" : "webcam_start"];
}
// The newest picture, and only when the one before has arrived: what the line cannot carry is not sent.
function beat() {
  if (!stream) return;
  sending = setTimeout(beat, 1000 / Math.min(15, Math.max(1, vm.last.settings?.values.fps ?? 4)));
  if (!isBusy && vm.last.source?.is_webcam) send_picture();
}
async function send_picture() {
  isBusy = true;
  try {
    sheet.getContext("2d").drawImage(camera, 0, 0, sheet.width, sheet.height);
    const seconds = performance.now() / 1000;
    const picture = await new Promise((done) => sheet.toBlob(done, "image/jpeg", QUALITY));
    const asked = new URLSearchParams({ run: vm.run, seconds: seconds.toFixed(4) });
    const answer = await (await fetch(`webcam/picture?${asked}`, { method: "POST", body: picture })).json();
    if (answer.error && stream) { letGo(); refuse(answer.error); }
  } catch {
    await new Promise((done) => setTimeout(done, SILENCE)); // the app is gone for a while: the player says so
  } finally { isBusy = false; }
}
webcam.addEventListener("click", () => {
  if (!stream) { startWebcam(); return; }
  letGo();
  if (vm.last.source?.is_webcam) vm.act("stop");
});
// To play what the camera let go of is to ask for the camera again.
for (const name of ["play", "step"]) {
  vm.instead(name, () => {
    const isWanted = !stream && Boolean(vm.last.source?.is_webcam);
    if (isWanted) startWebcam();
    return isWanted;
  });
}
// The run decides how long the camera is held; another source lets it go, and so does a run that is refused.
vm.on("play", ({ status }) => {
  if (!stream || !vm.last.source?.is_webcam) return;
  if (["opening", "playing", "paused"].includes(status)) hasBegun = true;
  else if (hasBegun) letGo();
});
vm.on("notice", (notice) => { if (stream && !hasBegun && notice?.level === "error") letGo(); });
vm.on("source", (source) => { if (stream && hasBegun && !source?.is_webcam) letGo(); });
window.addEventListener("pagehide", letGo);
