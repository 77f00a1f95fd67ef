// Times, lengths of time and amounts of bytes, as people read them: as `vidmem/units.py` says them, and tested against it.

const two = (number) => String(number).padStart(2, "0");

// A tie goes to the even neighbour, as in Python.
function roundToEven(number) {
  const below = Math.floor(number);
  if (number - below !== 0.5) return Math.round(number);
  return below % 2 ? below + 1 : below;
}
// `toFixed` sends a tie upwards; everything that is no tie it rounds as Python does.
function fixed(number, digits) {
  const text = number.toFixed(digits);
  const [cut, rest] = [number.toFixed(40).slice(0, digits - 40), number.toFixed(40).slice(digits - 40)];
  const isTie = /^50*$/.test(rest);
  return isTie && Number(cut.at(-1)) % 2 === 0 ? cut : text;
}

// 96.7 -> "01:36": cut, not rounded; with tenths "01:36.7", from an hour on "01:02:03"
export function clock(seconds, { hasTenths = false } = {}) {
  const tenths = Math.max(0, hasTenths ? Math.trunc(seconds * 10 + 1e-6) : Math.trunc(seconds + 1e-6) * 10);
  const whole = Math.floor(tenths / 10);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  const text = whole >= 3600 ? `${two(Math.floor(whole / 3600))}:${rest}` : rest;
  return hasTenths ? `${text}.${tenths % 10}` : text;
}

// 2472.48 -> "41:12.480", with hours "00:41:12.480"; cut, not rounded, and with `isCut` to whole seconds
export function exactClock(seconds, { hasHours = false, isCut = false } = {}) {
  const milliseconds = Math.max(0, Math.trunc(seconds * 1000 + 1e-3));
  const whole = Math.floor(milliseconds / 1000);
  const text = `${hasHours && whole < 3600 ? "00:" : ""}${clock(whole)}`;
  return isCut ? text : `${text}.${String(milliseconds % 1000).padStart(3, "0")}`;
}

// 200 -> "3 min 20 s"
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Number(fixed(seconds, seconds < 1 ? 2 : 1))} s`;
  const whole = roundToEven(seconds);
  if (whole < 60) return `${whole} s`;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours) return minutes ? `${hours} h ${two(minutes)} min` : `${hours} h`;
  return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
}

// 11_200_000_000 -> "11.2 GB": in powers of ten, as disks count
export function fileSize(numBytes) {
  let left = numBytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (left < 1000) return `${fixed(left, unit === "B" ? 0 : 1)} ${unit}`;
    left /= 1000;
  }
  return `${fixed(left, 1)} TB`;
}

// How long ago, where room is short: "−2.4 s", "−12 s", "−3 min"
export function age(seconds) {
  if (seconds < 0.95) return `−${seconds.toFixed(1)} s`;
  if (seconds < 120) return `−${Math.round(seconds)} s`;
  if (seconds < 7200) return `−${Math.round(seconds / 60)} min`;
  return `−${(seconds / 3600).toFixed(1)} h`;
}

// "1:02:03", "12:34" or "75" -> seconds; null if it is none of them
export function parseClock(text) {
  if (text.trim() === "") return null;
  const parts = text.split(":").map((part) => Number(part.trim().replace(",", ".")));
  if (parts.length > 3 || parts.some((part) => !Number.isFinite(part) || part < 0)) return null;
  return parts.reduce((sum, part) => sum * 60 + part, 0);
}

// 0.123 -> "12 %", 0.0123 -> "1.2 %"
export function percent(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

// 1.5 -> "+1.50", with a true minus below 0
export function signed(value, digits = 2) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}
