// What the Memory and the Heads page share: the moment on view, how it is asked for, and pictures of the video.
// Loaded in the head, after format.js. How maps are painted and regions picked is in inside_pictures.js.
window.vidmem.inside = (() => {
  const vm = window.vidmem, NEWEST = "newest";
  const POLL = 250, PACE = 500, MAX_PICTURES = 240; // milliseconds; requests for pictures that are kept
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tickets = new Map(); // path -> number of the newest request
  const pictures = new Map(); // address -> promise of frames, the longest unused first
  let at = NEWEST;

  // The moment: "newest", or seconds as picked on the timeline. Everybody hears of it by "inside_at".
  function setAt(value) {
    vm.act("look", value === NEWEST ? null : { seconds: value });
    change(value);
  }
  function change(value) {
    if (value === at) return;
    at = value;
    vm.emit("inside_at", at);
  }
  vm.on("look", (value) => change(value?.seconds ?? NEWEST));

  // By its time a moment is found again, also when the stream has moved on.
  const middle = ({ start_seconds: start, end_seconds: end }) => (start + end) / 2;
  const theme = () => (dark.matches ? "dark" : "light");
  function query(params = {}) {
    const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined);
    return new URLSearchParams({ run: vm.run, at, theme: theme(), ...Object.fromEntries(given) });
  }

  // The answer; null when a newer request for the same path was made meanwhile: then there is nothing to do.
  // While the server is on its way to a past moment, "inside_waiting" says how far it is.
  async function get(path, params = {}) {
    const number = (tickets.get(path) ?? 0) + 1, address = `${path}?${query(params)}`;
    tickets.set(path, number);
    const answer = await settled(address, () => tickets.get(path) === number);
    if (tickets.get(path) !== number) return null;
    vm.emit("inside_waiting", null);
    return answer;
  }
  async function settled(address, isWanted) {
    for (;;) {
      const answer = await fetched(address);
      if (!isWanted() || !answer.waiting) return answer;
      vm.emit("inside_waiting", answer);
      await new Promise((done) => setTimeout(done, POLL));
      if (!isWanted()) return null;
    }
  }
  async function fetched(address) {
    try {
      const response = await fetch(address);
      return await response.json();
    } catch {
      return { error: vm.words.silent };
    }
  }

  // Awaits `load` whenever what the page `view` shows may be old: it is opened, another moment is picked, the stream
  // moved on (at "newest", at most every 500 ms, and not before the last answer is here). Gives back what to call
  // when a hand has changed what is asked.
  function keepFresh(view, load) {
    let running = 0, loadedAt = -Infinity, isOld = true, timer = 0, due = 0;
    const isShown = () => document.body.dataset.view === view && !document.hidden;
    function ask() { // what changes together is asked for once
      isOld = true;
      if (isShown()) due ||= setTimeout(begin);
    }
    async function begin() {
      isOld = false;
      due = 0;
      running += 1;
      try { await load(); } finally { running -= 1; loadedAt = performance.now(); }
    }
    function moved() {
      isOld = true;
      if (timer || !isShown() || at !== NEWEST) return;
      timer = setTimeout(() => {
        timer = 0;
        if (running) moved();
        else if (isOld && at === NEWEST) ask();
      }, Math.max(running ? PACE : 0, loadedAt + PACE - performance.now()));
    }
    const resume = () => { if (isOld) ask(); };
    vm.on("now", moved);
    for (const topic of ["inside_at", "epoch", "model"]) vm.on(topic, ask);
    vm.on("view_shown", resume);
    document.addEventListener("visibilitychange", resume);
    dark.addEventListener("change", ask);
    return ask;
  }

  // Frames between two times, evenly spread: [{ seconds, image }]; none where the video cannot be read there.
  function frames(start, end, count) {
    const key = [vm.last.source?.key, start, end, count].join();
    const kept = pictures.get(key) ?? loadFrames(start, end, count, key);
    pictures.delete(key);
    pictures.set(key, kept);
    if (pictures.size > MAX_PICTURES) pictures.delete(pictures.keys().next().value);
    return kept;
  }
  async function loadFrames(start, end, count, key) {
    const asked = new URLSearchParams({ run: vm.run, start, end, count });
    const answer = await fetched(`inside/frames?${asked}`);
    if (!answer.frames) pictures.delete(key); // it may be there another time
    return Promise.all((answer.frames ?? []).map(async ({ seconds, jpeg }) => ({ seconds, image: await picture(jpeg) })));
  }
  async function picture(jpeg) {
    const image = new Image();
    image.src = `data:image/jpeg;base64,${jpeg}`;
    try { await image.decode(); } catch { /* it is drawn when it has loaded, or not at all */ }
    return image;
  }

  return { NEWEST, setAt, get, query, middle, theme, keepFresh, frames, get at() { return at; } };
})();
