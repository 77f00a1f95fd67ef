"""How right a model is, and what is left to do, in a sentence."""

from __future__ import annotations

from app.pages.review.reviewed import ReviewedRun
from app.pages.review.words import (
    ALL_CHECKED,
    ALL_NOT_SCORED,
    CHECKED,
    ESTIMATED,
    LITTLE_WORTH,
    NO_BLIND,
    NO_BOUTS,
    ONE_BLIND,
    SOME_BLIND,
    UNLIKE,
    WORTH,
)
from vidmem.review import AccuracyEstimate, WorthChecking, worth_checking

LEAST_GAIN = 0.02
"""By which the estimate has to rise for more checking to be advised."""

MOST_BOUTS = 50
"""That anybody goes over at a time."""


def progress_words(reviewed: ReviewedRun) -> str:
    """How far the review is, how right the model is by estimate, and what more would bring."""
    bouts = reviewed.bouts
    if not bouts:
        return NO_BOUTS
    checks = reviewed.blind_checks
    num_checked = sum(one.is_checked for one in bouts)
    if num_checked == len(bouts):
        return ALL_CHECKED.format(count=f"{len(bouts):,}")
    if not reviewed.can_be_told:
        return ALL_NOT_SCORED
    words = CHECKED.format(num=f"{num_checked:,}", all=f"{len(bouts):,}")
    if (estimate := reviewed.estimate) is None:
        return f"{words}; {UNLIKE}"
    worth = worth_checking(bouts, checks, least_gain=LEAST_GAIN, most_bouts=MOST_BOUTS)
    num_left = min(MOST_BOUTS, len(bouts) - num_checked)
    return f"{words}; {_estimated(estimate)}; {_worth(worth, num_left)}."


def blind_words(reviewed: ReviewedRun) -> str:
    """What the estimate rests on besides the model's own probabilities."""
    checks = reviewed.blind_checks
    if not checks:
        return NO_BLIND if reviewed.estimate else ""
    right = round(sum(one.right_share for one in checks))
    if len(checks) == 1:
        return ONE_BLIND.format(right=right)
    return SOME_BLIND.format(right=right, num=len(checks))


def _estimated(estimate: AccuracyEstimate) -> str:
    return ESTIMATED.format(
        accuracy=percent(estimate.accuracy), low=_whole(estimate.low), high=percent(estimate.high)
    )


def _worth(worth: WorthChecking | None, num_left: int) -> str:
    if worth is None:
        return LITTLE_WORTH.format(num=num_left, points=round(100 * LEAST_GAIN))
    return WORTH.format(num=worth.num_bouts, accuracy=percent(worth.accuracy))


def percent(share: float) -> str:
    """A share of 0 to 1 in whole percent; of what is not all, never 100."""
    return f"{_whole(share)}\N{NO-BREAK SPACE}%"


def _whole(share: float) -> int:
    return 100 if share >= 1 else min(99, round(100 * share))
