"""Clock time of what happens in a video whose recording began at a known moment.

Clock time is the start and the seconds since, as the clock on the wall would show them: a change to
or from summer time within a recording is not followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from vidmem.errors import LabelError
from vidmem.labels.labels import Labels
from vidmem.labels.spans import Interval


@dataclass(frozen=True, order=True)
class Period:
    """An hour, a day or another part of time, half open."""

    start_seconds: float
    """From the first frame of the video; of clock time, from the midnight before all videos."""

    end_seconds: float
    start: datetime | None = None
    """By the clock; `None`: the recording's start is not known."""


@dataclass(frozen=True)
class Clock:
    """Where the times of videos stand on one line: by the clock, or each from its first frame."""

    midnight: datetime | None
    """Before all videos; `None`: times are those of a video."""

    offsets: dict[str, float]
    """Seconds from that midnight to the first frame of each video."""

    def periods(self, video: str, at: Interval, every_seconds: float) -> Iterator[Period]:
        """Those that a span of a video reaches into, in order."""
        offset = self.offsets.get(video, 0.0)
        start, end = at[0] + offset, at[1] + offset
        # A microsecond, since adding a day to a time costs its last digits.
        first = math.floor((start + 1e-6) / every_seconds)
        last = max(math.ceil((end - 1e-6) / every_seconds), first + 1)
        for number in range(first, last):
            yield self._period(number, every_seconds)

    def interval(self, video: str, period: Period) -> Interval:
        """A period in the time of a video; its start may be before the first frame."""
        offset = self.offsets.get(video, 0.0)
        return period.start_seconds - offset, period.end_seconds - offset

    def _period(self, number: int, every_seconds: float) -> Period:
        seconds = number * every_seconds
        start = None
        if self.midnight is not None:
            start = self.midnight + timedelta(seconds=seconds)
        return Period(seconds, seconds + every_seconds, start)


def clock_of(labels: Labels) -> Clock:
    """The clock of all videos, or none where no recording's start is known.

    Raises:
        LabelError: If it is known of some videos only, or with a time zone of some only.
    """
    names = used_videos(labels)
    starts = {name: labels.video(name).start for name in names}
    known = {name: start for name, start in starts.items() if start is not None}
    if not known:
        return Clock(None, {})
    if missing := sorted(starts.keys() - known.keys()):
        raise LabelError(
            f"the recording of {missing[0]} began nobody knows when, that of {min(known)} at "
            f"{known[min(known)].isoformat(sep=' ')}; give the start of every video, or of none"
        )
    if len({start.utcoffset() is None for start in known.values()}) > 1:
        raise LabelError("some recordings have a time zone and some have none; give all or none")
    midnight = min(known.values()).replace(hour=0, minute=0, second=0, microsecond=0)
    offsets = {name: (start - midnight).total_seconds() for name, start in known.items()}
    return Clock(midnight, offsets)


def used_videos(labels: Labels) -> tuple[str, ...]:
    """Videos of which anything is said, in order."""
    return tuple(sorted({track.video for track in labels.tracks}))


def time_of_day_seconds(start: datetime, seconds: float) -> float:
    """Seconds since midnight, by the clock, of a moment of a recording."""
    at = start + timedelta(seconds=seconds)
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6
