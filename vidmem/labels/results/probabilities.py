"""Average precision of a model's probabilities, against what a person said at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidmem.labels.postprocessing import ClassProbabilities
from vidmem.labels.results import sklearn_figures
from vidmem.labels.results.pairing import PairedTrack
from vidmem.labels.results.sklearn_figures import Amounts


def average_precisions(
    pairs: Sequence[PairedTrack],
    class_names: Sequence[str],
    probabilities: Mapping[str, ClassProbabilities],
) -> dict[str, float | None]:
    """Of each class that there are probabilities of, over all videos, each moment by its length.

    Args:
        pairs: *First* are the labels.
        class_names: Which classes.
        probabilities: By video.

    Returns:
        `None` for a class that the labels do not have.
    """
    parts = [
        _part(one, probabilities[one.track.video], class_names)
        for one in pairs
        if one.runs and one.track.video in probabilities
    ]
    if not parts:
        return {}
    truth = np.concatenate([one[0] for one in parts])
    scores = np.concatenate([one[1] for one in parts])
    weights = np.concatenate([one[2] for one in parts])
    known = {name for one in probabilities.values() for name in one.class_names}
    return {
        name: sklearn_figures.average_precision(truth == index, scores[:, index], weights)
        for index, name in enumerate(class_names)
        if name in known
    }


def _part(
    pair: PairedTrack, given: ClassProbabilities, class_names: Sequence[str]
) -> tuple[NDArray[np.int64], Amounts, Amounts]:
    """Class, probabilities and seconds of each piece of time in which both stay as they are."""
    stretches = [one for run in pair.runs for one in run]
    starts, ends = (
        np.array([getattr(one, name) for one in stretches])
        for name in ("start_seconds", "end_seconds")
    )
    edges = np.unique(np.concatenate([starts, ends, given.start_seconds, given.end_seconds]))
    middles, lengths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    at = np.searchsorted(starts, middles, side="right") - 1
    sample = np.searchsorted(given.start_seconds, middles, side="right") - 1
    is_in = (at >= 0) & (sample >= 0)
    is_in &= (middles < ends[at]) & (middles < given.end_seconds[sample])
    at, sample = at[is_in], sample[is_in]
    codes = {name: index for index, name in enumerate(class_names)}
    truth = np.array([codes[one.first] for one in stretches])[at]
    scores = np.zeros((len(sample), len(codes)))  # a class that the model lacks has none
    for column, name in enumerate(given.class_names):
        if name in codes:
            scores[:, codes[name]] = given.probabilities[sample, column]
    return truth, scores, lengths[is_in]
