"""All predictions of a run as they are drawn: in order of time, in bounded memory, in buckets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from vidmem.models import CardAxis

MAX_POINTS = 50_000
MAX_BUCKETS = 1_500
MAX_COLUMNS = 12
RECENT_POINTS = 2_000
OTHER = "other"

_Row = tuple[tuple[float, float], int, np.ndarray, bool]
"""Start and end, column, values, and whether it is final."""


@dataclass(frozen=True)
class Point:
    """A prediction's place on the timeline; half open, in seconds."""

    number: int
    start: float
    end: float
    column: int
    values: bytes
    """One per column, 0 to 255 for probabilities from 0 to 1."""

    is_final: bool
    """Whether it stays as it is."""


@dataclass(frozen=True, kw_only=True)
class LabelAt:
    """What was predicted at a time."""

    column: int
    probability: float
    is_final: bool

    others: tuple[tuple[int, float], ...] = ()
    """Column and probability on each further axis."""


class Columns:
    """Which classes have a row: all where they are few, else those seen first, then `other`.

    Of a model of several axes with many classes, only those of the first axis have one.
    """

    def __init__(self, class_names: Sequence[str], axes: Sequence[CardAxis] = ()) -> None:
        self.class_names, self.axes = tuple(class_names), tuple(axes)
        self._has_all = len(class_names) <= MAX_COLUMNS
        self._num_shown = len(class_names)
        if axes and not self._has_all:
            self._num_shown = len(axes[0].class_names)
        is_few = self._num_shown <= MAX_COLUMNS
        self._classes = list(range(self._num_shown)) if is_few else []

    @property
    def of_axes(self) -> list[list[int]]:
        """The rows of each axis whose classes all have one, if there are several."""
        if not self._has_all:
            return []
        ends = list(accumulate(len(axis.class_names) for axis in self.axes))
        return [list(range(first, end)) for first, end in pairwise([0, *ends])]

    @property
    def names(self) -> list[str]:
        """The label of each row, top first."""
        names = [self.class_names[index] for index in self._classes]
        return [*names, OTHER] if self._has_other else names

    @property
    def _has_other(self) -> bool:
        return self._num_shown > MAX_COLUMNS and len(self._classes) == MAX_COLUMNS - 1

    def column_of(self, class_index: int) -> int:
        """The row of a class; a class of a large model gets one when it is first seen on top."""
        if class_index in self._classes:
            return self._classes.index(class_index)
        if self._has_other:
            return MAX_COLUMNS - 1
        self._classes.append(class_index)
        return len(self._classes) - 1

    def known(self, class_index: int) -> int:
        """The row of a class that has one, else that of `other`, else -1."""
        if class_index in self._classes:
            return self._classes.index(class_index)
        return MAX_COLUMNS - 1 if self._has_other else -1

    def values(self, probabilities: Sequence[float]) -> np.ndarray:
        """The probabilities by row, as bytes; `other` holds what the named rows leave."""
        row = np.zeros(MAX_COLUMNS, dtype=np.uint8)
        shown = [probabilities[index] for index in self._classes]
        if self._has_other:
            shown.append(max(0.0, 1.0 - sum(shown)))
        row[: len(shown)] = np.round(np.clip(shown, 0, 1) * 255)
        return row


class Timeline:
    """The points of a run. The engine's thread adds, the page's requests read."""

    def __init__(
        self,
        class_names: Sequence[str],
        max_points: int = MAX_POINTS,
        columns: Columns | None = None,
    ) -> None:
        self.columns = Columns(class_names) if columns is None else columns
        self._max_points = max_points
        self._lock = threading.Lock()
        self._size = 0
        self._times = np.zeros((256, 2))
        self._labels = np.zeros(256, dtype=np.int16)
        self._values = np.zeros((256, MAX_COLUMNS), dtype=np.uint8)
        self._is_final = np.zeros(256, dtype=bool)
        self._recent: deque[Point] = deque(maxlen=RECENT_POINTS)
        self._next_number = 0

    def __len__(self) -> int:
        return self._size

    @property
    def newest_number(self) -> int:
        """Of the point added last; -1 before the first."""
        return self._next_number - 1

    @property
    def end_seconds(self) -> float:
        """Where the latest point in the video ends; 0 without one."""
        with self._lock:
            return float(self._times[self._size - 1, 1]) if self._size else 0.0

    def add(
        self,
        start: float,
        end: float,
        class_index: int,
        probabilities: Sequence[float],
        *,
        is_final: bool = True,
    ) -> None:
        """Add a prediction; it replaces what was predicted of the same time before.

        An equal one adds nothing: what is provisional is judged anew with every clip, and pages
        would be sent a point each time.
        """
        with self._lock:
            column = self.columns.column_of(class_index)
            values = self.columns.values(probabilities)
            first, last = self._overlapped(start, end)
            row = ((start, end), column, values, is_final)
            if last - first == 1 and self._is_same(first, row):
                return
            self._replace(first, last, row)
            if self._size > self._max_points:
                self._coarsen()
            number = self._next_number
            self._next_number += 1
            self._recent.append(Point(number, start, end, column, values.tobytes(), is_final))

    def _overlapped(self, start: float, end: float) -> tuple[int, int]:
        times = self._times[: self._size]
        if not self._size or times[-1, 1] <= start + 1e-6:  # at the end, as nearly always
            return self._size, self._size
        # By their middles: a point that only touches the new one, but for rounding, stays.
        middles = times.mean(axis=1)
        return int(np.searchsorted(middles, start)), int(np.searchsorted(middles, end))

    def _is_same(self, place: int, row: _Row) -> bool:
        return (
            np.allclose(self._times[place], row[0], rtol=0, atol=1e-6)
            and (self._labels[place], self._is_final[place]) == (row[1], row[3])
            and np.array_equal(self._values[place], row[2])
        )

    def _replace(self, first: int, last: int, row: _Row) -> None:
        size = self._size - (last - first) + 1
        while size > len(self._labels):  # doubled, so that adding stays cheap
            self._times, self._labels, self._values, self._is_final = (
                np.concatenate([a, np.zeros_like(a)])
                for a in (self._times, self._labels, self._values, self._is_final)
            )
        arrays = (self._times, self._labels, self._values, self._is_final)
        for array, value in zip(arrays, row, strict=True):
            # A copy, since source and target overlap.
            array[first + 1 : size] = array[last : self._size].copy()
            array[first] = value
        self._size = size

    def _coarsen(self) -> None:
        """Join neighbours two by two in the older half: the label of the longer, the mean value."""
        # What is provisional will be replaced one by one, so it is left alone, and all after it.
        provisional = np.flatnonzero(np.logical_not(self._is_final[: self._size]))
        whole = min(self._size // 2, int(provisional[0]) if len(provisional) else self._size)
        half = whole // 2 * 2
        times, labels = self._times[:half].reshape(-1, 2, 2), self._labels[:half].reshape(-1, 2)
        lengths = times[:, :, 1] - times[:, :, 0]
        longer = lengths.argmax(axis=1)
        joined_values = (
            self._values[:half].reshape(-1, 2, MAX_COLUMNS).mean(axis=1).astype(np.uint8)
        )
        joined_times = np.stack([times[:, 0, 0], times[:, 1, 1]], axis=1)
        joined_labels = labels[np.arange(half // 2), longer]
        kept = self._size - half
        for array, joined in (
            (self._times, joined_times),
            (self._labels, joined_labels),
            (self._values, joined_values),
            (self._is_final, np.ones(half // 2, dtype=bool)),
        ):
            rest = array[half : self._size].copy()
            array[: half // 2] = joined
            array[half // 2 : half // 2 + kept] = rest
        self._size = half // 2 + kept

    def since(self, number: int) -> list[Point] | None:
        """Points newer than `number`; `None` where some of them are not kept any more."""
        with self._lock:
            if self._recent and self._recent[0].number > number + 1:
                return None
            return [point for point in self._recent if point.number > number]

    def range(self, start: float, end: float, num_buckets: int = MAX_BUCKETS) -> dict:
        """What the page draws between two times, in at most `num_buckets` pieces: plain lists."""
        with self._lock:
            times = self._times[: self._size]
            first = int(np.searchsorted(times[:, 1], start, side="right"))
            last = int(np.searchsorted(times[:, 0], end, side="left"))
            num_columns = len(self.columns.names)
            times, labels = times[first:last].copy(), self._labels[first:last].copy()
            values = self._values[first:last, :num_columns].copy()
            is_final = self._is_final[first:last].copy()
            through = self._next_number - 1
        buckets = _buckets(times, labels, values, is_final, max(1, num_buckets))
        return {"through": through, **buckets}

    def mean_probability(self, column: int, start: float, end: float) -> float:
        """Of a class between two times, weighed by how long each point lasts; 0 without points."""
        with self._lock:
            times = self._times[: self._size]
            lasts = np.minimum(times[:, 1], end) - np.maximum(times[:, 0], start)
            inside = lasts > 0
            if column < 0 or not inside.any():
                return 0.0
            values = self._values[: self._size][inside, column] / 255
            return float(np.average(values, weights=lasts[inside]))

    def at(self, seconds: float) -> LabelAt | None:
        """What was predicted at a time; `None` where nothing was."""
        with self._lock:
            times = self._times[: self._size]
            place = int(np.searchsorted(times[:, 1], seconds, side="right"))
            if place >= self._size or times[place, 0] > seconds + 1e-6:
                return None
            column = int(self._labels[place])
            return LabelAt(
                column=column,
                probability=float(self._values[place, column]) / 255,
                is_final=bool(self._is_final[place]),
                others=tuple(
                    (best, float(self._values[place, best]) / 255)
                    for rows in self.columns.of_axes[1:]
                    for best in [max(rows, key=self._values[place].__getitem__)]
                ),
            )


def _buckets(
    times: np.ndarray,
    labels: np.ndarray,
    values: np.ndarray,
    is_final: np.ndarray,
    num_buckets: int,
) -> dict:
    """Neighbouring points joined, so that no more than `num_buckets` are left."""
    # A provisional point is a bucket of its own: what replaces it replaces nothing else.
    num_alone = int(np.count_nonzero(~is_final))
    # Three are spared, since provisional points cut the groups on both sides of them.
    room = num_buckets - num_alone - 3 if num_alone else num_buckets
    group = -(-(len(labels) - num_alone) // max(1, room))
    if group > 1:
        is_edge = np.arange(len(labels)) % group == 0
        is_edge |= ~is_final
        is_edge[1:] |= ~is_final[:-1]
        edges = np.flatnonzero(is_edge)
        lasts = np.append(edges[1:], len(labels)) - 1
        sums = np.add.reduceat(values.astype(np.uint32), edges, axis=0)
        values = sums // (lasts - edges + 1)[:, None]
        times = np.stack([times[edges, 0], times[lasts, 1]], axis=1)
        labels = np.array(
            [np.bincount(labels[a : b + 1]).argmax() for a, b in zip(edges, lasts, strict=True)]
        )
        is_final = is_final[edges]
    return {
        "start": np.round(times[:, 0], 3).tolist(),
        "end": np.round(times[:, 1], 3).tolist(),
        "column": labels.tolist(),
        "values": values.tolist(),
        "provisional": np.flatnonzero(~is_final).tolist(),
    }
