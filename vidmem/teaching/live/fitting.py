"""The linear head of a lesson, fitted anew to all of its examples, in a fraction of a second."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vidmem.labels import NO_CLASS
from vidmem.models import FeatureConfig, RawFeatures, Reduction
from vidmem.teaching.linear import LinearHead, fit_linear
from vidmem.teaching.live.examples import LessonExamples
from vidmem.teaching.live.held_features import HeldFeatures

FIT_FRAMES = 256
"""Feature frames that the reduction is fitted to: enough for its 32 components."""

STRENGTHS = (0.1, 1.0, 10.0)
"""Every other one of `linear.STRENGTHS`: fitted in half of the time, and told the rest of a video
no worse."""

REDUCED_FRAMES = 256
"""Reduced at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedLesson:
    """What was learnt from the examples so far."""

    reduction: Reduction
    head: LinearHead
    left_out_f1: float | None
    """Macro-F1 on examples that were left out, in turn and whole; `None`: there are too few. It is
    that of the best of a few strengths of regularisation, so a little too good."""

    seconds: float
    """That fitting took."""

    @torch.no_grad()
    def probabilities(self, raw: RawFeatures) -> tuple[float, ...]:
        """Of each behaviour, for one feature frame."""
        logits = self.head.logits(self.reduction(raw).mean(0)[None].numpy())
        return tuple(torch.from_numpy(logits)[0].softmax(0).tolist())


def fit_lesson(
    config: FeatureConfig, held: HeldFeatures, examples: LessonExamples
) -> FittedLesson | None:
    """Fit to what is held of the examples; the reduction to all that is held.

    Args:
        config: What is taken of each frame.
        held: The features.
        examples: What was shown.

    Returns:
        `None`: fewer than two behaviours were shown.
    """
    started = time.perf_counter()
    classes = examples.classes(held.seconds)
    in_time = np.argsort(held.seconds, kind="stable")
    rows = in_time[classes[in_time] != NO_CLASS]
    if len(np.unique(classes[rows])) < 2:
        return None
    some = held.rows(in_time[:: -(-len(in_time) // FIT_FRAMES)])
    in_float32 = RawFeatures(some.tokens.float(), some.cell_motion, some.frame_motion)
    # Without the limit of what is unlike: it takes five times as long, and is not used here.
    reduction = Reduction.fit(config, in_float32, num_blocks=0)
    head = fit_linear(
        _frame_values(reduction, held, rows),
        classes[rows],
        len(examples.axis.class_names),
        examples.fold_groups(held.seconds[rows]),
        STRENGTHS,
    )
    return FittedLesson(
        reduction=reduction,
        head=head,
        left_out_f1=None if examples.too_few() else head.fold_f1,
        seconds=time.perf_counter() - started,
    )


@torch.no_grad()
def _frame_values(
    reduction: Reduction, held: HeldFeatures, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """`[n, F]`: the mean over the places of each frame, as the linear head sees it."""
    pieces = np.split(rows, range(REDUCED_FRAMES, len(rows), REDUCED_FRAMES))
    return torch.cat([reduction(held.rows(one)).mean(1) for one in pieces]).numpy()
