"""Segmental scores of streams: what is asked of stretches of a class, and not of moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

from vidmem.data import LongStream
from vidmem.labels.results.segments import (
    IOU_PERCENTS,
    BoutSegment,
    SegmentalScore,
    levenshtein,
    match_segments,
)


@dataclass(frozen=True)
class StreamSegments:
    """The stretches of one stream: those that there are, and those that were predicted."""

    labelled: tuple[BoutSegment, ...]
    predicted: tuple[BoutSegment, ...]

    @classmethod
    def of(cls, stream: LongStream, predicted: Iterable[int], clip_frames: int) -> StreamSegments:
        """Of a stream's samples, and of the class predicted for each of its clips."""
        names, fps = stream.class_names, stream.fps
        labelled = [
            (part.start_frame, part.end_frame, names[part.sample.classes[0]])
            for part in stream.parts
        ]
        said = [
            (start, min(start + clip_frames, stream.num_frames), names[index])
            for start, index in zip(
                range(0, stream.num_frames, clip_frames), predicted, strict=True
            )
        ]
        return cls(_joined(labelled, fps), _joined(said, fps))


def segmental_scores_of(streams: Sequence[StreamSegments]) -> dict[str, float]:
    """Segmental F1 at 10, 25 and 50 % overlap over all streams, and the mean edit score.

    See `vidmem.labels.results.segments`.
    """
    scores = {}
    for percent in IOU_PERCENTS:
        matches = [match_segments(one.labelled, one.predicted, percent) for one in streams]
        right = sum(len(one.pairs) for one in matches)
        score = SegmentalScore(
            iou_percent=percent,
            num_true_positives=right,
            num_false_positives=sum(one.num_predicted for one in matches) - right,
            num_false_negatives=sum(one.num_labelled for one in matches) - right,
        )
        scores[f"segmental_f1_{percent}"] = score.f1 or 0.0
    return {**scores, "edit_score": fmean(map(_edit_score, streams))}


def _edit_score(stream: StreamSegments) -> float:
    orders = [[one.behaviour for one in side] for side in (stream.labelled, stream.predicted)]
    return 1 - levenshtein(*orders) / max(map(len, orders))


def _joined(stretches: Sequence[tuple[int, int, str]], fps: float) -> tuple[BoutSegment, ...]:
    """Stretches in a row, touching ones of a class as one."""
    joined = []
    for name, group in groupby(stretches, key=lambda one: one[2]):
        own = list(group)
        joined.append(BoutSegment(own[0][0] / fps, own[-1][1] / fps, name))
    return tuple(joined)
