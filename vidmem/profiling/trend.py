"""How fast something grows: Theil-Sen's slope, which a few outliers do not move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.units import MIB, mebibytes

MAX_BINS = 200
FLAT_MIB_PER_HOUR = 1.0
"""A slope below it, either way, is called flat."""

EARLY_SECONDS = 600.0
"""In less time than that a single step of 1 MiB would read as more than 6 MiB per hour."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """How memory grew over a stretch of time: Theil-Sen, the median of the slopes of all pairs."""

    bytes_per_hour: float

    bytes_per_video_hour: float | None
    """Per hour of video that was judged meanwhile; `None` where none was."""

    from_seconds: float
    """Where the warm-up ends."""

    to_seconds: float

    low_bytes: float
    """The least in that time."""

    high_bytes: float
    """The greatest in that time."""

    at_start_bytes: float
    """The line itself, where it begins."""

    @property
    def num_seconds(self) -> float:
        """Length of the stretch that the slope is of."""
        return self.to_seconds - self.from_seconds

    @property
    def mib_per_hour(self) -> float:
        """The slope in MiB per hour."""
        return self.bytes_per_hour / MIB

    @property
    def verdict(self) -> str:
        """`flat`, `grows`, `falls`, or `so far`, where it is too early for one of the others."""
        if abs(self.mib_per_hour) < FLAT_MIB_PER_HOUR:
            return "flat"
        if self.num_seconds < EARLY_SECONDS:
            return "so far"
        return "grows" if self.bytes_per_hour > 0 else "falls"

    def __str__(self) -> str:
        return f"{self.verdict}: {mebibytes(self.bytes_per_hour)} per hour"


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """The median slope of all pairs of points, and the median intercept that goes with it.

    Raises:
        ValueError: If all points have the same `x`, or there are fewer than two.
    """
    first, second = np.triu_indices(len(x), k=1)
    run = x[second] - x[first]
    is_apart = run != 0
    if not is_apart.any():
        raise ValueError(f"a slope needs two points apart, got {len(x)} at {sorted(set(x))}")
    slope = float(np.median((y[second] - y[first])[is_apart] / run[is_apart]))
    return slope, float(np.median(y - slope * x))


def evened(
    seconds: NDArray[np.float64], *columns: NDArray[np.float64], max_bins: int = MAX_BINS
) -> tuple[NDArray[np.float64], ...]:
    """Points as means over equal stretches of time; those without points are left out."""
    # A timeline keeps its last minutes finely: unevened, they would outvote the hours before.
    edges = np.linspace(seconds[0], seconds[-1], min(max_bins, len(seconds)) + 1)
    bins = np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    is_met = counts > 0
    return tuple(
        np.bincount(bins, weights=column, minlength=len(counts))[is_met] / counts[is_met]
        for column in (seconds, *columns)
    )
