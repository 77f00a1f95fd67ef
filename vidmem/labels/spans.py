"""Spans of time about which something was said, and the arithmetic of them.

    one        |-------|   |-------|
    holes          |---------|
    without    |---|         |-----|     `without(one, holes)`

All are half open, in seconds; what is no longer than a microsecond is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from vidmem.errors import LabelError
from vidmem.labels.checks import checked_name, checked_range, is_one_instant

Interval = tuple[float, float]
"""Start and end in seconds, half open."""


class Track(NamedTuple):
    """Where one state happens at a time: one animal's one axis in one video."""

    video: str
    subject: str
    axis: str


@dataclass(frozen=True)
class Span:
    """A span of a video in which an axis was scored, or could not be.

    Raises:
        LabelError: If it does not last, a time is no finite number from 0, or a name is not one.
    """

    video: str
    start_seconds: float
    """Kept to a microsecond."""

    end_seconds: float
    """Not part of it."""

    subject: str = ""
    """This one only, as in a bout; empty: no one in particular, not everyone."""

    axis: str = ""
    """Empty: all axes of the ethogram, as it is when `Labels` take the span."""

    def __post_init__(self) -> None:
        checked_name("the video of a span", self.video)
        checked_name("the subject of a span", self.subject, may_be_empty=True)
        checked_name("the axis of a span", self.axis, may_be_empty=True)
        start, end = checked_range(self.start_seconds, self.end_seconds, f"a span of {self.video}")
        if is_one_instant(start, end):
            raise LabelError(
                f"a span of {self.video} must last longer than a microsecond, got "
                f"{start:.10g} to {end:.10g} s"
            )
        object.__setattr__(self, "start_seconds", start)
        object.__setattr__(self, "end_seconds", end)

    @property
    def num_seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds

    @property
    def interval(self) -> Interval:
        """Start and end, in seconds."""
        return self.start_seconds, self.end_seconds

    @property
    def track(self) -> Track:
        """What it is about; its axis may be empty."""
        return Track(self.video, self.subject, self.axis)

    def changed(self, **changes: Any) -> Self:
        """This span with some fields changed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        of = f" of {self.subject}" if self.subject else ""
        axis = self.axis or "all axes"
        return f"{axis}{of}, {self.start_seconds:.10g} to {self.end_seconds:.10g} s in {self.video}"


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """In order, those that touch or overlap made one."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and (start <= joined[-1][1] or is_one_instant(start, joined[-1][1])):
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What of the intervals, in order and disjoint, lies in no hole."""
    blocked = united(holes)
    rest: list[Interval] = []
    first = 0  # holes before it end before any interval that is still to come
    for start, end in intervals:
        while first < len(blocked) and blocked[first][1] <= start:
            first += 1
        at = first
        while at < len(blocked) and blocked[at][0] < end:
            rest.append((start, blocked[at][0]))
            start = blocked[at][1]
            at += 1
        rest.append((start, end))
    return [(start, end) for start, end in rest if lasts(start, end)]


def within(intervals: Iterable[Interval], start: float, end: float) -> list[Interval]:
    """What of the intervals lies between two times."""
    cut = ((max(a, start), min(b, end)) for a, b in intervals)
    return [(a, b) for a, b in cut if lasts(a, b)]


def lasts(start: float, end: float) -> bool:
    """Whether a span is more than an instant."""
    return end > start and not is_one_instant(start, end)


def shown(interval: Interval) -> str:
    """From when to when, for a message."""
    return f"{interval[0]:.10g} to {interval[1]:.10g} s"


def spans_of(track: Track, intervals: Iterable[Interval]) -> list[Span]:
    """Spans of one track."""
    return [Span(track.video, a, b, track.subject, track.axis) for a, b in intervals]
