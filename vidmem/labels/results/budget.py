"""Time budget: how long, how often and how soon each behaviour happened, of what was scored.

    lying          |------|        |-----|
    standing              |--|
    scored         |---------------------------|      the denominator: 100 %
    unlabelled, not scored                     |----- in no figure

BORIS divides by the time from the first event to the last, or by the length of the video: its
percentages differ where not all was scored.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any, Literal

from vidmem.errors import SettingError
from vidmem.labels.bout import Bout
from vidmem.labels.checks import is_one_instant
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED
from vidmem.labels.labels import Labels
from vidmem.labels.results.clock import Clock, Period, clock_of, used_videos
from vidmem.labels.spans import Track, united
from vidmem.labels.tracks import joined

DENOMINATOR = (
    "time in which the axis of the subject was scored: its behaviours and none of these; what is "
    "unlabelled or not scored is left out"
)

RowKind = Literal["state", "point", "none"]


@dataclass(frozen=True, kw_only=True)
class BudgetRow:
    """Of one behaviour of one subject, in one period."""

    video: str | None
    """`None`: all videos together."""

    subject: str
    axis: str
    behaviour: str
    """Or `NONE_OF_THESE`."""

    kind: RowKind
    period: Period | None
    """`None`: all time."""

    scored_seconds: float
    """The denominator, of the period."""

    not_scored_seconds: float
    """Of which a person said that it cannot be told."""

    duration_seconds: float
    """In the period; 0 for a point."""

    num_bouts: int
    """Bouts that begin in the period, or events; touching bouts of a behaviour are one."""

    rate_per_hour: float | None
    """Bouts, or events in scored time, per hour of scored time; `None`: nothing was scored."""

    mean_bout_seconds: float | None
    """Of whole bouts that begin in the period, also where they go on after it."""

    median_bout_seconds: float | None
    min_bout_seconds: float | None
    max_bout_seconds: float | None
    latency_seconds: float | None
    """From the first scored moment of the period to the first of the behaviour; `None`: it did not
    happen, or several videos are together and no clock says in which order."""

    @property
    def percent_of_scored(self) -> float | None:
        """Duration of the scored time, 0 to 100; `None`: of a point, or nothing was scored."""
        if self.kind == "point" or not self.scored_seconds:
            return None
        return 100 * self.duration_seconds / self.scored_seconds

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and tables; of clock time, `period_start` is a date and time."""
        period = self.period
        start = period.start if period else None
        return {
            "video": self.video,
            "subject": self.subject,
            "axis": self.axis,
            "behaviour": self.behaviour,
            "kind": self.kind,
            "period_start": start.isoformat() if start else None,
            # Of clock time these count from a midnight that nobody is told of.
            "period_start_seconds": None
            if period is None or start
            else round(period.start_seconds, 6),
            "period_end_seconds": None if period is None or start else round(period.end_seconds, 6),
            "scored_seconds": self.scored_seconds,
            "not_scored_seconds": self.not_scored_seconds,
            "duration_seconds": self.duration_seconds,
            "percent_of_scored": self.percent_of_scored,
            "num_bouts": self.num_bouts,
            "rate_per_hour": self.rate_per_hour,
            "mean_bout_seconds": self.mean_bout_seconds,
            "median_bout_seconds": self.median_bout_seconds,
            "min_bout_seconds": self.min_bout_seconds,
            "max_bout_seconds": self.max_bout_seconds,
            "latency_seconds": self.latency_seconds,
        }


BUDGET_COLUMNS = (
    "video",
    "subject",
    "axis",
    "behaviour",
    "kind",
    "period_start",
    "period_start_seconds",
    "period_end_seconds",
    "scored_seconds",
    "not_scored_seconds",
    "duration_seconds",
    "percent_of_scored",
    "num_bouts",
    "rate_per_hour",
    "mean_bout_seconds",
    "median_bout_seconds",
    "min_bout_seconds",
    "max_bout_seconds",
    "latency_seconds",
)
"""Of a table: the keys of `BudgetRow.as_dict`."""


@dataclass(frozen=True, kw_only=True)
class TimeBudget:
    """Rows by video, subject, axis and period, with the behaviours in the ethogram's order."""

    rows: tuple[BudgetRow, ...]
    every_seconds: float | None
    """Length of a period; `None`: all time together."""

    is_clock_time: bool
    """Whether periods are by the clock: the recordings' starts are known."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "denominator": DENOMINATOR,
            "every_seconds": self.every_seconds,
            "is_clock_time": self.is_clock_time,
            "rows": [row.as_dict() for row in self.rows],
        }


def time_budget(
    labels: Labels, *, every_seconds: float | None = None, per_video: bool = False
) -> TimeBudget:
    """How the scored time of each subject is spent.

    Bouts over the end of a period count, with their whole length, where they begin; their time
    counts where it is spent. So seconds and bouts of the periods add up to those of the whole.

    Args:
        labels: Of any videos.
        every_seconds: Length of periods: 3600 for hours, 86400 for days, by the clock where the
            starts of the recordings are known (from midnight on), else from each video's first
            frame. `None`: all time together.
        per_video: Each video by itself; of periods of video time this is always so.

    Raises:
        LabelError: If the start of some recordings only is known.
        SettingError: If periods are shorter than a second.
    """
    if every_seconds is not None and not (math.isfinite(every_seconds) and every_seconds >= 1):
        raise SettingError(f"periods must last at least 1 s, got {every_seconds:g}")
    clock = Clock(None, {}) if every_seconds is None else clock_of(labels)
    is_by_video = per_video or (every_seconds is not None and clock.midnight is None)
    if every_seconds is None and not is_by_video and len(used_videos(labels)) > 1:
        clock = _clock_or_none(labels)
    groups: defaultdict[tuple[str | None, str, str], list[Track]] = defaultdict(list)
    for track in labels.tracks:
        groups[track.video if is_by_video else None, track.subject, track.axis].append(track)
    rows: list[BudgetRow] = []
    for (video, subject, axis), tracks in sorted(groups.items(), key=lambda one: _order(one[0])):
        has_order = len(tracks) == 1 or clock.midnight is not None
        group = _Group(labels, clock, every_seconds, has_order)
        for track in tracks:
            group.add(track)
        rows += group.rows(video, subject, axis)
    is_clock = every_seconds is not None and clock.midnight is not None
    return TimeBudget(rows=tuple(rows), every_seconds=every_seconds, is_clock_time=is_clock)


def whole_bouts(states: Iterable[Bout]) -> list[Bout]:
    """States of one track with touching ones of a behaviour made one, as a bout is meant."""
    whole: list[Bout] = []
    for bout in states:
        before = whole[-1] if whole else None
        is_same = before is not None and before.behaviour == bout.behaviour
        if before and is_same and is_one_instant(before.end_seconds, bout.start_seconds):
            whole[-1] = joined(before, bout)
        else:
            whole.append(bout)
    return whole


def _clock_or_none(labels: Labels) -> Clock:
    known = [labels.video(name).start is not None for name in used_videos(labels)]
    return clock_of(labels) if all(known) else Clock(None, {})


def _order(group: tuple[str | None, str, str]) -> tuple[str, str, str]:
    return group[0] or "", group[1], group[2]


@dataclass
class _Cell:
    """What happens in one period."""

    scored_seconds: float = 0.0
    not_scored_seconds: float = 0.0
    first_scored_seconds: float = math.inf
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    first_seconds: dict[str, float] = field(default_factory=dict)
    lengths: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    num_events: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    num_scored_events: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def saw(self, behaviour: str, seconds: float) -> None:
        self.first_seconds[behaviour] = min(self.first_seconds.get(behaviour, math.inf), seconds)


class _Group:
    """What is told together: one subject's one axis, in one video or in all."""

    def __init__(
        self, labels: Labels, clock: Clock, every_seconds: float | None, has_order: bool
    ) -> None:
        self._labels, self._clock, self._every = labels, clock, every_seconds
        self._has_order = has_order
        self._cells: defaultdict[Period | None, _Cell] = defaultdict(_Cell)

    def add(self, track: Track) -> None:
        timeline = self._labels.timeline(track.video, track.axis, track.subject)
        for one in timeline:
            self._add_stretch(track.video, one.start_seconds, one.end_seconds, one.what)
        for bout in whole_bouts(self._labels.states_of(track)):
            cell = self._cell_at(track.video, bout.start_seconds)
            cell.lengths[bout.behaviour].append(bout.num_seconds)
        scored = united(
            (one.start_seconds, one.end_seconds) for one in timeline if one.what != NOT_SCORED
        )
        for bout in self._labels.bouts_of(
            video=track.video, subject=track.subject, axis=track.axis
        ):
            if bout.is_point:
                self._add_event(bout, scored)

    def _add_event(self, bout: Bout, scored: Sequence[tuple[float, float]]) -> None:
        at = bout.start_seconds
        cell = self._cell_at(bout.video, at)
        cell.num_events[bout.behaviour] += 1
        cell.saw(bout.behaviour, at + self._clock.offsets.get(bout.video, 0.0))
        if any(start <= at <= end for start, end in scored):
            cell.num_scored_events[bout.behaviour] += 1

    def _add_stretch(self, video: str, start: float, end: float, what: str) -> None:
        offset = self._clock.offsets.get(video, 0.0)
        for period in self._periods(video, start, end):
            cell = self._cells[period]
            a, b = start, end
            if period is not None:
                first, last = self._clock.interval(video, period)
                a, b = max(start, first), min(end, last)
            if what == NOT_SCORED:
                cell.not_scored_seconds += b - a
                continue
            cell.scored_seconds += b - a
            cell.seconds[what] += b - a
            cell.first_scored_seconds = min(cell.first_scored_seconds, a + offset)
            cell.saw(what, a + offset)

    def _periods(self, video: str, start: float, end: float) -> list[Period | None]:
        if self._every is None:
            return [None]
        return list(self._clock.periods(video, (start, end), self._every))

    def _cell_at(self, video: str, seconds: float) -> _Cell:
        return self._cells[self._periods(video, seconds, seconds)[0]]

    def rows(self, video: str | None, subject: str, axis: str) -> list[BudgetRow]:
        """In order of time; each behaviour of the axis, wherever anything is said of it."""
        kinds: dict[str, RowKind] = {
            one.name: one.kind for one in self._labels.ethogram.only_axis(axis)
        }
        # In all groups or in none, so that tables of videos and subjects have the same rows.
        if any(span.axis == axis for span in self._labels.scored):
            kinds[NONE_OF_THESE] = "none"
        return [
            self._row(cell, behaviour, kind, video=video, subject=subject, axis=axis, period=period)
            for period, cell in sorted(
                self._cells.items(), key=lambda one: one[0].start_seconds if one[0] else 0.0
            )
            for behaviour, kind in kinds.items()
        ]

    def _row(self, cell: _Cell, behaviour: str, kind: RowKind, **where: Any) -> BudgetRow:
        is_point = kind == "point"
        lengths = cell.lengths[behaviour]
        hours = round(cell.scored_seconds, 6) / 3600
        num_rated = cell.num_scored_events[behaviour] if is_point else len(lengths)
        first = cell.first_seconds.get(behaviour)
        has_latency = (
            self._has_order and first is not None and math.isfinite(cell.first_scored_seconds)
        )
        return BudgetRow(
            **where,
            behaviour=behaviour,
            kind=kind,
            scored_seconds=round(cell.scored_seconds, 6),
            not_scored_seconds=round(cell.not_scored_seconds, 6),
            duration_seconds=round(cell.seconds[behaviour], 6),
            num_bouts=cell.num_events[behaviour] if is_point else len(lengths),
            rate_per_hour=num_rated / hours if hours and kind != "none" else None,
            mean_bout_seconds=round(fmean(lengths), 6) if lengths else None,
            median_bout_seconds=round(median(lengths), 6) if lengths else None,
            min_bout_seconds=round(min(lengths), 6) if lengths else None,
            max_bout_seconds=round(max(lengths), 6) if lengths else None,
            latency_seconds=(
                round(first - cell.first_scored_seconds, 6)
                if has_latency and first is not None
                else None
            ),
        )
