// Rates of the Planner page: entered by hand, or measured on this machine, with progress and to be cancelled.
const vm = window.vidmem, POLL = 400; // milliseconds
// What a measured rate is of: with another one of these it holds no more.
const OF = { rate: ["model", "height", "width", "clip_frames", "l_mem", "dtype", "batch", "device"], decode: ["fps", "height", "width"] };

function makeRate(kind, query, changed) {
  const part = element.querySelector(`[data-kind=${kind}]`), input = part.querySelector("input"), button = part.querySelector("button");
  const bar = part.querySelector(".vm-progress"), said = part.querySelector("small"), words = button.textContent, hint = said.textContent;
  let measured = "", number = null, running = "", isAsking = false;

  const keyOf = () => {
    const asked = query();
    return JSON.stringify([...OF[kind].map((name) => asked.get(name)), kind === "decode" ? vm.last.source?.key : ""]);
  };
  async function post(address, more) {
    const response = await fetch(`planner/measure${address}?${new URLSearchParams(more)}`, { method: address ? "POST" : "GET" });
    return response.json();
  }
  function progress(share) {
    bar.hidden = share === null;
    button.textContent = share === null ? words : vm.words.cancel;
    if (share === null) return;
    bar.firstElementChild.style.width = `${Math.round(share * 100)}%`;
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
  }
  function finish(sentence) {
    number = null;
    progress(null);
    said.textContent = sentence;
  }
  function follow(state) {
    if (state.error) return finish(state.error);
    if (state.is_cancelled) return finish(vm.words.plan_cancelled);
    if (state.is_done) {
      input.value = Number(state.value.toPrecision(3));
      measured = running;
      finish(vm.words[kind === "rate" ? "plan_rate_measured" : "plan_decode_measured"]);
      dropOld();
      return changed();
    }
    number = state.number;
    progress(state.share);
    said.textContent = state.said;
    setTimeout(look, POLL);
  }
  async function look() {
    if (!number) return;
    try {
      follow(await post("", { number }));
    } catch { finish(vm.words.silent); }
  }
  async function press() {
    if (isAsking) return; // a second click would lose what the first one began
    isAsking = true;
    try {
      if (number) { follow(await post("/cancel", { number })); return; }
      running = keyOf();
      progress(0);
      const asked = query();
      asked.delete("rate");
      asked.delete("decode");
      follow(await post("/start", [...asked, ["kind", kind], ["run", vm.run]]));
    } catch { finish(vm.words.silent); } finally { isAsking = false; }
  }
  // A rate measured for other settings is not known for these.
  function dropOld() {
    if (!measured || measured === keyOf()) return;
    measured = input.value = "";
    said.textContent = vm.words.plan_measure_again;
  }
  button.addEventListener("click", press);
  input.addEventListener("input", () => {
    measured = "";
    if (!number) said.textContent = hint;
    changed();
  });
  if (kind === "decode") vm.on("source", () => { dropOld(); changed(); });
  return { dropOld, get value() { return input.value.trim().replace(",", "."); } };
}
