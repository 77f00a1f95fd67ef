"""How often one behaviour of an axis follows another.

lying     |-----|       |------|
standing        |----|              lying to standing: touching, counted
                     |--|           standing to lying: counted if the gap is at most so long,
                                    and scored throughout: none of these happened in it
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from vidmem.errors import SettingError
from vidmem.labels.bout import SAME_DURATION_SECONDS, Bout
from vidmem.labels.labels import Labels
from vidmem.labels.results.budget import whole_bouts
from vidmem.labels.spans import Interval, Track, without

TOUCHING_SECONDS = SAME_DURATION_SECONDS
"""A gap this short is none, whoever scored it: BORIS leaves a millisecond between states."""


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """Of one axis, over all videos and subjects of the labels."""

    axis: str
    max_gap_seconds: float
    names: tuple[str, ...]
    """The states of the axis, in the ethogram's order."""

    counts: tuple[tuple[int, ...], ...]
    """From the row's behaviour to the column's."""

    num_left_out: int
    """Bouts next to each other in time that are not adjacent: the gap is too long, or was not
    scored."""

    @property
    def probabilities(self) -> tuple[tuple[float | None, ...], ...]:
        """Each row's counts of their sum; `None`: nothing follows that behaviour."""
        sums = [sum(row) for row in self.counts]
        return tuple(
            tuple(count / whole if whole else None for count in row)
            for row, whole in zip(self.counts, sums, strict=True)
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "axis": self.axis,
            "max_gap_seconds": self.max_gap_seconds,
            "names": list(self.names),
            "counts": [list(row) for row in self.counts],
            "probabilities": [list(row) for row in self.probabilities],
            "num_left_out": self.num_left_out,
        }


def transitions(labels: Labels, axis: str, *, max_gap_seconds: float = 0.0) -> Transitions:
    """How often each behaviour follows each other one, within each subject and video.

    Two bouts are adjacent if they touch, or if the time between them is at most `max_gap_seconds`
    and was scored: never across what is unlabelled or not scored. A behaviour that comes again
    after such a gap follows itself.

    Raises:
        LabelError: If there is no such axis.
        SettingError: If the gap is below 0.
    """
    if not (math.isfinite(max_gap_seconds) and max_gap_seconds >= 0):
        raise SettingError(f"the gap must be 0 s or more, got {max_gap_seconds:g}")
    names = tuple(one.name for one in labels.ethogram.states_of(axis))
    codes = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    num_left_out = 0
    for track in (one for one in labels.tracks if one.axis == axis):
        scored = _scored(labels, track)
        for before, after in pairwise(whole_bouts(labels.states_of(track))):
            if _is_adjacent(before, after, scored, max_gap_seconds):
                counts[codes[before.behaviour], codes[after.behaviour]] += 1
            else:
                num_left_out += 1
    return Transitions(
        axis=axis,
        max_gap_seconds=max_gap_seconds,
        names=names,
        counts=tuple(map(tuple, counts.tolist())),
        num_left_out=num_left_out,
    )


def _scored(labels: Labels, track: Track) -> list[Interval]:
    return [span.interval for span in labels.scored if span.track == track]


def _is_adjacent(before: Bout, after: Bout, scored: list[Interval], max_gap_seconds: float) -> bool:
    gap = (before.end_seconds, after.start_seconds)
    length = gap[1] - gap[0]
    if length <= TOUCHING_SECONDS:
        return True
    # Half a microsecond, for what subtraction of two decimal fractions adds.
    return length <= max_gap_seconds + 5e-7 and not without([gap], scored)
