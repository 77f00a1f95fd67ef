// The Planner page: what is to run and on what, and the answer of the server.

import { ask, fetchJson, queryOf } from "../shared/ask.js";
import * as bus from "../shared/bus.js";
import { dark, make, theme, viewShown } from "../shared/dom.js";
import { makeChoice, makeGroup, makeSlider } from "../shared/fields.js";
import { drawPlot, savePlot } from "../shared/plots.js";
import { fill, words } from "../shared/words.js";
import { makeRate } from "./rates.js";

const WHERE = ["batch", "free"]; // numbers of the device's part
const makeText = (tag, textContent, className = "") => make(tag, { textContent, className });
const mb = (numBytes) => (numBytes / 1e6).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function start(element) {
  const find = (selector) => element.querySelector(selector);
  const page = find(".vm-planner");
  const problem = find(".vm-plan-error");
  const modelChoice = find(".vm-plan-model");
  const what = find(".vm-plan-what");
  const where = find(".vm-plan-where");
  const boxes = { memory: find(".vm-plan-memory"), streams: find(".vm-plan-streams") };
  let offers = null;
  let values = {};
  let isOpening = false;
  let isOld = true;

  const isShown = () => viewShown() === "planner";
  const rateOf = (kind) =>
    makeRate(
      find(`[data-kind=${kind}]`),
      () => query(),
      () => changed(),
    );
  const rates = { rate: rateOf("rate"), decode: rateOf("decode") };

  function query() {
    const { memory, own, ...rest } = values;
    const request = queryOf({ run: bus.run, ...rest, theme: theme() });
    if (memory !== "here") request.set("memory", memory === "own" ? own : memory);
    for (const [name, rate] of Object.entries(rates)) if (rate.value) request.set(name, rate.value);
    return request;
  }
  function changed() {
    if (!offers) return;
    for (const rate of Object.values(rates)) rate.dropOld();
    refresh();
  }
  function set(name, value) {
    values = { ...values, [name]: value };
    changed();
  }
  async function refresh() {
    isOld = true;
    if (!isShown()) return;
    isOld = false;
    const request = query();
    const answer = await ask("plan", () => `planner/plan?${request}`);
    if (!answer) return;
    if (answer.error) refuse(answer.error);
    else await show(answer, request);
  }
  function refuse(sentence) {
    problem.textContent = sentence;
    problem.hidden = false;
    page.classList.add("vm-stale");
  }
  async function show({ texts, ...figures }, request) {
    problem.hidden = true;
    page.classList.remove("vm-stale");
    find(".vm-plan-headline").textContent = texts.headline;
    find(".vm-plan-sentence").textContent = texts.more;
    find(".vm-plan-facts").replaceChildren(...texts.facts.map((fact) => tile(fact, texts.binds)));
    find(".vm-plan-notes").replaceChildren(...texts.notes.map((note) => makeText("li", note)));
    find(".vm-plan-rates-note").hidden = !rates.rate.value;
    find("[data-file=json]").href = `planner/plan.json?${request}`;
    showStudy(texts.study);
    const drawn = await Promise.all(Object.entries(boxes).map(([name, box]) => drawPlot(box, figures[name])));
    if (drawn.includes(false)) refuse(words.silent);
  }
  function tile({ name, value, note, limit }, binds) {
    const box = makeText("div", "");
    const number = makeText("dd", value);
    const isFirst = limit && limit === binds;
    if (limit && !/^\d/.test(value)) number.className = "vm-unknown";
    const below = makeText("small", note);
    if (isFirst) {
      box.className = "vm-binds";
      below.append(" · ", makeText("b", words.plan_binds));
    }
    number.append(below);
    box.append(makeText("dt", name), number);
    return box;
  }
  function showStudy({ rows, sentences }) {
    find(".vm-plan-study").hidden = !rows.length;
    find(".vm-plan-study tbody").replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement("tr");
        const head = makeText("th", row.l_mem);
        const { state } = row.breakdown_bytes;
        head.scope = "row";
        if (row.l_mem === Number(values.l_mem)) line.dataset.own = "";
        const streams = [row.copied_streams, row.shared_streams].flatMap((by) => [by[80], by[96]]);
        const cells = [
          mb(row.copied_bytes - state),
          mb(state),
          mb(row.copied_bytes),
          ...streams.map((count) => count.toLocaleString("en")),
        ];
        line.append(head, ...cells.map((cell) => makeText("td", cell)));
        return line;
      }),
    );
    find(".vm-plan-why").replaceChildren(...sentences.map((sentence) => makeText("p", sentence)));
  }

  // Controls
  const slider = (field) => makeSlider({ ...field, start: values[field.name] }, (value) => set(field.name, value));
  const pick = (choice) => makeChoice({ ...choice, start: values[choice.name] }, (value) => set(choice.name, value));

  function memoryChoices() {
    const here = offers.machine.here[values.device];
    const options = offers.machine.memories.map((gb) => [String(gb), `${gb} GB`]);
    if (here) options.unshift(["here", fill("plan_here", { gb: here })]);
    return [...options, ["own", words.plan_own]];
  }
  function fillWhere(model) {
    const [dtype, device] = offers.choices;
    const own = makeText("label", words.plan_own_gb, "vm-plan-own");
    const input = makeText("input", "");
    Object.assign(input, { type: "text", inputMode: "decimal", autocomplete: "off", value: values.own });
    input.dataset.number = "own";
    input.addEventListener("input", () => set("own", input.value.trim().replace(",", ".")));
    own.append(input);
    own.hidden = values.memory !== "own";
    const deviceChoice = makeChoice({ ...device, start: values.device }, (value) => {
      values.device = value;
      values.memory = offers.machine.here[value] ? "here" : String(offers.machine.memories.at(-1));
      fillWhere(model);
      changed();
    });
    const memory = { name: "memory", title: words.plan_memory_choice, options: memoryChoices(), start: values.memory };
    const memoryChoice = makeChoice(memory, (value) => {
      own.hidden = value !== "own";
      set("memory", value);
    });
    const numbers = model.fields.filter(({ name }) => WHERE.includes(name)).map(slider);
    where.replaceChildren(deviceChoice, memoryChoice, own, ...numbers, pick(dtype));
  }
  function take(name) {
    const model = offers.models.find((one) => one.name === name);
    const kept = { ...values };
    const made = Object.fromEntries(model.fields.map((field) => [field.name, field.start]));
    values = {
      ...made,
      ...Object.fromEntries(["device", "memory", "own", "dtype", ...WHERE].map((key) => [key, kept[key] ?? made[key]])),
      model: name,
    };
    modelChoice.value = name;
    what.replaceChildren(...model.fields.filter((field) => !WHERE.includes(field.name)).map(slider));
    fillWhere(model);
    changed();
  }
  function fillModels() {
    const groups = [
      ["models_here", true],
      ["models_elsewhere", false],
    ].map(([title, isHere]) => {
      const listed = offers.models.filter((one) => one.is_here === isHere);
      return listed.length
        ? [
            makeGroup(
              words[title],
              listed.map((one) => new Option(one.title, one.name)),
            ),
          ]
        : [];
    });
    modelChoice.replaceChildren(...groups.flat());
  }
  async function open() {
    if (!isShown() || isOpening) return;
    if (offers) {
      if (isOld) refresh();
      return;
    }
    isOpening = true;
    const answer = await fetchJson("planner/models");
    isOpening = false;
    if (answer.error) {
      refuse(answer.error);
      return;
    }
    offers = answer;
    const { device, here, memories } = offers.machine;
    values = {
      device,
      memory: here[device] ? "here" : String(memories.at(-1)),
      own: String(memories.at(-1)),
      dtype: "auto",
    };
    fillModels();
    const used = bus.last.model?.name;
    take(offers.models.some((one) => one.name === used) ? used : offers.models[0].name);
  }
  bus.on("view_shown", open);
  modelChoice.addEventListener("change", () => take(modelChoice.value));
  for (const button of element.querySelectorAll("[data-png]")) {
    button.addEventListener("click", () => savePlot(boxes[button.dataset.png], `plan-${button.dataset.png}`));
  }
  dark.addEventListener("change", () => {
    if (offers) refresh();
  });
}
