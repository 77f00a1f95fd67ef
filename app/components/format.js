// Numbers as people read them.
Object.assign(window.vidmem, (() => {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");

  // 754.3 -> "12:34"; with hours where the video has them, with tenths where it is short
  function clock(seconds, total = 0, tenths = false) {
    const whole = Math.max(0, tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds + 1e-6));
    const hours = Math.floor(whole / 3600);
    const rest = `${two((whole % 3600) / 60)}:${two(whole % 60)}`;
    const text = hours || total >= 3600 ? `${two(hours)}:${rest}` : rest;
    return tenths ? `${text}.${Math.round((whole % 1) * 10) % 10}` : text;
  }
  // 200 -> "3 min 20 s"
  function span(seconds) {
    if (!Number.isFinite(seconds)) return "–";
    if (seconds < 10) return `${+seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    const hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60), rest = whole % 60;
    if (hours) return minutes ? `${hours} h ${two(minutes)} min` : `${hours} h`;
    return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  }
  function bytes(count) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let power = 0;
    while (count >= 1000 && power < 4) { count /= 1000; power += 1; }
    return `${count >= 100 || power === 0 ? Math.round(count) : count.toFixed(1)} ${units[power]}`;
  }
  function age(seconds) {
    if (seconds < 0.95) return `−${seconds.toFixed(1)} s`;
    if (seconds < 120) return `−${Math.round(seconds)} s`;
    if (seconds < 7200) return `−${Math.round(seconds / 60)} min`;
    return `−${(seconds / 3600).toFixed(1)} h`;
  }
  function parseClock(text) {
    const parts = text.trim().split(":").map((part) => Number(part.replace(",", ".")));
    if (!parts.length || parts.length > 3 || parts.some((part) => !Number.isFinite(part) || part < 0)) return null;
    return text.trim() === "" ? null : parts.reduce((sum, part) => sum * 60 + part, 0);
  }
  // words.remembers = "remembers the last {span}" -> fill("remembers", { span: "3 min" })
  function fill(key, values = {}) {
    return window.vidmem.words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }
  function colour(index) {
    return index < 0 ? "var(--dim)" : `var(--c${index % 12})`;
  }
  function paint(index) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--c${index % 12}`).trim();
  }
  function token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }
  function download([address, name]) {
    const link = document.createElement("a");
    link.href = address;
    link.download = link.textContent = name;
    return link;
  }
  function isTyping(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }
  // Runs at most once per animation frame, however often it is asked.
  function perFrame(draw) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    };
  }
  return { clock, span, bytes, age, parseClock, fill, colour, paint, token, download, isTyping, perFrame };
})());
