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
function control(field) {
  const build = field.stops ? vm.fields.slider : vm.fields.choice;
  return build({ ...field, start: values[field.name] }, (value) => changed(field.name, value));
}
function changed(name, value) {
  values = { ...values, [name]: value };
  chosen = choice.value = `mask:${mask.name}`; // no longer the model's own numbers
  ask();
}

// A mask of the catalogue, or the model's own with its numbers as they are now.
function fillChoice() {
  const own = offers().map((offer, at) => new Option(`${vm.last.masks.model}: ${offer.title}`, `model:${at}`));
  const { group } = vm.fields, groups = [group(vm.words.masks_all, masks.map(({ name, title }) => new Option(title, `mask:${name}`)))];
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
  fields.replaceChildren(...mask.fields.map(control));
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
