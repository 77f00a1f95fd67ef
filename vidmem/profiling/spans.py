"""Rows of numbers over time, in room that does not grow: the older, the coarser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

YOUNG_SECONDS = 120.0
"""Up to this age, time is kept about equally fine."""


@dataclass(frozen=True)
class Spans:
    """Stretches of time, oldest first, and the samples of each; NaN where there was no figure."""

    start_seconds: NDArray[np.float64]
    """`[N]`: the first sample in each."""

    end_seconds: NDArray[np.float64]
    """`[N]`: the last sample in each."""

    mean_seconds: NDArray[np.float64]
    """`[N]`: of the samples' times, so that a mean lies where its time does."""

    num_samples: NDArray[np.int64]
    """`[N]`."""

    mean: NDArray[np.float64]
    """`[N, columns]`."""

    low: NDArray[np.float64]
    """`[N, columns]`: the least."""

    high: NDArray[np.float64]
    """`[N, columns]`: the greatest."""

    def __len__(self) -> int:
        return len(self.start_seconds)

    def joined(self, max_spans: int) -> Spans:
        """Neighbours joined into at most so many spans of about equal length, for a picture."""
        if len(self) <= max_spans:
            return self
        edges = np.linspace(self.start_seconds[0], self.end_seconds[-1], max_spans + 1)
        bins = np.searchsorted(edges, self.mean_seconds, side="right")
        first = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        last = np.append(first[1:], len(self)) - 1
        num_samples = np.add.reduceat(self.num_samples, first)
        weights = np.where(np.isnan(self.mean), 0, self.num_samples[:, None])
        sums = np.add.reduceat(np.nan_to_num(self.mean) * weights, first)
        known = np.add.reduceat(weights, first)
        mean = np.full(sums.shape, np.nan)
        np.divide(sums, known, out=mean, where=known > 0)
        seconds = np.add.reduceat(self.mean_seconds * self.num_samples, first) / num_samples
        return Spans(
            start_seconds=self.start_seconds[first],
            end_seconds=self.end_seconds[last],
            mean_seconds=seconds,
            num_samples=num_samples,
            mean=mean,
            low=np.fmin.reduceat(self.low, first),
            high=np.fmax.reduceat(self.high, first),
        )


class SpanStore:
    """Takes samples one by one, and holds a fixed number of spans.

    A sample joins the newest span while that is shorter than `spacing_seconds`. When there are too
    many spans, those two neighbours join whose joint length is least beside their age: minutes stay
    fine while hours grow coarse, and however long it goes on, no least or greatest value is lost.
    """

    def __init__(
        self, num_columns: int, *, max_spans: int = 600, spacing_seconds: float = 1.0
    ) -> None:
        if num_columns < 1 or max_spans < 2 or spacing_seconds < 0:
            raise ValueError(
                "a store needs at least 1 column and 2 spans, and a spacing of at least 0 s, got "
                f"{num_columns}, {max_spans} and {spacing_seconds}"
            )
        self._spacing_seconds, self._size = spacing_seconds, 0
        rows, cells = max_spans + 1, (max_spans + 1, num_columns)
        self._times = np.zeros((rows, 3))  # first, last, sum
        self._num_samples = np.zeros(rows, dtype=np.int64)
        self._counts = np.zeros(cells, dtype=np.int64)
        self._sums = np.zeros(cells)
        self._lows, self._highs = np.full(cells, np.nan), np.full(cells, np.nan)

    def __len__(self) -> int:
        return self._size

    @property
    def num_bytes(self) -> int:
        """Bytes that the store holds: the same, however many samples were added."""
        return sum(array.nbytes for array in self._arrays)

    @property
    def _arrays(self) -> tuple[NDArray, ...]:
        return (
            self._times,
            self._num_samples,
            self._counts,
            self._sums,
            self._lows,
            self._highs,
        )

    def add(self, seconds: float, row: Sequence[float]) -> None:
        """Take a sample; NaN where a figure is not known.

        Raises:
            ValueError: If it is older than the newest one.
        """
        if self._size and seconds < self._times[self._size - 1, 1]:
            newest = self._times[self._size - 1, 1]
            raise ValueError(f"samples come in order: {seconds:g} s is before {newest:g} s")
        values = np.asarray(row, dtype=np.float64)
        self._put(self._size, seconds, values)
        self._size += 1
        if self._size > 1:
            first = self._times[self._size - 2, 0]
            if seconds - first < self._spacing_seconds:
                self._join(self._size - 2)
        if self._size > len(self._times) - 1:
            self._join(self._cheapest(seconds))

    def view(self) -> Spans:
        """The spans so far, as a copy."""
        rows = slice(0, self._size)
        counts = self._counts[rows]
        mean = np.full(counts.shape, np.nan)
        np.divide(self._sums[rows], counts, out=mean, where=counts > 0)
        num_samples = self._num_samples[rows].copy()
        return Spans(
            start_seconds=self._times[rows, 0].copy(),
            end_seconds=self._times[rows, 1].copy(),
            mean_seconds=self._times[rows, 2] / np.maximum(num_samples, 1),
            num_samples=num_samples,
            mean=mean,
            low=self._lows[rows].copy(),
            high=self._highs[rows].copy(),
        )

    def _put(self, at: int, seconds: float, values: NDArray[np.float64]) -> None:
        is_known = ~np.isnan(values)
        self._times[at] = seconds
        self._num_samples[at] = 1
        self._counts[at] = is_known
        self._sums[at] = np.where(is_known, values, 0.0)
        self._lows[at] = self._highs[at] = values

    def _cheapest(self, now: float) -> int:
        """The first of the two neighbours whose joint length is least for their age."""
        times = self._times[: self._size]
        length = times[1:, 1] - times[:-1, 0]
        age = now - times[:-1, 0]
        return int(np.argmin(length / (age + YOUNG_SECONDS)))

    def _join(self, at: int) -> None:
        """Make one of a span and the next."""
        after = at + 1
        self._times[at, 1] = self._times[after, 1]
        self._times[at, 2] += self._times[after, 2]
        for array in (self._num_samples, self._counts, self._sums):
            array[at] += array[after]
        np.fmin(self._lows[at], self._lows[after], out=self._lows[at])
        np.fmax(self._highs[at], self._highs[after], out=self._highs[at])
        for array in self._arrays:
            array[after : self._size - 1] = array[after + 1 : self._size]
        self._size -= 1
