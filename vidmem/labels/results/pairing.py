"""Two accounts laid side by side: what both scored, and what is left out because one did not.

    first      |--- lying ---|-- standing --|
    second          |-- lying --|-- not scored --|
    runs            |--------|--|                      one run of two stretches
    left out   |----|           |-----------|----|

Nothing else counts in agreement and scores: what one of them did not score says nothing of the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from vidmem.errors import LabelError
from vidmem.labels.checks import is_one_instant
from vidmem.labels.comparing import UNLABELLED, side_by_side
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED
from vidmem.labels.labels import Labels
from vidmem.labels.results.aligning import aligned
from vidmem.labels.spans import Span, Track, spans_of, united


@dataclass(frozen=True)
class PairedStretch:
    """A span of a track of which each of two accounts says one thing throughout."""

    start_seconds: float
    end_seconds: float
    """Half open."""

    first: str
    """A behaviour, `NOT_SCORED`, `NONE_OF_THESE` or `UNLABELLED`."""

    second: str

    @property
    def num_seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds

    @property
    def is_scored_by_both(self) -> bool:
        """Whether both say a behaviour, or that none of these happened."""
        return not {self.first, self.second} & {NOT_SCORED, UNLABELLED}


Run = tuple[PairedStretch, ...]
"""Stretches without a gap, in order, all scored by both."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Time that counts in no figure, because not both accounts scored it."""

    only_first_seconds: float = 0.0
    """Unlabelled in the second."""

    only_second_seconds: float = 0.0
    """Unlabelled in the first."""

    not_scored_seconds: float = 0.0
    """At least one says that it cannot be told."""

    unlabelled_seconds: float | None = 0.0
    """Of which neither says anything; `None`: the length of a video is not known."""

    def __add__(self, other: LeftOut) -> LeftOut:
        mine, theirs = self.unlabelled_seconds, other.unlabelled_seconds
        return LeftOut(
            only_first_seconds=self.only_first_seconds + other.only_first_seconds,
            only_second_seconds=self.only_second_seconds + other.only_second_seconds,
            not_scored_seconds=self.not_scored_seconds + other.not_scored_seconds,
            unlabelled_seconds=None if mine is None or theirs is None else mine + theirs,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, kw_only=True)
class PairedTrack:
    """Two accounts of one animal's one axis in one video."""

    track: Track
    runs: tuple[Run, ...]
    """In order and apart."""

    left_out: LeftOut

    @property
    def num_seconds(self) -> float:
        """How much both scored."""
        return sum(one.num_seconds for run in self.runs for one in run)

    def is_scored_at(self, seconds: float) -> bool:
        """Whether both scored a time; both ends of a run belong to it."""
        return any(
            run[0].start_seconds - 1e-6 <= seconds <= run[-1].end_seconds + 1e-6
            for run in self.runs
        )

    def sampled(self, fps: float | None) -> PairedTrack:
        """As seen at times 0, 1/fps, 2/fps, ..., each sample standing for the time to the next.

        A time belongs to what begins at it. `None`: as it is.
        """
        if fps is None:
            return self
        runs = (_sampled_run(run, fps) for run in self.runs)
        return PairedTrack(
            track=self.track, runs=tuple(run for run in runs if run), left_out=self.left_out
        )


def pair(first: Labels, second: Labels, *, axis: str | None = None) -> tuple[PairedTrack, ...]:
    """Each track of which either says anything, in order; the axes are those of the first.

    Raises:
        LabelError: If there is no such axis, or the ethograms contradict each other (see `aligned`
            in this folder).
    """
    second = aligned(second, first.ethogram)
    if axis is not None:
        first.ethogram.check_axis(axis)
    tracks = sorted({*first.tracks, *second.tracks})
    return tuple(pair_track(first, second, track) for track in tracks if axis in (None, track.axis))


def pair_track(first: Labels, second: Labels, track: Track) -> PairedTrack:
    """Two accounts of one track; the axes must be the same already."""
    stretches = [
        PairedStretch(*one)
        for one in side_by_side(first, second, track)
        if one[2:] != (UNLABELLED, UNLABELLED)
    ]
    runs: list[list[PairedStretch]] = []
    sums = {"only_first_seconds": 0.0, "only_second_seconds": 0.0, "not_scored_seconds": 0.0}
    for one in stretches:
        if not one.is_scored_by_both:
            sums[_why_left_out(one)] += one.num_seconds
        elif runs and is_one_instant(runs[-1][-1].end_seconds, one.start_seconds):
            runs[-1].append(one)
        else:
            runs.append([one])
    lengths = [labels.video(track.video).duration_seconds for labels in (first, second)]
    known = next((one for one in lengths if one is not None), None)
    said = sum(one.num_seconds for one in stretches)
    return PairedTrack(
        track=track,
        runs=tuple(map(tuple, runs)),
        left_out=LeftOut(
            **sums, unlabelled_seconds=None if known is None else max(known - said, 0.0)
        ),
    )


def spans_said(
    first: Labels, second: Labels, *, axis: str, said: tuple[str, str]
) -> tuple[Span, ...]:
    """Where, of what both scored, the first says one thing and the second another, or the same.

    Args:
        first: One account; its axes hold for both.
        second: Another.
        axis: Which axis.
        said: What each says: a behaviour or `NONE_OF_THESE`.

    Returns:
        By video and subject, in order of time; their seconds are those of a cell of the confusion.

    Raises:
        LabelError: If there is no such axis, or the ethograms contradict each other.
    """
    found: list[Span] = []
    for pair_of_track in pair(first, second, axis=axis):
        track = pair_of_track.track
        stretches = [one for run in pair_of_track.runs for one in run]
        times = [
            (one.start_seconds, one.end_seconds)
            for one in stretches
            if (one.first, one.second) == said
        ]
        found += spans_of(track, united(times))
    return tuple(found)


def sum_left_out(pairs: Iterable[PairedTrack]) -> LeftOut:
    """Of several tracks together."""
    return sum((one.left_out for one in pairs), LeftOut())


def mark_all_scored(
    labels: Labels, tracks: Iterable[Track], num_seconds: float | None = None
) -> Labels:
    """Labels of a person who looked at all of each video: what has no bout is none of these.

    What is marked as not scored stays so.

    Args:
        labels: Of any videos.
        tracks: Which ones; those of an axis that the ethogram lacks are left out.
        num_seconds: How long each video lasts; `None`: as the labels say of it.

    Raises:
        LabelError: If the length of a video is not known.
    """
    spans = []
    for track in tracks:
        end = labels.video(track.video).duration_seconds if num_seconds is None else num_seconds
        if end is None:
            raise LabelError(f"it is not known how long {track.video} lasts; give its seconds")
        if track.axis in labels.ethogram.axes:
            spans.append(Span(track.video, 0.0, end, track.subject, track.axis))
    return Labels(
        labels.ethogram,
        labels.bouts,
        not_scored=labels.not_scored,
        scored=(*labels.scored, *spans),
        videos=labels.videos,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _why_left_out(stretch: PairedStretch) -> str:
    if NOT_SCORED in (stretch.first, stretch.second):
        return "not_scored_seconds"
    return "only_first_seconds" if stretch.second == UNLABELLED else "only_second_seconds"


def _sampled_run(run: Run, fps: float) -> Run:
    sampled = []
    for one in run:
        first, last = (_first_sample(x, fps) for x in (one.start_seconds, one.end_seconds))
        if last > first:
            sampled.append(PairedStretch(first / fps, last / fps, one.first, one.second))
    return tuple(sampled)


def _first_sample(seconds: float, fps: float) -> int:
    """The number of the first sample at or after a time."""
    nearest = round(seconds * fps)
    return nearest if is_one_instant(nearest / fps, seconds) else math.ceil(seconds * fps)


def is_behaviour(what: str) -> bool:
    """Whether it is the name of one, and not that none happened."""
    return what not in (NONE_OF_THESE, NOT_SCORED, UNLABELLED)
