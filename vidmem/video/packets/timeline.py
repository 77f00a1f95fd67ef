"""What a container says of times, turned into one time line: times of frames that only go forward.

    stored    0  1  2  97  4  5  6   0  1  2  3  63  64  65
    line      0  1  2   3  4  5  6   7  8  9 10  70  71  72
                        |            |           |
                     mended       restart      a hole of 59

- A few packets that leave the line and come back to it are mis-stamped: their times are mended.
- A clock that goes back was started again (joined recordings): times go on where they were.
- A clock that leaps ahead leaves a hole; times behind it stay as they are stored.
- Where packets do not say when their pictures are shown, the times of storing are dealt out in the
  order of showing.

Numbers in, numbers out: no file, no picture. Times are whole ticks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

MIN_HOLE_SECONDS = 1.0
MIN_HOLE_FRAMES = 20
"""A step is a hole beyond both: this time, and so many times nearly the longest usual step."""

USUAL_SHARE = 95
"""Percent of the steps between pictures that are usual ones."""

MOST_ROGUE_PACKETS = 16
"""In a row, that may be mis-stamped; more of them are a clock that was set."""

MOST_HOLE_SECONDS = 7 * 24 * 3600.0
"""Further ahead, a clock was set to another date: nobody waited so long for the next picture."""

MOST_REORDER = 17
"""H.264 and HEVC show a picture at most 16 pictures later than they store it."""

MIN_SHARE_OF_TIMES = 0.9
MOST_NOTES = 10
"""Mended times that are told one by one."""


@dataclass
class StoredTimes:
    """What packets say, in the order stored; ticks, `None` where they do not say."""

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True)
class Note:
    """Something about the line that people should know."""

    pts: int
    """Of the picture that it is about."""

    reason: str


@dataclass(frozen=True)
class Line:
    """Times of a stream's packets, in the order stored."""

    pts: np.ndarray
    """int64 `[N]`, ticks: when each packet's picture is shown."""

    durations: np.ndarray
    """int64 `[N]`, at least 1."""

    usual_duration: int
    hole_ticks: int
    """Longer steps between pictures are holes."""

    notes: tuple[Note, ...] = ()


def usual_step(steps: np.ndarray, default: int) -> int:
    """The step between most pictures, of the steps between any."""
    positive = steps[steps > 0]
    return max(1, int(np.median(positive))) if len(positive) else max(1, default)


def longest_usual_ticks(steps: np.ndarray, usual: int, tick_seconds: float) -> int:
    """Beyond this, a step between pictures is a hole."""
    positive = steps[steps > 0]
    long = np.percentile(positive, USUAL_SHARE, method="lower") if len(positive) else usual
    return max(round(MIN_HOLE_SECONDS / tick_seconds), MIN_HOLE_FRAMES * max(usual, int(long)))


def draw_line(
    stored: StoredTimes,
    *,
    tick_seconds: float,
    default_duration: int,
    ranks: np.ndarray | None = None,
) -> Line:
    """Turn what packets say into one line.

    Args:
        stored: What they say.
        tick_seconds: Length of a tick.
        default_duration: Of a picture, where nothing else says it.
        ranks: Places of the pictures in the order shown, where the times of packets cannot be
            relied on for that; int64 `[N]`.
    """
    clock = _clock_of(stored, ranks is not None)
    anchors = np.array([i for i, time in enumerate(clock) if time is not None], dtype=np.int64)
    raw = np.array([clock[i] for i in anchors], dtype=np.int64)
    counts = np.diff(anchors)
    usual = usual_step(np.diff(raw) // np.maximum(counts, 1), default_duration)
    limit = longest_usual_ticks(np.diff(raw) // np.maximum(counts, 1), usual, tick_seconds)
    walk = _Walk(raw, anchors, usual, limit, round(MOST_HOLE_SECONDS / tick_seconds))
    mended = walk.mended()
    times = _spread(mended, anchors, len(stored), usual)
    pts = _shown(stored, times, clock, usual, limit, ranks)
    durations = np.array(stored.durations, dtype=np.int64)
    # Matroska files may give every packet a made-up duration of one tick; others none, or absurd.
    durations = np.where((durations < usual // 4) | (durations > limit), usual, durations)
    steps = np.diff(np.unique(pts))
    return Line(
        pts,
        np.maximum(durations, 1),
        usual,
        longest_usual_ticks(steps, usual, tick_seconds),
        tuple(_few([Note(int(pts[number]), reason) for number, reason in walk.notes])),
    )


def _clock_of(stored: StoredTimes, is_reordered: bool) -> list[int | None]:
    """The time that goes forward from packet to packet: that of decoding, where there is one."""
    num_dts = sum(time is not None for time in stored.dts)
    if num_dts >= MIN_SHARE_OF_TIMES * len(stored) or (is_reordered and num_dts):
        return stored.dts
    known = [time for time in stored.pts if time is not None]
    is_forward = all(earlier <= later for earlier, later in pairwise(known))
    if num_dts and not is_forward:
        return stored.dts
    return [dts if pts is None else pts for pts, dts in zip(stored.pts, stored.dts, strict=True)]


class _Walk:
    """Goes along the stored times and puts right what leaves the line."""

    def __init__(
        self, raw: np.ndarray, anchors: np.ndarray, usual: int, limit: int, farthest: int
    ) -> None:
        self._raw: list[int] = raw.tolist()
        self._places: list[int] = anchors.tolist()
        self._usual, self._limit, self._farthest = usual, limit, farthest
        self._line: list[int] = self._raw[:1]
        self._offset = 0
        self.notes: list[tuple[int, str]] = []
        """Numbers of packets, and what there is to say of each."""

    def mended(self) -> np.ndarray:
        """Times that only go forward, int64."""
        raw, line = self._raw, self._line
        last = 0  # the last one that is on the line by its own time
        if len(raw) > 3 and not self._follows(0, 1) and self._follows(1, 2) and self._follows(2, 3):
            # The first one alone is off: what comes behind it agrees.
            line[0] = raw[1] - self._usual * self._count(0, 1)
            line.append(raw[1])
            self._note(0, _MENDED)
            last = 1
        i = len(line)
        while i < len(raw):
            if self._follows(last, i):
                line.append(raw[i] + self._offset)
                last, i = i, i + 1
                continue
            back = self._comes_back(last, i)
            if back:
                self._interpolate(last, i, back)
                last, i = back, back + 1
            elif self._is_alone(i):
                line.append(self._expected(last, i))
                self._note(i, _MENDED)
                i += 1
            else:
                self._jump(last, i)
                last, i = i, i + 1
        return np.array(line, dtype=np.int64)

    def _count(self, i: int, j: int) -> int:
        return self._places[j] - self._places[i]

    def _expected(self, last: int, i: int) -> int:
        return self._line[last] + self._usual * self._count(last, i)

    def _follows(self, i: int, j: int) -> bool:
        step, count = self._raw[j] - self._raw[i], self._count(i, j)
        return 0 < step <= self._limit + (count - 1) * self._usual

    def _is_near(self, i: int, j: int) -> bool:
        """Whether a later one is about where it should be."""
        step, wanted = self._raw[j] - self._raw[i], self._usual * self._count(i, j)
        return step > 0 and abs(step - wanted) <= max(2 * self._usual, wanted // 4)

    def _comes_back(self, last: int, i: int) -> int:
        """The first one behind `i` that goes on from `last`; 0: there is none near."""
        end = min(i + 1 + MOST_ROGUE_PACKETS, len(self._raw))
        near = next((j for j in range(i + 1, end) if self._is_near(last, j)), 0)
        # At a varying rate nothing is expected anywhere; one packet that is off can still be told.
        if not near and i + 1 < end and self._follows(last, i + 1):
            near = i + 1
        return near

    def _is_alone(self, i: int) -> bool:
        """Whether what comes behind agrees neither with this one: it is off, or nothing follows."""
        raw = self._raw
        if i + 1 >= len(raw):
            return True
        if self._follows(i, i + 1):
            return False
        return i + 2 >= len(raw) or self._follows(i + 1, i + 2)

    def _interpolate(self, last: int, i: int, back: int) -> None:
        first, end = self._line[last], self._raw[back] + self._offset
        for j in range(i, back):
            share = self._count(last, j) / self._count(last, back)
            self._line.append(first + round((end - first) * share))
            self._note(j, _MENDED)
        self._line.append(end)

    def _jump(self, last: int, i: int) -> None:
        step = self._raw[i] - self._raw[last]
        if 0 < step <= self._farthest:
            self._line.append(self._raw[i] + self._offset)  # a hole, told where pictures are read
            return
        self._line.append(self._expected(last, i))
        self._offset = self._line[i] - self._raw[i]
        self._note(i, _RESTART if step <= 0 else _SET)

    def _note(self, i: int, reason: str) -> None:
        self.notes.append((self._places[i], reason))


_MENDED = "the time stored for this picture was wrong, and has been mended"
_RESTART = "the stored times begin again here, as in joined recordings; the run's times go on"
_SET = "the stored times leap to another date here; the run's times go on"


def _few(notes: list[Note]) -> list[Note]:
    mended = [note for note in notes if note.reason == _MENDED]
    if len(mended) <= MOST_NOTES:
        return notes
    last = mended[MOST_NOTES - 1].pts
    kept = [note for note in notes if note.reason != _MENDED or note.pts <= last]
    number = len(mended) - MOST_NOTES
    kept.append(Note(mended[MOST_NOTES].pts, f"{_MENDED}, and so were {number - 1} further ones"))
    return sorted(kept, key=lambda note: note.pts)


def _spread(line: np.ndarray, anchors: np.ndarray, num_packets: int, usual: int) -> np.ndarray:
    """Times of all packets, from those of some."""
    places = np.arange(num_packets)
    if not len(anchors):
        return places * usual
    times = np.round(np.interp(places, anchors, line)).astype(np.int64)
    first, last = int(anchors[0]), int(anchors[-1])
    times[:first] = line[0] - usual * (first - places[:first])
    times[last + 1 :] = line[-1] + usual * (places[last + 1 :] - last)
    return times


def _shown(
    stored: StoredTimes,
    times: np.ndarray,
    clock: list[int | None],
    usual: int,
    limit: int,
    ranks: np.ndarray | None,
) -> np.ndarray:
    """When pictures are shown, from when they are decoded."""
    num_packets = len(stored)
    if ranks is not None:
        return np.sort(times)[ranks]
    return np.array(
        [
            _moved(stored.pts[i], clock[i : i + MOST_REORDER + 1], int(times[i]), usual, limit)
            if clock[i] is not None
            else _between(stored.pts[i], times, i, usual)
            for i in range(num_packets)
        ],
        dtype=np.int64,
    )


def _moved(pts: int | None, clocks: list[int | None], time: int, usual: int, limit: int) -> int:
    """A time of showing on the line, where it agrees with times of decoding; else that."""
    clock = clocks[0]
    if pts is None or clock is None:
        return time
    ahead = pts - clock
    # Behind a hole FFmpeg's times of decoding lag, and catch up within the reordering.
    latest = max(one for one in clocks if one is not None) + MOST_REORDER * usual
    is_near = ahead <= max(MOST_REORDER * usual, limit) or pts <= latest
    return time + ahead if ahead >= -2 * usual and is_near else time


def _between(pts: int | None, times: np.ndarray, i: int, usual: int) -> int:
    """A time of showing without one of decoding: where it lies between the neighbours'."""
    time = int(times[i])
    if pts is None:
        return time
    earliest = int(times[i - 1]) if i else pts
    latest = int(times[i + 1]) + MOST_REORDER * usual if i + 1 < len(times) else pts
    return pts if earliest - 2 * usual <= pts <= latest else time
