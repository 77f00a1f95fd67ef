// Times by the clock on the wall where a recording was made, from the start of the recording and the time of the video.

const two = (number) => String(number).padStart(2, "0");

// A start in ISO 8601 as a place in milliseconds, by its own clock: an offset from UTC, if any, is left aside, since what
// counts is what the clock on the wall showed.
function wallMilliseconds(start) {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)/.exec(start) ?? [];
  return date ? Date.parse(`${date}T${time}Z`) : Number.NaN;
}

const momentAt = (start, seconds) => new Date(wallMilliseconds(start) + Math.floor(seconds * 1000 + 1e-6));

// ("2026-05-03T02:14:36", 41.5) -> "2026-05-03 02:15:17"; "" if there is no such time
export function wallClock(start, seconds) {
  const when = momentAt(start, seconds);
  if (Number.isNaN(when.getTime())) return "";
  const date = `${when.getUTCFullYear()}-${two(when.getUTCMonth() + 1)}-${two(when.getUTCDate())}`;
  return `${date} ${wallTime(start, seconds)}`;
}
// ("2026-05-03T02:14:36", 41.5) -> "02:15:17", with tenths "02:15:17.5"
export function wallTime(start, seconds, { hasTenths = false } = {}) {
  const when = momentAt(start, seconds);
  const text = [when.getUTCHours(), when.getUTCMinutes(), when.getUTCSeconds()].map(two).join(":");
  return hasTenths ? `${text}.${Math.floor(when.getUTCMilliseconds() / 100)}` : text;
}
export const clockStart = (start) => wallClock(start, 0);
