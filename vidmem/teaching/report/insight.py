"""What more labels would bring, how sure to be, and what to label next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidmem.labels import NO_CLASS
from vidmem.models import CardAxis
from vidmem.teaching.linear import fit_linear
from vidmem.teaching.report.report import AxisCalibration, CurvePoint, Suggestion, macro_f1_of
from vidmem.teaching.report.scoring import (
    Examination,
    Logits,
    axis_probabilities,
    calibration_bins,
    calibration_error,
    fit_temperature,
)
from vidmem.teaching.samples import TaughtVideo

BUDGET_SECONDS = (15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0)
PIECE_SECONDS = 5.0
NUM_DRAWS = 5
SUGGESTED_SECONDS = 10.0
NUM_SUGGESTIONS = 5


def learning_curve(
    test: Examination, on_share: Callable[[float], None] = lambda _: None
) -> tuple[CurvePoint, ...]:
    """What the linear head gets from fewer labels, in short pieces that lie apart.

    Args:
        test: What they are held against; pieces come from what its split learns from.
        on_share: Told before each point which share of them is there.
    """
    videos, axes, split = test.videos, test.axes, test.split
    pieces = [
        (number, frames)
        for number, video in enumerate(videos)
        for frames in _pieces(video, split.mask_learnt(video))
    ]
    lengths = [_seconds(videos[number], frames) for number, frames in pieces]
    total = sum(lengths)
    points = []
    budgets = (*(one for one in BUDGET_SECONDS if one < 0.9 * total), total)
    for number, wanted in enumerate(budgets):
        on_share(number / len(budgets))
        num_draws = NUM_DRAWS if wanted < total else 1
        drawn = [
            _score(videos, axes, _draw(pieces, lengths, wanted, seed), test)
            for seed in range(num_draws)
        ]
        by_axis = np.array(drawn, dtype=float)
        points.append(
            CurvePoint(
                seconds=round(wanted, 1),
                macro_f1=tuple(by_axis.mean(0).tolist()),
                lowest=tuple(by_axis.min(0).tolist()),
                highest=tuple(by_axis.max(0).tolist()),
            )
        )
    return tuple(points)


def calibrations(
    stop: Examination,
    stop_logits: Mapping[str, Logits],
    test: Examination,
    logits: Mapping[str, Logits],
) -> tuple[AxisCalibration, ...]:
    """Of each axis: found on the time that tells when to stop, told of the time kept to test.

    Args:
        stop: Of the time that tells when to stop.
        stop_logits: Of a network that has not learnt from that time: else it would be too sure.
        test: Of the time kept to test with.
        logits: Of the model, for whole videos.
    """
    found = []
    for axis in range(len(test.axes)):
        temperature = fit_temperature(stop, stop_logits, axis)
        sure, right = test.confidences(logits, axis, temperature)
        estimates = []
        for video in test.videos:
            own = axis_probabilities(logits[video.key] / temperature, test.axes)[axis]
            estimates.append(own[test.is_unlabelled(video)[axis]].max(1, initial=0.0))
        unlabelled = np.concatenate(estimates)
        found.append(
            AxisCalibration(
                temperature=temperature,
                error=calibration_error(sure, right),
                estimated_accuracy=float(unlabelled.mean()) if len(unlabelled) else None,
                bins=calibration_bins(sure, right),
            )
        )
    return tuple(found)


def label_next(exam: Examination, logits: Mapping[str, Logits]) -> tuple[Suggestion, ...]:
    """Stretches that nobody labelled, in which the model is in most doubt; they do not overlap.

    Args:
        exam: Of any part: all videos, and what a person said of them.
        logits: Of the model, for whole videos.
    """
    found = []
    for video in exam.videos:
        doubts = [1 - own.max(1) for own in axis_probabilities(logits[video.key], exam.axes)]
        is_free = exam.is_unlabelled(video).all(0)
        doubt = np.where(is_free, np.mean(doubts, axis=0), np.nan)
        found += _stretches(video, doubt)
    best = sorted(found, key=lambda one: -one.doubt)[:NUM_SUGGESTIONS]
    return tuple(best)


def _stretches(video: TaughtVideo, doubt: NDArray[np.float64]) -> list[Suggestion]:
    places = (video.start_seconds // SUGGESTED_SECONDS).astype(int)
    found = []
    for frames in np.split(np.arange(len(places)), np.flatnonzero(np.diff(places)) + 1):
        if np.isnan(doubt[frames]).any():  # somebody has looked at some of it already
            continue
        start, end = float(video.start_seconds[frames[0]]), float(video.end_seconds[frames[-1]])
        mean = float(doubt[frames].mean())
        found.append(Suggestion(video.name, start, end, mean, video.subject))
    return found


def _pieces(video: TaughtVideo, mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The frames of each short stretch of labelled time."""
    frames = np.flatnonzero(mask)
    if not len(frames):
        return []
    places = (video.times_seconds[frames] // PIECE_SECONDS).astype(int)
    return np.split(frames, np.flatnonzero(np.diff(places)) + 1)


def _seconds(video: TaughtVideo, frames: NDArray[np.int64]) -> float:
    return float((video.end_seconds[frames] - video.start_seconds[frames]).sum())


def _draw(
    pieces: Sequence[tuple[int, NDArray[np.int64]]],
    lengths: Sequence[float],
    wanted: float,
    seed: int,
) -> list[tuple[int, NDArray[np.int64]]]:
    drawn, seconds = [], 0.0
    for index in np.random.default_rng(seed).permutation(len(pieces)):
        if seconds >= wanted:
            break
        drawn.append(pieces[index])
        seconds += lengths[index]
    return drawn


def _score(
    videos: Sequence[TaughtVideo],
    axes: Sequence[CardAxis],
    drawn: Sequence[tuple[int, NDArray[np.int64]]],
    test: Examination,
) -> list[float]:
    heads = []
    values = [video.frame_values for video in videos]
    for axis, own in enumerate(axes):
        # In the order of time, as the search for its strength leaves out stretches.
        ordered = sorted(drawn, key=lambda one: (one[0], int(one[1][0])))
        rows = np.concatenate([values[number][frames] for number, frames in ordered])
        classes = np.concatenate(
            [videos[number].classes[axis][frames] for number, frames in ordered]
        )
        is_in = classes != NO_CLASS
        heads.append(fit_linear(rows[is_in], classes[is_in], len(own.class_names)))
    logits = {
        video.key: np.concatenate([head.logits(own) for head in heads], 1)
        for video, own in zip(videos, values, strict=True)
    }
    return [macro_f1_of(one) or 0.0 for one in test.score(logits)]
