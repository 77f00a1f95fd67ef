"""Logistic regression on the features of a frame: fitted first, within seconds.

With minutes of labels it is hard to beat, so the temporal models start from it. The only file that
wraps scikit-learn's solver.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Inverse regularisation, from strong to weak: which one holds is found on blocks left out."""

NUM_FOLDS = 5
MAX_CLASS_WEIGHT = 4.0
_TIE = 0.002
MAX_ROWS = 20_000
"""Beyond it, every n-th frame is enough."""

MAX_SEARCH_ROWS = 4_000
"""With these a strength is found: thirty fits to all of an hour's labels would take minutes."""

Values = NDArray[np.float32]
Classes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Logits from the features of a frame."""

    weight: NDArray[np.float32]
    """`[C, F]`"""

    bias: NDArray[np.float32]
    """`[C]`"""

    strength: float
    """Of those that were tried, the one chosen."""

    fold_f1: float = 0.0
    """Macro-F1 on the folds that were left out in the search for it."""

    def logits(self, values: Values) -> NDArray[np.float32]:
        """`[N, F]` to `[N, C]`."""
        return values @ self.weight.T + self.bias


def class_weights(classes: Classes, num_classes: int) -> NDArray[np.float32]:
    """Weights `[C]` of the loss: by the inverse square root of how often a class is labelled.

    Capped, since a class of few frames would decide all; their mean over labelled frames is 1.
    """
    counts = np.bincount(classes, minlength=num_classes)
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    weights = np.minimum(weights / weights.min(), MAX_CLASS_WEIGHT)
    return (weights * counts.sum() / max((weights * counts).sum(), 1)).astype(np.float32)


def fit_linear(
    values: Values,
    classes: Classes,
    num_classes: int,
    groups: Sequence[int] | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> LinearHead:
    """Fit a head to labelled frames, in the order of time.

    Args:
        values: `[N, F]`.
        classes: `[N]`, each from 0 to C - 1; those that are absent are never predicted.
        num_classes: C.
        groups: `[N]`, such as the number of the video: where there are enough of them, whole ones
            are left out in the search for a strength. None: all are of one.
        strengths: That are tried, from strong to weak regularisation; each takes five fits.
    """
    step = max(1, -(-len(values) // MAX_ROWS))
    values, classes = values[::step], classes[::step]
    present = np.unique(classes)  # may be none: an axis of which these frames say nothing
    weight = np.zeros((num_classes, values.shape[1]), np.float32)
    bias = np.full(num_classes, -20.0, np.float32)  # of a class that nobody labelled
    if len(present) < 2:
        bias[present] = 0.0
        return LinearHead(weight, bias, strengths[0])
    given = np.zeros(len(values), int) if groups is None else np.asarray(groups)[::step]
    some = slice(None, None, -(-len(values) // MAX_SEARCH_ROWS))
    with _one_blas_thread():
        strength, fold_f1 = _best_strength(
            values[some], classes[some], num_classes, given[some], strengths
        )
        fitted = _solved(values, classes, num_classes, strength)
    weight[present], bias[present] = fitted
    return LinearHead(weight, bias, strength, fold_f1)


def _one_blas_thread() -> AbstractContextManager[object]:
    """These matrices are small, and several threads wait for each other in loops.

    Beside other work two of them took several times as long as one, for tens of rows as for 20,000.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")


def _best_strength(
    values: Values,
    classes: Classes,
    num_classes: int,
    groups: NDArray[np.int64],
    strengths: Sequence[float],
) -> tuple[float, float]:
    """By contiguous folds: of strengths that are about as good, the strongest regularisation.

    Beside it, its macro-F1 on these.
    """
    folds = _folds(groups)
    best, best_score = strengths[0], -1.0
    for strength in strengths:
        predicted = np.full(len(classes), -1)
        for fold in folds:
            rest = np.setdiff1d(np.arange(len(classes)), fold)
            present = np.unique(classes[rest])
            if len(present) < 2:
                predicted[fold] = present[0]
                continue
            weight, bias = _solved(values[rest], classes[rest], num_classes, strength)
            predicted[fold] = present[(values[fold] @ weight.T + bias).argmax(1)]
        score = macro_f1(classes, predicted, num_classes)
        if score > best_score + _TIE:
            best, best_score = strength, score
    return best, best_score


def _folds(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    names = np.unique(groups)
    if len(names) >= NUM_FOLDS:
        shares = np.array_split(names, NUM_FOLDS)
        return [np.flatnonzero(np.isin(groups, share)) for share in shares]
    return [fold for fold in np.array_split(np.arange(len(groups)), NUM_FOLDS) if len(fold)]


def _solved(
    values: Values, classes: Classes, num_classes: int, strength: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and biases of the classes that are present, in order."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weights = class_weights(classes, num_classes)[classes]
    model = LogisticRegression(C=strength, max_iter=1000)
    with warnings.catch_warnings():
        # After so many steps what is left to gain is far below what other labels would change.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values, classes, sample_weight=weights)
    weight, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(weight) == 1:  # of two classes it gives the difference
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.stack([-bias[0], bias[0]]) / 2
    return weight.astype(np.float32), bias.astype(np.float32)


def macro_f1(classes: Classes, predicted: Classes, num_classes: int) -> float:
    """Over the classes that either has."""
    scores = []
    for index in range(num_classes):
        hits = int(((classes == index) & (predicted == index)).sum())
        both = int((classes == index).sum() + (predicted == index).sum())
        if both:
            scores.append(2 * hits / both)
    return float(np.mean(scores)) if scores else 0.0
