"""How far two raters agree, or a rater and a model.

Each axis by itself, since its behaviours exclude each other: of all videos and subjects pooled, of
each video, of each subject, and of each subject in each video.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidmem.errors import SettingError
from vidmem.labels.ethogram import NONE_OF_THESE, Ethogram
from vidmem.labels.labels import Labels
from vidmem.labels.results.aligning import aligned
from vidmem.labels.results.events import EventAgreement, match_events
from vidmem.labels.results.figures import AgreementFigures, agreement_figures, pooled_figures
from vidmem.labels.results.pairing import LeftOut, PairedTrack, pair, sum_left_out
from vidmem.labels.results.scans import scan

DEFAULT_INTERVAL_SECONDS = 1.0
DEFAULT_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class AgreementRow:
    """The figures of one axis, or of all, in some of the videos and subjects."""

    axis: str | None
    """`None`: all axes."""

    video: str | None = None
    """`None`: all videos."""

    subject: str | None = None
    """`None`: all subjects; empty: no one in particular."""

    scan_sampled: AgreementFigures
    """Counted in scans at the interval."""

    duration_weighted: AgreementFigures
    """Counted in seconds: what scans tend to as their interval goes to nothing."""

    left_out: LeftOut

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "axis": self.axis,
            "video": self.video,
            "subject": self.subject,
            "kappa_scan_sampled": self.scan_sampled.kappa,
            "kappa_duration_weighted": self.duration_weighted.kappa,
            "scan_sampled": self.scan_sampled.as_dict(),
            "duration_weighted": self.duration_weighted.as_dict(),
            "left_out": self.left_out.as_dict(),
        }


@dataclass(frozen=True, kw_only=True)
class AxisAgreement:
    """Of one axis."""

    axis: str
    pooled: AgreementRow
    by_video: tuple[AgreementRow, ...]
    by_subject: tuple[AgreementRow, ...]
    by_track: tuple[AgreementRow, ...]
    """Of each subject in each video."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = ("by_video", "by_subject", "by_track")
        rows = {name: [row.as_dict() for row in getattr(self, name)] for name in names}
        return {"axis": self.axis, "pooled": self.pooled.as_dict(), **rows}


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far two accounts of the same videos agree."""

    interval_seconds: float
    """Between two scans."""

    pooled: AgreementRow
    """Of all axes; of one axis, the same as its own."""

    axes: tuple[AxisAgreement, ...]
    events: tuple[EventAgreement, ...]
    """Of point behaviours, matched with a tolerance."""

    def of(self, axis: str) -> AxisAgreement:
        """Of one axis.

        Raises:
            KeyError: If neither account says anything of it.
        """
        found = {one.axis: one for one in self.axes}
        return found[axis]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "interval_seconds": self.interval_seconds,
            "pooled": self.pooled.as_dict(),
            "axes": [one.as_dict() for one in self.axes],
            "events": [one.as_dict() for one in self.events],
        }


def agree(
    first: Labels,
    second: Labels,
    *,
    interval_seconds: float = DEFAULT_INTERVAL_SECONDS,
    point_tolerance_seconds: float = DEFAULT_TOLERANCE_SECONDS,
    axis: str | None = None,
) -> Agreement:
    """How far two accounts agree, on what both scored.

    What one of them left unlabelled, or marked as not scored, counts in nothing; how much that is
    stands beside. Where a person looked at a whole video and wrote bouts only, say so first:
    `Labels.mark_scored`.

    Args:
        first: One account; its axes hold for both.
        second: Another.
        interval_seconds: Between two scans.
        point_tolerance_seconds: Two events of one behaviour at most this far apart are one.
        axis: Only this one; `None`: all.

    Raises:
        LabelError: If there is no such axis, or the ethograms contradict each other.
        SettingError: If the interval or the tolerance cannot be one.
    """
    if not (math.isfinite(interval_seconds) and interval_seconds >= 0.001):
        raise SettingError(
            f"the interval of scans must be at least 0.001 s, got {interval_seconds:g}"
        )
    if not (math.isfinite(point_tolerance_seconds) and point_tolerance_seconds >= 0):
        raise SettingError(f"the tolerance must be 0 s or more, got {point_tolerance_seconds:g}")
    ethogram = first.ethogram.united(aligned(second, first.ethogram).ethogram)
    pairs = pair(first, second, axis=axis)
    counting, paired = _Counting(ethogram, interval_seconds), {one.track.axis for one in pairs}
    axes = tuple(
        _of_axis(counting, name, [one for one in pairs if one.track.axis == name])
        # As in the first's ethogram; what the second alone has comes last, as it has no figures.
        for name in ethogram.axes
        if name in paired and ethogram.states_of(name)
    )
    rows = [one.pooled for one in axes]
    return Agreement(
        interval_seconds=interval_seconds,
        pooled=AgreementRow(
            axis=axes[0].axis if len(axes) == 1 else None,
            scan_sampled=pooled_figures([row.scan_sampled for row in rows], "scans"),
            duration_weighted=pooled_figures([row.duration_weighted for row in rows], "seconds"),
            left_out=sum((row.left_out for row in rows), LeftOut()),
        ),
        axes=axes,
        events=match_events(first, second, pairs, tolerance_seconds=point_tolerance_seconds),
    )


@dataclass(frozen=True)
class _Counting:
    """How a row is made of tracks of one axis."""

    ethogram: Ethogram
    interval_seconds: float

    def row(
        self,
        axis: str,
        pairs: Sequence[PairedTrack],
        video: str | None = None,
        subject: str | None = None,
    ) -> AgreementRow:
        scans: Counter[tuple[str, str]] = Counter()
        seconds: Counter[tuple[str, str]] = Counter()
        for run in (run for one in pairs for run in one.runs):
            scans += scan(run, self.interval_seconds)
            for stretch in run:
                # Counters hold floats as well; their types do not say so.
                seconds[stretch.first, stretch.second] += stretch.num_seconds  # type: ignore[assignment]
        names = [one.name for one in self.ethogram.states_of(axis)]
        if any(NONE_OF_THESE in one for one in seconds):
            names.append(NONE_OF_THESE)
        scanned, timed = (
            np.array([[counts[a, b] for b in names] for a in names], dtype=np.float64)
            for counts in (scans, seconds)
        )
        size = len(names)
        return AgreementRow(
            axis=axis,
            video=video,
            subject=subject,
            scan_sampled=agreement_figures(scanned, names, unit="scans", num_classes=size),
            duration_weighted=agreement_figures(timed, names, unit="seconds", num_classes=size),
            left_out=sum_left_out(pairs),
        )


def _of_axis(counting: _Counting, axis: str, pairs: Sequence[PairedTrack]) -> AxisAgreement:
    def rows(key: Callable[[PairedTrack], dict[str, str]]) -> tuple[AgreementRow, ...]:
        return tuple(counting.row(axis, group, **names) for names, group in _grouped(pairs, key))

    return AxisAgreement(
        axis=axis,
        pooled=counting.row(axis, pairs),
        by_video=rows(lambda one: {"video": one.track.video}),
        by_subject=rows(lambda one: {"subject": one.track.subject}),
        by_track=rows(lambda one: {"video": one.track.video, "subject": one.track.subject}),
    )


def _grouped(
    pairs: Iterable[PairedTrack], key: Callable[[PairedTrack], dict[str, str]]
) -> list[tuple[dict[str, str], list[PairedTrack]]]:
    """Those that have the same key together, in order of the first of each."""
    groups: dict[tuple[str, ...], tuple[dict[str, str], list[PairedTrack]]] = {}
    for one in pairs:
        names = key(one)
        groups.setdefault(tuple(names.values()), (names, []))[1].append(one)
    return list(groups.values())
