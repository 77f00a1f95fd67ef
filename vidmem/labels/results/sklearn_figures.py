"""What scikit-learn computes, from matrices of seconds or counts; the only file that imports it.

Seconds are sample weights there: a pair of classes that holds for 12 s is one sample that weighs
12. It is imported when a figure is first asked for, since that takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]
"""`[classes, classes]`: how much was called the row's class by the first and the column's by the
second, in seconds or counts."""


Classes = NDArray[np.intp]


@dataclass(frozen=True)
class ClassFigures:
    """Of each class; `None` where there is nothing to divide by."""

    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    """`None` only of a class that neither the labels nor the predictions have."""


def confusion(first: list[int], second: list[int], weights: list[float], size: int) -> Amounts:
    """How much weight each pair of classes has."""
    if not first:
        return np.zeros((size, size))
    from sklearn.metrics import confusion_matrix

    labels: Any = list(range(size))
    return np.asarray(
        confusion_matrix(first, second, labels=labels, sample_weight=weights), dtype=np.float64
    )


def kappa(amounts: Amounts) -> float:
    """Cohen's kappa (1960) of a matrix in which it is defined: not all in one cell."""
    from sklearn.metrics import cohen_kappa_score

    first, second, weights = _as_samples(amounts)
    return float(cohen_kappa_score(first, second, sample_weight=weights))


def class_figures(amounts: Amounts) -> ClassFigures:
    """Precision, recall and F1 of each class; rows are labels, columns predictions."""
    from sklearn.metrics import precision_recall_fscore_support

    size = len(amounts)
    first, second, weights = _as_samples(amounts)
    if not len(first):
        return ClassFigures(*((None,) * size for _ in range(3)))
    undefined: Any = np.nan  # a number that no class can have, so that it is found again
    found = precision_recall_fscore_support(
        first,
        second,
        labels=list(range(size)),
        sample_weight=weights,
        zero_division=undefined,
    )
    return ClassFigures(*(tuple(_or_none(x) for x in np.asarray(one)) for one in found[:3]))


def average_precision(
    is_class: NDArray[np.bool_], probabilities: Amounts, weights: Amounts
) -> float | None:
    """Area under the precision-recall curve, as a sum of steps; `None`: the class never happens."""
    if not is_class.any():
        return None
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(is_class, probabilities, sample_weight=weights))


def _as_samples(amounts: Amounts) -> tuple[Classes, Classes, Amounts]:
    """A sample for each pair of classes that happens, with its weight."""
    first, second = np.nonzero(amounts)
    return first, second, amounts[first, second]


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
