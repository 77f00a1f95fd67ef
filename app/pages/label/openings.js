// States that are on: a key was pressed, and not again yet. The server has such a bout from the press on, one frame
// long; here it reaches to the playhead, and its end is written when the state ends, or the page is left.
//
// A bout is open as long as it is as it was written last. So the undo of its end opens it again.

import { keep, keptValue } from "../shared/kept.js";

const MAX_KEPT = 100; // of a video; the newest
const CONTINUOUS = 1; // seconds: a longer step of the playhead is a jump, and nothing was seen in between
const EVERY = 2000; // milliseconds between two writings of how far they reach

export function makeOpenings(store) {
  let records = []; // { behaviour, subject, start, end, id, reached }, the oldest first
  let open = [];
  let last = null; // where the playhead was; null: of this video nothing was seen yet
  let keptAt = 0;

  const place = () => `vidmem-label-open:${store.project}:${store.video}`;
  function keepAll() {
    keptAt = performance.now();
    keep(place(), JSON.stringify(records));
  }
  const isOf = (record, bout) => ["behaviour", "subject", "start", "end"].every((name) => record[name] === bout[name]);
  const recordOf = (bout) => records.find((one) => isOf(one, bout));

  function refresh() {
    const starts = new Set(records.map(({ start }) => start));
    open = starts.size ? store.bouts.filter((bout) => starts.has(bout.start) && recordOf(bout)) : [];
  }
  store.on("loaded", () => {
    last = null;
    records = keptValue(place()) ?? [];
    refresh();
  });
  store.on("changed", refresh);

  return {
    get all() {
      return open;
    },
    isOpen: (bout) => open.includes(bout) || open.some((one) => isOf(one, bout)),
    idOf: (bout) => recordOf(bout)?.id ?? "",
    // Those of an animal's axis.
    of: (subject, axis) => open.filter((one) => one.subject === subject && store.axes.get(one.behaviour) === axis),

    // A bout is open from now on, as the edit of an id wrote it.
    add({ behaviour, subject, start, end }, id) {
      records = [...records, { behaviour, subject, start, end, id, reached: start }].slice(-MAX_KEPT);
      keepAll();
      refresh();
    },
    // An open bout was written anew.
    move(old, { start, end }) {
      const record = recordOf(old);
      if (record) this.add({ ...record, start, end }, record.id);
    },

    // Up to where a bout goes, as it is drawn.
    endOf(bout, playhead) {
      return open.length && this.isOpen(bout) && playhead > bout.end ? playhead : bout.end;
    },
    // Up to where an open bout was watched.
    reachedBy(bout, playhead) {
      return Math.max(bout.end, playhead > bout.start ? playhead : (recordOf(bout)?.reached ?? 0));
    },
    // The playhead moved. Gives back the open bouts before whose start it went: they ended where they were left.
    follow(playhead) {
      const step = last === null ? 0 : playhead - last;
      last = playhead;
      if (!open.length) return [];
      if (step > 0 && step < CONTINUOUS) {
        for (const one of open) {
          const record = recordOf(one);
          if (record && playhead > record.reached) record.reached = playhead;
        }
        if (performance.now() - keptAt > EVERY) keepAll();
      }
      return step < 0 ? open.filter((one) => playhead < one.start) : [];
    },
  };
}
