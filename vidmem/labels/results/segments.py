"""Segmental F1, edit score and errors of edges: what is asked of bouts, and not of moments.

    labels     |----- lying -----|   |-- standing --|
    predicted  |-- lying --|  |st.|     |-- standing --|
    at 50 %    right          wrong     right

As the evaluation of MS-TCN does (Farha and Gall 2019, CVPR, `eval.py`), on seconds instead of
frames: a predicted segment is right if, of the labelled segments of its behaviour, the one that it
overlaps most reaches the threshold and was not found before. One whose best segment is taken is
wrong, even if it would reach the threshold with another. Time of no behaviour (the background) is
no segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np

from vidmem.labels.results.pairing import PairedTrack, Run, is_behaviour

Side = Literal["first", "second"]

IOU_PERCENTS = (10, 25, 50)

EDGES_AT_IOU_PERCENT = 10
"""Segments that overlap less are not of one bout; a higher bound would hide the large errors."""


@dataclass(frozen=True)
class BoutSegment:
    """A bout within what both scored."""

    start_seconds: float
    end_seconds: float
    behaviour: str

    has_start: bool = True
    """Whether its start was seen: it is not where the scoring began."""

    has_end: bool = True


@dataclass(frozen=True, kw_only=True)
class SegmentMatches:
    """Of one video's one track."""

    pairs: tuple[tuple[int, int], ...]
    """Index of a labelled and of a predicted segment: right ones."""

    num_labelled: int
    num_predicted: int


@dataclass(frozen=True, kw_only=True)
class SegmentalScore:
    """How many bouts are found, over all videos."""

    iou_percent: int
    """Overlap, of both together, that a right one has at least."""

    num_true_positives: int
    num_false_positives: int
    num_false_negatives: int

    @property
    def f1(self) -> float | None:
        """2 TP / (2 TP + FP + FN), 0 to 1; `None`: there are no segments."""
        wrong = self.num_false_positives + self.num_false_negatives
        whole = 2 * self.num_true_positives + wrong
        return 2 * self.num_true_positives / whole if whole else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "iou_percent": self.iou_percent,
            "f1": self.f1,
            "num_true_positives": self.num_true_positives,
            "num_false_positives": self.num_false_positives,
            "num_false_negatives": self.num_false_negatives,
        }


@dataclass(frozen=True, kw_only=True)
class EdgeErrors:
    """How far predicted starts (or ends) are from labelled ones, of matched segments."""

    num_edges: int
    """Without those where what both scored begins or ends: nobody chose them."""

    median_seconds: float | None
    """Of the distances without their sign; `None`: no edges."""

    percentile_90_seconds: float | None
    mean_signed_seconds: float | None
    """Above 0: predicted too late."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "num_edges": self.num_edges,
            "median_seconds": self.median_seconds,
            "percentile_90_seconds": self.percentile_90_seconds,
            "mean_signed_seconds": self.mean_signed_seconds,
        }


def segments_of(runs: Iterable[Run], side: Side) -> list[BoutSegment]:
    """Bouts of one account in what both scored, in order; touching ones of a behaviour are one."""
    found: list[BoutSegment] = []
    for run in runs:
        start, end = run[0].start_seconds, run[-1].end_seconds
        open_at, what = start, getattr(run[0], side)
        for one in (*run[1:], None):
            if one is not None and getattr(one, side) == what:
                continue
            until = end if one is None else one.start_seconds
            if is_behaviour(what):
                found.append(BoutSegment(open_at, until, what, open_at > start, until < end))
            if one is not None:
                open_at, what = one.start_seconds, getattr(one, side)
    return found


def match_segments(
    labelled: Sequence[BoutSegment], predicted: Sequence[BoutSegment], iou_percent: float
) -> SegmentMatches:
    """Which predicted segments are right, of one video."""
    starts, ends = (
        np.array([getattr(one, name) for one in labelled], dtype=np.float64)
        for name in ("start_seconds", "end_seconds")
    )
    names = np.array([one.behaviour for one in labelled], dtype=object)
    taken: set[int] = set()
    pairs = []
    for index, one in enumerate(predicted if labelled else ()):
        overlaps = np.minimum(ends, one.end_seconds) - np.maximum(starts, one.start_seconds)
        wholes = np.maximum(ends, one.end_seconds) - np.minimum(starts, one.start_seconds)
        ious = overlaps / wholes * (names == one.behaviour)
        best = int(ious.argmax())
        # One billionth below, since a fourth of 0.8 s may be 0.19999999 of decimal fractions.
        if ious[best] >= iou_percent / 100 - 1e-9 and best not in taken:
            taken.add(best)
            pairs.append((best, index))
    return SegmentMatches(
        pairs=tuple(pairs), num_labelled=len(labelled), num_predicted=len(predicted)
    )


def segmental_scores(
    pairs: Sequence[PairedTrack], iou_percents: Sequence[int] = IOU_PERCENTS
) -> tuple[SegmentalScore, ...]:
    """At each threshold, with right and wrong ones counted over all videos."""
    tracks = [_both_sides(one) for one in pairs]
    scores = []
    for percent in iou_percents:
        matches = [match_segments(*one, percent) for one in tracks]
        right = sum(len(one.pairs) for one in matches)
        scores.append(
            SegmentalScore(
                iou_percent=percent,
                num_true_positives=right,
                num_false_positives=sum(one.num_predicted for one in matches) - right,
                num_false_negatives=sum(one.num_labelled for one in matches) - right,
            )
        )
    return tuple(scores)


def edit_score(pairs: Sequence[PairedTrack]) -> float | None:
    """How alike the order of bouts is, 0 to 1, whatever their times: the mean of the videos.

    One less the Levenshtein distance of the two orders, divided by the longer one. `None`: there
    are no segments.
    """
    scores = []
    for one in pairs:
        labelled, predicted = ([s.behaviour for s in side] for side in _both_sides(one))
        if longest := max(len(labelled), len(predicted)):
            scores.append(1 - levenshtein(labelled, predicted) / longest)
    return fmean(scores) if scores else None


def edge_errors(pairs: Sequence[PairedTrack]) -> tuple[EdgeErrors, EdgeErrors]:
    """Of starts, and of ends, of segments that match at `EDGES_AT_IOU_PERCENT`."""
    starts, ends = [], []
    for labelled, predicted in map(_both_sides, pairs):
        for i, j in match_segments(labelled, predicted, EDGES_AT_IOU_PERCENT).pairs:
            truth, found = labelled[i], predicted[j]
            if truth.has_start and found.has_start:
                starts.append(found.start_seconds - truth.start_seconds)
            if truth.has_end and found.has_end:
                ends.append(found.end_seconds - truth.end_seconds)
    return _edge_errors(starts), _edge_errors(ends)


def levenshtein(first: Sequence[str], second: Sequence[str]) -> int:
    """The fewest insertions, deletions and replacements that make one of the other."""
    names = np.array(list(second), dtype=object)
    steps = np.arange(len(second) + 1)
    row = steps.copy()
    for number, name in enumerate(first, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (names != name))
        # An insertion costs one more than the cell to the left: the least of all to the left.
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1])


def _both_sides(pair: PairedTrack) -> tuple[list[BoutSegment], list[BoutSegment]]:
    return segments_of(pair.runs, "first"), segments_of(pair.runs, "second")


def _edge_errors(differences: list[float]) -> EdgeErrors:
    if not differences:
        return EdgeErrors(
            num_edges=0, median_seconds=None, percentile_90_seconds=None, mean_signed_seconds=None
        )
    distances = np.abs(differences)
    return EdgeErrors(
        num_edges=len(differences),
        median_seconds=round(float(np.median(distances)), 6),
        percentile_90_seconds=round(float(np.percentile(distances, 90)), 6),
        mean_signed_seconds=round(fmean(differences), 6),
    )
