"""Scores from labels and predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found."""

    precision: float
    recall: float
    f1: float
    support: int
    """Samples that have this label."""


def confusion_matrix(labels: Labels, predicted: Labels, num_classes: int) -> Labels:
    """Count pairs: rows are labels, columns are predictions, `[num_classes, num_classes]`."""
    pairs = labels * num_classes + predicted  # one number for each pair, to be counted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def class_scores(confusion: Labels) -> list[ClassScore]:
    """Precision, recall and F1 of each class; 0 where there is nothing to divide by."""
    hits = np.diag(confusion)
    predicted, support = confusion.sum(0), confusion.sum(1)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(predicted + support, 1)
    rows = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
    return [ClassScore(*row) for row in rows]


def macro_f1(scores: list[ClassScore]) -> float:
    """The plain mean of the classes' F1."""
    return sum(score.f1 for score in scores) / len(scores)


def top_share(scores: NDArray[np.floating], labels: Labels, k: int) -> float:
    """Of the samples, those whose label is among the k highest of `scores` `[N, C]`."""
    highest = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((highest == labels[:, None]).any(1).mean())


def mean_average_precision(scores: NDArray[np.floating], labels: Labels) -> float:
    """The mean, over classes that occur, of the area under precision by recall; no interpolation.

    As `sklearn.metrics.average_precision_score` has it, but for ties, which count in the order of
    the samples there and in the worst one here: a network that says the same of all gains nothing.
    """
    precisions = []
    for index in np.unique(labels):
        is_own = labels == index
        # Among equal scores those of other classes come first.
        order = np.lexsort((is_own, -scores[:, index]))
        hits = is_own[order]
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        precisions.append(precision[hits].mean())
    return float(np.mean(precisions))
