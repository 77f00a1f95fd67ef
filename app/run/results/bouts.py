"""Bouts of a run so far: exact over days, and counted anew for another filter or a second pass."""

from __future__ import annotations

import copy
import threading
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from vidmem.streaming import BoutTracker, ClassBout, ClassTotal

MAX_STRETCHES = 20_000
SAME_INSTANT_SECONDS = 1e-6
"""Ends and starts of windows that touch differ by rounding."""


@dataclass(frozen=True, kw_only=True)
class BoutFacts:
    """What the page shows of the bouts."""

    totals: tuple[ClassTotal, ...]
    """One per column; the bout that is going on is counted as it is now."""

    shortest_seconds: float | None
    """Of the bouts between others; `None` before there is one."""

    settled_seconds: float
    """Before this time of the video bouts stay as they were counted; 0: all can be counted anew."""


@dataclass(frozen=True)
class _Stretch:
    """A time of one label, unfiltered; a hole of up to `bridge` before it does not interrupt it."""

    start: float
    end: float
    column: int
    bridge: float

    def continues(self, before: _Stretch) -> bool:
        """Whether it is one run with the stretch before it."""
        hole = self.start - before.end
        return self.column == before.column and hole <= self.bridge + SAME_INSTANT_SECONDS


@dataclass
class _Tally:
    tracker: BoutTracker
    shortest_seconds: float = field(default=float("inf"))

    def add(self, stretch: _Stretch) -> None:
        self.tracker.bridge_seconds = stretch.bridge
        is_first = self.tracker.num_bouts == 0
        for bout in self.tracker.add_stretch(_as_bout(stretch)):
            if not is_first:  # that one may have begun before the video
                self.shortest_seconds = min(self.shortest_seconds, bout.num_seconds)

    def split(self) -> _Tally:
        # A copy to go on counting with: what a tracker has counted cannot be taken back.
        return replace(self, tracker=copy.deepcopy(self.tracker))


class BoutBook:
    """Runs of one label in order of their time in the video, and the bouts that they make.

    A later pass over the same time replaces the earlier one. Beyond `max_stretches` the
    older half is counted for good, with the filter of that moment: a day of flicker stays bounded.
    The engine's thread adds, the page's requests read.
    """

    def __init__(self, num_columns: int, max_stretches: int = MAX_STRETCHES) -> None:
        self._max_stretches, self._num_columns = max_stretches, num_columns
        self._lock = threading.Lock()
        self._stretches: list[_Stretch] = []
        self._settled = _Tally(BoutTracker(num_columns, max_bouts=1))
        self._settled_seconds = 0.0
        self._min_bout_seconds = 0.0
        self._counted, self._num_counted = self._settled.split(), 0

    def add(self, start: float, end: float, column: int, bridge: float) -> None:
        """Add a moment; a hole of up to `bridge` seconds before it ends no bout."""
        with self._lock:
            start = max(start, self._settled_seconds)  # before that all is counted for good
            if end - start <= SAME_INSTANT_SECONDS:
                return
            self._insert(_Stretch(start, end, column, bridge))
            if len(self._stretches) > self._max_stretches:
                self._settle(len(self._stretches) // 2)

    def _insert(self, new: _Stretch) -> None:
        stretches = self._stretches
        first = bisect_left(stretches, new.start + SAME_INSTANT_SECONDS, key=lambda s: s.end)
        last = bisect_left(stretches, new.end - SAME_INSTANT_SECONDS, key=lambda s: s.start)
        # Of the stretches that it overlaps, what lies outside it stays.
        pieces = [new]
        if first < last and stretches[first].start < new.start - SAME_INSTANT_SECONDS:
            pieces.insert(0, replace(stretches[first], end=new.start))
        if first < last and stretches[last - 1].end > new.end + SAME_INSTANT_SECONDS:
            pieces.append(replace(stretches[last - 1], start=new.end))
        # With the neighbours on both sides, which it may join.
        if first > 0:
            first -= 1
            pieces.insert(0, stretches[first])
        if last < len(stretches):
            pieces.append(stretches[last])
            last += 1
        stretches[first:last] = _joined(pieces)
        if first < self._num_counted:
            self._count_anew()

    def _settle(self, count: int) -> None:
        """Count the oldest stretches for good."""
        self._settled.tracker.min_bout_seconds = self._min_bout_seconds
        for stretch in self._stretches[:count]:
            self._settled.add(stretch)
        self._settled_seconds = self._stretches[count - 1].end
        del self._stretches[:count]
        self._count_anew()

    def _count_anew(self) -> None:
        self._counted, self._num_counted = self._settled.split(), 0
        self._counted.tracker.min_bout_seconds = self._min_bout_seconds

    def listed(self, min_bout_seconds: float = 0.0) -> ListedBouts:
        """All bouts in order; those shorter than `min_bout_seconds` join their neighbours."""
        with self._lock:
            stretches, since = list(self._stretches), self._settled_seconds
        tracker = BoutTracker(self._num_columns)
        tracker.min_bout_seconds = min_bout_seconds
        bouts = []
        for stretch in stretches:
            tracker.bridge_seconds = stretch.bridge
            bouts += tracker.add_stretch(_as_bout(stretch))
        return ListedBouts((*bouts, *tracker.flush()), since)

    def facts(self, min_bout_seconds: float = 0.0) -> BoutFacts:
        """Count; bouts shorter than `min_bout_seconds` join their neighbours."""
        with self._lock:
            if min_bout_seconds != self._min_bout_seconds:
                self._min_bout_seconds = min_bout_seconds
                self._count_anew()
            # The newest stretch may still grow, and what was counted is not taken back.
            for stretch in self._stretches[self._num_counted : -1]:
                self._counted.add(stretch)
            self._num_counted = max(self._num_counted, len(self._stretches) - 1)
            now = self._counted.split()
            for stretch in self._stretches[self._num_counted :]:
                now.add(stretch)
            now.tracker.flush()
            shortest = now.shortest_seconds
            return BoutFacts(
                totals=tuple(now.tracker.totals),
                shortest_seconds=shortest if shortest < float("inf") else None,
                settled_seconds=self._settled_seconds,
            )


@dataclass(frozen=True)
class ListedBouts:
    """Bouts by their times."""

    bouts: tuple[ClassBout, ...]
    since_seconds: float
    """Before this time they were counted for good, and their times are not kept any more."""


def _joined(stretches: list[_Stretch]) -> list[_Stretch]:
    joined = stretches[:1]
    for stretch in stretches[1:]:
        if stretch.continues(joined[-1]):
            joined[-1] = replace(joined[-1], end=stretch.end)
        else:
            joined.append(stretch)
    return joined


def _as_bout(stretch: _Stretch) -> ClassBout:
    return ClassBout(
        start_seconds=stretch.start, end_seconds=stretch.end, class_index=stretch.column
    )
