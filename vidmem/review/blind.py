"""Random spans that a person judges without the model's opinion: what an estimate is held against.

Bouts that are gone over by doubt are not a fair sample, and who has seen what a model says tends to
agree with it. A blind check is both: drawn at random by time, and shown without a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidmem.errors import SettingError
from vidmem.review.bouts import ReviewBout

LONGEST_BLIND_SECONDS = 10.0
"""Of a span that is judged at one look."""


@dataclass(frozen=True)
class BlindSpan:
    """Where a person shall say what happens, not knowing what a model says."""

    video: str
    subject: str
    axis: str
    start_seconds: float
    end_seconds: float
    behaviour: str
    """That the model names there."""

    confidence: float
    """Its mean probability."""


@dataclass(frozen=True)
class BlindCheck:
    """What came of one."""

    confidence: float
    """Of the model, 0 to 1."""

    right_share: float
    """Of the time that the person could tell: where she said what the model says, 0 to 1."""

    def __post_init__(self) -> None:
        for name in ("confidence", "right_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise SettingError(f"{name} of a blind check must be from 0 to 1, got {value:g}")


def draw_blind_spans(
    bouts: Sequence[ReviewBout], count: int, *, seed: int
) -> tuple[BlindSpan, ...]:
    """Spans drawn at random from the time that nobody has said anything of.

    A bout is drawn as often as it has such time, at most once; of a long one a part is, from where
    chance says.

    Args:
        bouts: Of a model.
        count: Wanted; fewer if there are no more.
        seed: With the same seed and bouts, the same spans.

    Returns:
        In the order in which they are to be shown, which is chance, too.
    """
    if count < 0:
        raise SettingError(f"the number of blind checks must be at least 0, got {count}")
    # Where a person has said something of a part, which part is free is not known here.
    free = [one for one in bouts if one.said_seconds == 0 and one.bout.num_seconds > 0]
    if not free or not count:
        return ()
    rng = np.random.default_rng(seed)
    seconds = np.array([one.bout.num_seconds for one in free])
    count = min(count, len(free))
    drawn = rng.choice(len(free), count, replace=False, p=seconds / seconds.sum())
    return tuple(_span(free[int(at)], rng) for at in drawn)


def _span(one: ReviewBout, rng: np.random.Generator) -> BlindSpan:
    bout = one.bout
    spare = max(0.0, bout.num_seconds - LONGEST_BLIND_SECONDS)
    start = bout.start_seconds + spare * float(rng.random())
    return BlindSpan(
        video=bout.video,
        subject=bout.subject,
        axis=one.axis,
        start_seconds=start,
        end_seconds=min(bout.end_seconds, start + LONGEST_BLIND_SECONDS),
        behaviour=bout.behaviour,
        confidence=one.confidence,
    )
