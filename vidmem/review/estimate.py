"""How much of a model's time is right, once what was checked counts as right: an estimate.

A model's probabilities are all that is known of time that nobody has looked at, and they may be too
high on footage that it was not taught on. Blind checks say by how much: one shift of all log-odds
makes them come true there on average. That is *calibration in the large* (Steyerberg, Clinical
Prediction Models, 2nd edition, 2019, section 15.3), here with a prior, so that one check alone does
not turn the estimate over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidmem.errors import SettingError
from vidmem.review.blind import BlindCheck
from vidmem.review.bouts import ReviewBout, order_bouts

PRIOR_SPREAD = 1.0
"""Standard deviation, in log-odds, of how far a model's probabilities are off before any check: at
one of them, 0.9 may as well be 0.77 or 0.96."""

SURELY = 0.005
"""No probability counts as nearer to 0 or 1 than this: of no bout is nothing to be learnt."""

INTERVAL_SPREADS = 1.96
"""To each side: 95 of 100 cases."""

_MOST_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class AccuracyEstimate:
    """Share of a model's time that is right."""

    accuracy: float
    """0 to 1, checked time counted as right."""

    low: float
    high: float
    """Where it lies in 95 of 100 cases; only what blind checks leave open of the probabilities."""

    checked_seconds: float
    unsaid_seconds: float
    num_blind: int
    shift: float
    """Of log-odds, that blind checks showed: below 0 the model is less often right than it says."""


@dataclass(frozen=True)
class WorthChecking:
    """What going over the next bouts would bring."""

    num_bouts: int
    seconds: float
    accuracy: float
    """Estimated, once these are checked."""


def estimate_accuracy(
    bouts: Sequence[ReviewBout], checks: Sequence[BlindCheck] = ()
) -> AccuracyEstimate | None:
    """The share of a model's time that is right, when what people said of it is put in its place.

    Args:
        bouts: Of one model, axis and set of videos.
        checks: Blind ones of the same model and axis.

    Returns:
        `None`: there is no time to tell of.
    """
    unsaid = np.array([one.unsaid_seconds for one in bouts])
    checked = sum(one.agreed_seconds + one.differing_seconds for one in bouts)
    shift, spread = fit_shift(checks)
    total = checked + float(unsaid.sum())
    if not total > 0:
        return None

    def accuracy(at: float) -> float:
        return (checked + float(unsaid @ _shifted(_confidences(bouts), at))) / total

    around = INTERVAL_SPREADS * spread
    return AccuracyEstimate(
        accuracy=accuracy(shift),
        low=accuracy(shift - around),
        high=accuracy(shift + around),
        checked_seconds=checked,
        unsaid_seconds=float(unsaid.sum()),
        num_blind=len(checks),
        shift=shift,
    )


def worth_checking(
    bouts: Sequence[ReviewBout],
    checks: Sequence[BlindCheck] = (),
    *,
    least_gain: float = 0.02,
    most_bouts: int = 50,
) -> WorthChecking | None:
    """How many of the most doubtful bouts to check for the estimate to rise by so much.

    Args:
        bouts: As for `estimate_accuracy`.
        checks: Likewise.
        least_gain: Of the estimated accuracy.
        most_bouts: That anybody will go over at a time.

    Returns:
        `None`: nothing is left to check, or so many would not raise it by that.
    """
    if not least_gain > 0:
        raise SettingError(f"least_gain must be above 0, got {least_gain:g}")
    now = estimate_accuracy(bouts, checks)
    if now is None:
        return None
    total = now.checked_seconds + now.unsaid_seconds
    gained = seconds = 0.0
    for number, one in enumerate(order_bouts(bouts, "doubt")[:most_bouts], 1):
        right = float(_shifted(_confidences([one]), now.shift)[0])
        gained += (1 - right) * one.unsaid_seconds / total
        seconds += one.bout.num_seconds
        if gained >= least_gain:
            return WorthChecking(number, seconds, min(1.0, now.accuracy + gained))
    return None


def fit_shift(checks: Sequence[BlindCheck]) -> tuple[float, float]:
    """The shift of log-odds under which probabilities come true, and its standard deviation.

    The mode of its distribution given the checks, by Newton's method, with a normal prior around 0;
    without checks that prior.
    """
    odds = _log_odds(np.array([one.confidence for one in checks]))
    right = np.array([one.right_share for one in checks])
    precision, shift = 1 / PRIOR_SPREAD**2, 0.0
    for _ in range(_MOST_STEPS):
        expected = _probability(odds + shift)
        slope = float((right - expected).sum()) - precision * shift
        curvature = float((expected * (1 - expected)).sum()) + precision
        step = slope / curvature
        shift += math.copysign(min(abs(step), 1.0), step)
        if abs(step) < 1e-9:
            break
    expected = _probability(odds + shift)
    return shift, 1 / math.sqrt(float((expected * (1 - expected)).sum()) + precision)


def _confidences(bouts: Sequence[ReviewBout]) -> NDArray[np.float64]:
    return np.array([one.confidence for one in bouts])


def _shifted(probabilities: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    return _probability(_log_odds(probabilities) + shift)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = probabilities.clip(SURELY, 1 - SURELY)
    return np.log(inside / (1 - inside))


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds))
