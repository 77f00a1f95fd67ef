// The Masks page: which mask, its numbers, and what is asked of the server. Drawing is in mask_figures.js, before this.
const choice = element.querySelector(".vm-mask"), headChoice = element.querySelector(".vm-mask-head");
const fields = element.querySelector(".vm-mask-fields"), problem = element.querySelector(".vm-mask-error");
const table = element.querySelector(".vm-mask-numbers tbody"), empty = element.querySelector(".vm-mask-empty");
const dark = matchMedia("(prefers-color-scheme: dark)");
let masks = null, mask = null, values = {}, head = "0", chosen = "";
let isAsking = false, isBehind = false, isOpening = false;

const isShown = () => document.body.dataset.view === "masks";
const offers = () => vm.last.masks?.masks ?? [];
const query = () => new URLSearchParams({ mask: mask.name, ...values, head, theme: dark.matches ? "dark" : "light" });

// One request at a time; what was changed meanwhile is asked for when its answer is here.
async function ask() {
  if (isAsking) { isBehind = true; return; }
  isAsking = true;
  try {
    do {
      isBehind = false;
      const asked = query(), response = await fetch(`masks/figures?${asked}`), answer = await response.json();
      if (isBehind) continue;
      if (answer.error) refuse(answer.error);
      else show(answer, asked);
    } while (isBehind);
  } catch {
    refuse(vm.words.silent);
  } finally { isAsking = false; }
}
function refuse(sentence) {
  problem.textContent = sentence;
  problem.hidden = false;
  stale(true);
}
function show(answer, asked) {
  problem.hidden = true;
  const { said } = answer;
  element.querySelector(".vm-mask-title").textContent = said.title;
  element.querySelector("#vm-mask-summary").textContent = said.summary;
  showHeads(said);
  table.replaceChildren(...said.checks.map(([name, value]) => {
    const row = document.createElement("tr"), title = document.createElement("th"), cell = document.createElement("td");
    title.scope = "row";
    title.textContent = name;
    cell.textContent = value;
    row.append(title, cell);
    return row;
  }));
  const places = [...said.places, ...(said.more_places ? [vm.fill("mask_more_empty", { count: said.more_places })] : [])];
  empty.hidden = !places.length;
  empty.querySelector("ul").replaceChildren(...places.map((place) => Object.assign(document.createElement("li"), { textContent: place })));
  for (const link of element.querySelectorAll("[data-file]")) link.href = `masks/data.${link.dataset.file}?${asked}`;
  draw(answer);
}
function showHeads({ heads, head: shown }) {
  headChoice.parentElement.hidden = !heads.length;
  head = String(shown);
  if (headChoice.options.length !== heads.length || heads.some((name, at) => headChoice.options[at].text !== name)) {
    headChoice.replaceChildren(...heads.map((name, at) => new Option(name, at)));
  }
  headChoice.value = head;
}

// Fields: a slider over the numbers that are allowed, or a list of words.
function slider(field) {
  const stops = [...new Set([...field.stops, values[field.name]])].sort((a, b) => a - b);
  const label = document.createElement("label");
  label.className = "vm-slider";
  label.innerHTML = '<span><span></span> <b></b></span><input type="range" min="0" step="1"><small></small>';
  const [title, input, small] = label.children;
  title.firstElementChild.textContent = field.title;
  small.textContent = vm.fill("mask_allowed", { low: stops[0], high: stops.at(-1) });
  Object.assign(input, { max: stops.length - 1, value: stops.indexOf(values[field.name]) });
  input.dataset.number = field.name;
  const say = () => {
    title.lastElementChild.textContent = values[field.name].toLocaleString("en");
    input.setAttribute("aria-valuetext", String(values[field.name]));
  };
  input.setAttribute("aria-label", field.title);
  input.addEventListener("input", () => { changed(field.name, stops[Number(input.value)]); say(); });
  say();
  return label;
}
function list(field) {
  const label = document.createElement("label"), select = document.createElement("select");
  label.className = "vm-slider";
  label.append(field.title, select);
  select.append(...field.options.map(([key, title]) => new Option(title, key)));
  select.value = values[field.name];
  select.dataset.number = field.name;
  select.addEventListener("change", () => changed(field.name, select.value));
  return label;
}
function changed(name, value) {
  values = { ...values, [name]: value };
  chosen = choice.value = `mask:${mask.name}`; // no longer the model's own numbers
  ask();
}

// A mask of the catalogue, or the model's own with its numbers as they are now.
function group(title, options) {
  const part = document.createElement("optgroup");
  part.label = title;
  part.append(...options);
  return part;
}
function fillChoice() {
  const own = offers().map((offer, at) => new Option(`${vm.last.masks.model}: ${offer.title}`, `model:${at}`));
  const groups = [group(vm.words.masks_all, masks.map(({ name, title }) => new Option(title, `mask:${name}`)))];
  if (own.length) groups.unshift(group(vm.fill("masks_of", { model: vm.last.masks.model }), own));
  choice.replaceChildren(...groups);
}
function take(key) {
  const [kind, name] = key.split(":"), offer = kind === "model" ? offers()[Number(name)] : null;
  mask = masks.find((one) => one.name === (offer ? offer.mask : name));
  values = Object.fromEntries(mask.fields.map((field) => [field.name, offer?.values[field.name] ?? field.start]));
  if (offer && "clip" in offer.values) values.clip = vm.last.now?.index ?? 0;
  chosen = choice.value = key;
  element.querySelector(".vm-mask-hint").textContent = mask.hint;
  fields.replaceChildren(...mask.fields.map((field) => (field.stops ? slider(field) : list(field))));
  ask();
}
async function open() {
  if (!isShown() || isOpening) return;
  if (masks) { if (chosen.startsWith("model:")) refresh(); return; }
  isOpening = true;
  try {
    const [answer] = await Promise.all([fetch("masks/catalogue"), loadPlotly()]);
    masks = await answer.json();
    fillChoice();
    take(offers().length ? "model:0" : `mask:${masks[0].name}`);
  } catch {
    refuse(vm.words.silent);
  } finally { isOpening = false; }
}
// The model or its numbers changed: what was chosen of it is shown anew, what a hand has set stays.
function refresh() {
  if (!masks) return;
  fillChoice();
  if (!chosen.startsWith("model:")) choice.value = chosen;
  else take(offers()[Number(chosen.slice(6))] ? chosen : offers().length ? "model:0" : `mask:${mask.name}`);
}
vm.on("view_shown", open);
vm.on("masks", () => { if (isShown()) refresh(); });
choice.addEventListener("change", () => take(choice.value));
headChoice.addEventListener("change", () => { head = headChoice.value; ask(); });
dark.addEventListener("change", () => { if (masks && isShown()) ask(); });
