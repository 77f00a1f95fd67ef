// Choosing a video, and bringing one: with progress, within the limit, and able to be broken off.
const vm = window.vidmem;
const find = (selector) => element.querySelector(selector);
const card = find(".vm-source"), select = find("select"), file = find(".vm-file"), reader = find(".vm-reader");
const input = find("input[type=file]"), limit = find(".vm-limit"), refused = find(".vm-refused");
const uploading = find(".vm-uploading"), bar = find(".vm-uploading .vm-progress"), share = find(".vm-uploading .vm-aside");
let transfer = null, maxBytes = Infinity;

function refuse(text) {
  refused.hidden = !text;
  refused.textContent = text ?? "";
}
vm.on("hello", (hello) => {
  maxBytes = hello.max_upload_bytes;
  limit.textContent = vm.fill("upload_limit", { size: vm.bytes(maxBytes) });
});
vm.on("videos", (groups) => {
  select.replaceChildren(...groups.map(([name, videos]) => {
    const group = document.createElement("optgroup");
    group.label = name;
    group.append(...videos.map(([key, title]) => new Option(title, key)));
    return group;
  }));
  showChosen(vm.last.source);
});
vm.on("source", (source) => {
  file.textContent = source?.facts ?? "";
  reader.textContent = source?.reader ?? "";
  reader.title = source?.reader ?? "";
  showChosen(source);
});
// What is live is on the list as long as it is watched.
function showChosen(source) {
  select.querySelector(".vm-live-option")?.remove();
  if (source?.is_live) {
    const live = Object.assign(document.createElement("optgroup"), { label: vm.words.live_group, className: "vm-live-option" });
    live.append(new Option(source.title, source.key));
    select.append(live);
  }
  if (source) select.value = source.key; else select.selectedIndex = -1;
}
select.addEventListener("change", () => { refuse(null); vm.act("choose", { video: select.value }); });

function showProgress(sent, whole) {
  const percent = whole ? Math.round((sent / whole) * 100) : 0;
  bar.firstElementChild.style.width = `${percent}%`;
  bar.setAttribute("aria-valuenow", percent);
  share.textContent = percent < 100 ? vm.fill("uploaded", { sent: vm.bytes(sent), size: vm.bytes(whole) }) : vm.words.checking;
}
function finish() {
  transfer = null;
  uploading.hidden = true;
  input.value = "";
}
function address() {
  const { root, api_prefix: prefix } = window.gradio_config ?? {};
  return `${(root ?? window.location.origin).replace(/\/$/, "")}${prefix ?? "/gradio_api"}/upload`;
}
function answered(request, name) {
  finish();
  if (request.status === 413) return refuse(vm.fill("upload_too_large", { name, size: vm.bytes(maxBytes) }));
  if (request.status !== 200) return refuse(vm.fill("upload_failed", { name }));
  return vm.act("uploaded", { path: JSON.parse(request.responseText)[0], name });
}
function send(video) {
  if (!video || transfer) return;
  refuse(null);
  if (video.size > maxBytes) {
    input.value = "";
    refuse(vm.fill("upload_too_large", { name: video.name, size: vm.bytes(maxBytes) }));
    return;
  }
  const form = new FormData();
  form.append("files", video, video.name);
  transfer = new XMLHttpRequest();
  transfer.open("POST", address());
  transfer.upload.addEventListener("progress", (event) => showProgress(event.loaded, event.total));
  transfer.addEventListener("load", (event) => answered(event.target, video.name));
  transfer.addEventListener("error", () => { finish(); refuse(vm.fill("upload_failed", { name: video.name })); });
  transfer.addEventListener("abort", finish);
  uploading.hidden = false;
  showProgress(0, video.size);
  transfer.send(form);
}
input.addEventListener("change", () => send(input.files[0]));
find(".vm-uploading button").addEventListener("click", () => transfer?.abort());

for (const name of ["dragover", "drop"]) {
  card.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    card.classList.toggle("vm-over", name === "dragover");
    if (name === "drop") send(event.dataTransfer.files[0]);
  });
}
card.addEventListener("dragleave", () => card.classList.remove("vm-over"));
