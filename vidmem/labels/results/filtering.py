"""Some of the bouts: by behaviour, subject, length and time of day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import time

from vidmem.errors import LabelError, SettingError
from vidmem.labels.bout import Bout
from vidmem.labels.labels import Labels
from vidmem.labels.results.clock import time_of_day_seconds
from vidmem.labels.spans import Interval, Span, Track, spans_of, without


@dataclass(frozen=True, kw_only=True)
class BoutFilter:
    """Which bouts are meant; as it is, all.

    Raises:
        SettingError: If the longest is shorter than the shortest.
    """

    behaviours: frozenset[str] | None = None
    """`None`: all of them."""

    subjects: frozenset[str] | None = None
    videos: frozenset[str] | None = None

    min_seconds: float = 0.0
    """Shortest; points last 0 s."""

    max_seconds: float | None = None
    """Longest, itself included; `None`: any."""

    from_time: time | None = None
    """Bouts that begin at this time of day or later; `None`: from midnight on."""

    until_time: time | None = None
    """Bouts that begin before it; earlier than `from_time`: over midnight."""

    def __post_init__(self) -> None:
        if self.max_seconds is not None and self.max_seconds < self.min_seconds:
            raise SettingError(
                f"the longest bouts must be at least as long as the shortest, got "
                f"{self.min_seconds:g} to {self.max_seconds:g} s"
            )


def filter_bouts(labels: Labels, wanted: BoutFilter) -> tuple[Bout, ...]:
    """The bouts that are meant, in order of video and time.

    Raises:
        LabelError: If a time of day is asked for, and the start of a recording is not known.
    """
    return tuple(bout for bout in labels.bouts if _is_wanted(labels, bout, wanted))


def filtered_labels(labels: Labels, wanted: BoutFilter) -> Labels:
    """Labels with the bouts that are meant; the time of the others is unlabelled.

    Raises:
        LabelError: If a time of day is asked for, and the start of a recording is not known.
    """
    kept = filter_bouts(labels, wanted)
    gone = set(labels.bouts).difference(kept)
    return replace(labels, bouts=kept, scored=scored_without(labels, gone))


def scored_without(labels: Labels, bouts: Iterable[Bout]) -> tuple[Span, ...]:
    """What was scored, but for the time of some states."""
    taken: defaultdict[Track, list[Interval]] = defaultdict(list)
    for one in bouts:
        if not one.is_point:
            taken[labels.track_of(one)].append((one.start_seconds, one.end_seconds))
    return tuple(
        span
        for one in labels.scored
        for span in spans_of(one.track, without([one.interval], taken[one.track]))
    )


def _is_wanted(labels: Labels, bout: Bout, wanted: BoutFilter) -> bool:
    names = (
        (wanted.behaviours, bout.behaviour),
        (wanted.subjects, bout.subject),
        (wanted.videos, bout.video),
    )
    if any(allowed is not None and name not in allowed for allowed, name in names):
        return False
    # Half a microsecond, for what subtraction of two decimal fractions adds.
    if bout.num_seconds < wanted.min_seconds - 5e-7:
        return False
    if wanted.max_seconds is not None and bout.num_seconds > wanted.max_seconds + 5e-7:
        return False
    return _is_at_its_time(labels, bout, wanted)


def _is_at_its_time(labels: Labels, bout: Bout, wanted: BoutFilter) -> bool:
    if wanted.from_time is None and wanted.until_time is None:
        return True
    start = labels.video(bout.video).start
    if start is None:
        raise LabelError(
            f"it is not known when the recording of {bout.video} began, so no time of day; give "
            "its start"
        )
    at = time_of_day_seconds(start, bout.start_seconds)
    first = 0.0 if wanted.from_time is None else _seconds(wanted.from_time)
    last = 86_400.0 if wanted.until_time is None else _seconds(wanted.until_time)
    return first <= at < last if first <= last else at >= first or at < last


def _seconds(at: time) -> float:
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6
