// The Planner page: what is to run and on what, and the answer of the server. Rates are in planner_rates.js, before this.
const { fields, plots, inside } = vm, find = (selector) => element.querySelector(selector);
const page = find(".vm-planner"), problem = find(".vm-plan-error"), modelChoice = find(".vm-plan-model");
const what = find(".vm-plan-what"), where = find(".vm-plan-where"), boxes = { memory: find(".vm-plan-memory"), streams: find(".vm-plan-streams") };
const WHERE = ["batch", "free"]; // numbers of the device's part
let offers = null, values = {}, isAsking = false, isBehind = false, isOpening = false, isOld = true;

const isShown = () => document.body.dataset.view === "planner";
const rates = { rate: makeRate("rate", () => query(), () => changed()), decode: makeRate("decode", () => query(), () => changed()) };

function query() {
  const { memory, own, ...rest } = values, asked = new URLSearchParams({ ...rest, theme: inside.theme() });
  if (memory !== "here") asked.set("memory", memory === "own" ? own : memory);
  for (const [name, rate] of Object.entries(rates)) if (rate.value) asked.set(name, rate.value);
  return asked;
}
function changed() {
  if (!offers) return;
  for (const rate of Object.values(rates)) rate.dropOld();
  ask();
}
function set(name, value) {
  values = { ...values, [name]: value };
  changed();
}
// One request at a time; what was changed meanwhile is asked for when its answer is here.
async function ask() {
  isOld = true;
  if (!isShown()) return;
  if (isAsking) { isBehind = true; return; }
  isAsking = true;
  try {
    do {
      isBehind = isOld = false;
      const asked = query(), response = await fetch(`planner/plan?${asked}`), answer = await response.json();
      if (isBehind) continue;
      answer.error ? refuse(answer.error) : await show(answer, asked);
    } while (isBehind);
  } catch {
    refuse(vm.words.silent);
  } finally { isAsking = false; }
}
function refuse(sentence) {
  problem.textContent = sentence;
  problem.hidden = false;
  page.classList.add("vm-stale");
}
async function show({ said, ...figures }, asked) {
  problem.hidden = true;
  page.classList.remove("vm-stale");
  find(".vm-plan-headline").textContent = said.headline;
  find(".vm-plan-sentence").textContent = said.more;
  find(".vm-plan-facts").replaceChildren(...said.facts.map((fact) => tile(fact, said.binds)));
  find(".vm-plan-notes").replaceChildren(...said.notes.map((note) => make("li", note)));
  find(".vm-plan-rates-note").hidden = !rates.rate.value;
  find("[data-file=json]").href = `planner/plan.json?${asked}`;
  showStudy(said.study);
  await Promise.all(Object.entries(boxes).map(([name, box]) => plots.draw(box, figures[name])));
}
function make(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
function tile({ name, value, note, limit }, binds) {
  const box = make("div", ""), number = make("dd", value), isFirst = limit && limit === binds;
  if (limit && !/^\d/.test(value)) number.className = "vm-unknown";
  const below = make("small", note);
  if (isFirst) {
    box.className = "vm-binds";
    below.append(" · ", make("b", vm.words.plan_binds));
  }
  number.append(below);
  box.append(make("dt", name), number);
  return box;
}
function showStudy({ rows, sentences }) {
  find(".vm-plan-study").hidden = !rows.length;
  const mb = (count) => (count / 1e6).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  find(".vm-plan-study tbody").replaceChildren(...rows.map((row) => {
    const line = document.createElement("tr"), head = make("th", row.l_mem), { state } = row.breakdown_bytes;
    head.scope = "row";
    if (row.l_mem === Number(values.l_mem)) line.dataset.own = "";
    const streams = [row.copied_streams, row.shared_streams].flatMap((by) => [by[80], by[96]]);
    const cells = [mb(row.copied_bytes - state), mb(state), mb(row.copied_bytes), ...streams.map((count) => count.toLocaleString("en"))];
    line.append(head, ...cells.map((cell) => make("td", cell)));
    return line;
  }));
  find(".vm-plan-why").replaceChildren(...sentences.map((sentence) => make("p", sentence)));
}

// Controls
const slider = (field) => fields.slider({ ...field, start: values[field.name] }, (value) => set(field.name, value));
const pick = (choice) => fields.choice({ ...choice, start: values[choice.name] }, (value) => set(choice.name, value));

function memoryChoices() {
  const here = offers.machine.here[values.device], options = offers.machine.memories.map((gb) => [String(gb), `${gb} GB`]);
  if (here) options.unshift(["here", vm.fill("plan_here", { gb: here })]);
  return [...options, ["own", vm.words.plan_own]];
}
function fillWhere(model) {
  const [dtype, device] = offers.choices, own = make("label", vm.words.plan_own_gb, "vm-plan-own"), input = make("input", "");
  Object.assign(input, { type: "text", inputMode: "decimal", autocomplete: "off", value: values.own });
  input.dataset.number = "own";
  input.addEventListener("input", () => set("own", input.value.trim().replace(",", ".")));
  own.append(input);
  own.hidden = values.memory !== "own";
  const deviceChoice = fields.choice({ ...device, start: values.device }, (value) => {
    values.device = value;
    values.memory = offers.machine.here[value] ? "here" : String(offers.machine.memories.at(-1));
    fillWhere(model);
    changed();
  });
  const memory = { name: "memory", title: vm.words.plan_memory_choice, options: memoryChoices(), start: values.memory };
  const memoryChoice = fields.choice(memory, (value) => { own.hidden = value !== "own"; set("memory", value); });
  const numbers = model.fields.filter(({ name }) => WHERE.includes(name)).map(slider);
  where.replaceChildren(deviceChoice, memoryChoice, own, ...numbers, pick(dtype));
}
function take(name) {
  const model = offers.models.find((one) => one.name === name), kept = { ...values };
  const made = Object.fromEntries(model.fields.map((field) => [field.name, field.start]));
  values = { ...made, ...Object.fromEntries(["device", "memory", "own", "dtype", ...WHERE].map((key) => [key, kept[key] ?? made[key]])), model: name };
  modelChoice.value = name;
  what.replaceChildren(...model.fields.filter((field) => !WHERE.includes(field.name)).map(slider));
  fillWhere(model);
  changed();
}
function fillModels() {
  const groups = [["models_here", true], ["models_elsewhere", false]].map(([title, isHere]) => {
    const listed = offers.models.filter((one) => one.is_here === isHere);
    return listed.length ? [fields.group(vm.words[title], listed.map((one) => new Option(one.title, one.name)))] : [];
  });
  modelChoice.replaceChildren(...groups.flat());
}
async function open() {
  if (!isShown() || isOpening) return;
  if (offers) { if (isOld) ask(); return; }
  isOpening = true;
  try {
    const answer = await (await fetch("planner/models")).json();
    if (answer.error) { refuse(answer.error); return; }
    offers = answer;
    const { device, here, memories } = offers.machine;
    values = { device, memory: here[device] ? "here" : String(memories.at(-1)), own: String(memories.at(-1)), dtype: "auto" };
    fillModels();
    const used = vm.last.model?.name;
    take(offers.models.some((one) => one.name === used) ? used : offers.models[0].name);
  } catch {
    refuse(vm.words.silent);
  } finally { isOpening = false; }
}
vm.on("view_shown", open);
modelChoice.addEventListener("change", () => take(modelChoice.value));
for (const button of element.querySelectorAll("[data-png]")) {
  button.addEventListener("click", () => plots.save(boxes[button.dataset.png], `plan-${button.dataset.png}`));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (offers) ask(); });
