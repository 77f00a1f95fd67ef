"""The bouts of a model beside what people said of the same time, in an order to go over them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from vidmem.errors import SettingError
from vidmem.labels import NOT_SCORED, Bout, ClassProbabilities, Labels, Stretch

Order = Literal["doubt", "disagreement", "confidence", "time"]

ORDERS: tuple[Order, ...] = get_args(Order)

CHECKED_SHARE = 0.9
"""Of a bout's time of which a person has to have said something, for it to count as checked: edges
are dragged, and what is left over at them is not worth another look."""


@dataclass(frozen=True, kw_only=True)
class ReviewBout:
    """One bout of a model, and what a person said while it lasts."""

    bout: Bout
    """Its score is the mean probability of its behaviour."""

    axis: str
    agreed_seconds: float
    """A person said the same."""

    differing_seconds: float
    """A person said another behaviour, or that none of the axis happened."""

    not_scored_seconds: float
    """A person said that it cannot be told: neither right nor wrong."""

    @property
    def confidence(self) -> float:
        """Mean probability of what it names, 0 to 1; of a bout without a score 0: all is doubt."""
        return self.bout.score or 0.0

    @property
    def said_seconds(self) -> float:
        """Of it a person said something."""
        return self.agreed_seconds + self.differing_seconds + self.not_scored_seconds

    @property
    def unsaid_seconds(self) -> float:
        """Of it nobody said anything."""
        return max(0.0, self.bout.num_seconds - self.said_seconds)

    @property
    def is_checked(self) -> bool:
        """Whether a person has been over it, before or after the model."""
        return self.said_seconds >= CHECKED_SHARE * self.bout.num_seconds

    @property
    def doubt_seconds(self) -> float:
        """Of the time that nobody has checked so much is expected to be wrong."""
        return (1 - self.confidence) * self.unsaid_seconds


def review_bouts(predicted: Labels, said: Labels) -> tuple[ReviewBout, ...]:
    """The states of a model, each beside what people said of its time and subject.

    Args:
        predicted: Bouts of a model, with scores; points are left out.
        said: What people said; behaviours and axes go by their names. An axis that it does not
            have is one of which nobody said anything.

    Returns:
        By video, subject and axis, in order of time.
    """
    found = []
    for track in predicted.tracks:
        timeline = _Timeline(
            said.timeline(track.video, track.axis, track.subject)
            if track.axis in said.ethogram.axes
            else ()
        )
        for bout in predicted.states_of(track):
            agreed = differing = not_scored = 0.0
            for what, seconds in timeline.within(bout.start_seconds, bout.end_seconds):
                if what == bout.behaviour:
                    agreed += seconds
                elif what == NOT_SCORED:
                    not_scored += seconds
                else:
                    differing += seconds
            found.append(
                ReviewBout(
                    bout=bout,
                    axis=track.axis,
                    agreed_seconds=agreed,
                    differing_seconds=differing,
                    not_scored_seconds=not_scored,
                )
            )
    return tuple(found)


def order_bouts(bouts: Iterable[ReviewBout], by: Order) -> tuple[ReviewBout, ...]:
    """Those worth a look, the first first.

    * *doubt*: not checked yet, where most seconds are expected to be wrong.
    * *disagreement*: a person said something else of some of it; the surest of the model first,
      since there one of the two is mistaken for a reason.
    * *confidence*: not checked yet, the surest first: to skim.
    * *time*: all of them.

    Raises:
        SettingError: If there is no such order.
    """
    if by not in ORDERS:
        raise SettingError(f"the order must be one of {', '.join(ORDERS)}, got {by!r:.60}")
    keys: dict[Order, Callable[[ReviewBout], float]] = {
        "doubt": lambda one: -one.doubt_seconds,
        "disagreement": lambda one: -one.confidence,
        "confidence": lambda one: -one.confidence,
        "time": lambda one: 0.0,
    }
    is_shown: dict[Order, Callable[[ReviewBout], bool]] = {
        "doubt": lambda one: not one.is_checked,
        "disagreement": lambda one: one.differing_seconds > 0,
        "confidence": lambda one: not one.is_checked,
        "time": lambda one: True,
    }
    # Of equals, the earlier first: the order is the same each time that it is asked for.
    chosen = sorted(filter(is_shown[by], bouts), key=lambda one: one.bout.sort_key)
    return tuple(sorted(chosen, key=keys[by]))


def class_probabilities_of(
    probabilities: ClassProbabilities, start_seconds: float, end_seconds: float
) -> dict[str, float]:
    """The mean probability of each class over a span, the most probable first.

    Empty where nothing was predicted of it.
    """
    overlap = np.minimum(probabilities.end_seconds, end_seconds) - np.maximum(
        probabilities.start_seconds, start_seconds
    )
    weights = overlap.clip(min=0)
    if not weights.sum() > 0:
        return {}
    means = (weights @ probabilities.probabilities / weights.sum()).tolist()
    named = zip(probabilities.class_names, means, strict=True)
    return dict(sorted(named, key=lambda one: -one[1]))


class _Timeline:
    """What was said of a track, looked up by time."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches
        self._starts = [one.start_seconds for one in stretches]

    def within(self, start_seconds: float, end_seconds: float) -> Iterable[tuple[str, float]]:
        """What was said within a span, and of how many seconds of it."""
        first = max(0, bisect_right(self._starts, start_seconds) - 1)
        for one in self._stretches[first:]:
            if one.start_seconds >= end_seconds:
                return
            seconds = min(one.end_seconds, end_seconds) - max(one.start_seconds, start_seconds)
            if seconds > 0:
                yield one.what, seconds
