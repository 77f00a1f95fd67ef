"""Point events of two accounts, matched where they are close enough.

    first      x  x         x
    second      x   x   x
    matched    |-|  |-|                  each once, as many as can be

Scans miss instants: three events that two observers give within 1.3 s of each other have a kappa
of about zero by scans at 2 s, and all match within 2 s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from vidmem.labels.labels import Labels
from vidmem.labels.results.aligning import aligned
from vidmem.labels.results.pairing import PairedTrack


@dataclass(frozen=True, kw_only=True)
class EventAgreement:
    """How far two accounts agree on the events of one behaviour."""

    axis: str
    behaviour: str
    tolerance_seconds: float
    """Two events this far apart at most are one."""

    num_first: int
    """That count: matched, or where both scored the axis."""

    num_second: int
    num_matched: int
    num_left_out: int
    """Of either, unmatched where the other did not score."""

    median_difference_seconds: float | None
    """Second's time less first's, of the matched; `None`: nothing matched."""

    @property
    def percent_agreement(self) -> float | None:
        """Matched, of all different events, 0 to 100; `None`: there are none."""
        either = self.num_first + self.num_second - self.num_matched
        return 100 * self.num_matched / either if either else None

    @property
    def precision(self) -> float | None:
        """Share of the second's events that the first has."""
        return self.num_matched / self.num_second if self.num_second else None

    @property
    def recall(self) -> float | None:
        """Share of the first's events that the second has."""
        return self.num_matched / self.num_first if self.num_first else None

    @property
    def f1(self) -> float | None:
        """Matched twice, of both together; `None`: there are none."""
        both = self.num_first + self.num_second
        return 2 * self.num_matched / both if both else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "axis": self.axis,
            "behaviour": self.behaviour,
            "tolerance_seconds": self.tolerance_seconds,
            "num_first": self.num_first,
            "num_second": self.num_second,
            "num_matched": self.num_matched,
            "num_left_out": self.num_left_out,
            "percent_agreement": self.percent_agreement,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "median_difference_seconds": self.median_difference_seconds,
        }


def match_times(
    first: Sequence[float], second: Sequence[float], tolerance_seconds: float
) -> list[tuple[int, int]]:
    """Pairs of indices of two rising lists, at most so far apart, each used once.

    From the earliest on, each takes the earliest that is left: no other way gives more pairs, since
    all may be equally far apart.
    """
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(first) and j < len(second):
        difference = second[j] - first[i]
        if abs(difference) <= tolerance_seconds + 1e-6:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif difference < 0:
            j += 1
        else:
            i += 1
    return pairs


def match_events(
    first: Labels, second: Labels, pairs: Iterable[PairedTrack], *, tolerance_seconds: float
) -> tuple[EventAgreement, ...]:
    """For each point behaviour that either has events of, how far two accounts agree.

    Args:
        first: One account.
        second: Another.
        pairs: The tracks that are looked at.
        tolerance_seconds: Two events this far apart at most are one.
    """
    second = aligned(second, first.ethogram)
    pairs = tuple(pairs)
    found = []
    for behaviour in first.ethogram.united(second.ethogram).points:
        of_axis = [one for one in pairs if one.track.axis == behaviour.axis]
        tally = _Tally(behaviour.name, tolerance_seconds)
        for one in of_axis:
            tally.add(first, second, one)
        if tally.num_first or tally.num_second or tally.num_left_out:
            found.append(tally.result(behaviour.axis))
    return tuple(found)


class _Tally:
    def __init__(self, behaviour: str, tolerance_seconds: float) -> None:
        self.behaviour, self.tolerance_seconds = behaviour, tolerance_seconds
        self.num_first = self.num_second = self.num_left_out = 0
        self.differences: list[float] = []

    def add(self, first: Labels, second: Labels, pair: PairedTrack) -> None:
        mine, theirs = (_times(one, self.behaviour, pair) for one in (first, second))
        matched = match_times(mine, theirs, self.tolerance_seconds)
        self.differences += [theirs[j] - mine[i] for i, j in matched]
        for name, times, indices in (
            ("num_first", mine, {i for i, _ in matched}),
            ("num_second", theirs, {j for _, j in matched}),
        ):
            alone = [time for index, time in enumerate(times) if index not in indices]
            num_scored = sum(map(pair.is_scored_at, alone))
            setattr(self, name, getattr(self, name) + len(matched) + num_scored)
            self.num_left_out += len(alone) - num_scored

    def result(self, axis: str) -> EventAgreement:
        return EventAgreement(
            axis=axis,
            behaviour=self.behaviour,
            tolerance_seconds=self.tolerance_seconds,
            num_first=self.num_first,
            num_second=self.num_second,
            num_matched=len(self.differences),
            num_left_out=self.num_left_out,
            median_difference_seconds=(
                round(median(self.differences), 6) if self.differences else None
            ),
        )


def _times(labels: Labels, behaviour: str, pair: PairedTrack) -> list[float]:
    track = pair.track
    if behaviour not in labels.ethogram:
        return []
    found = labels.bouts_of(video=track.video, subject=track.subject, behaviour=behaviour)
    return [one.start_seconds for one in found]
