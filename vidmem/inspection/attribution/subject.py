"""What is to be explained: a clip, the state before it, and the score of one class.

Effects are measured in log-odds, `log(p / (1 - p))`: a sure model's probability hardly moves, while
its log-odds still do. One follows from the other, so both are given.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.architectures import inspection_record
from vidmem.inspection.attribution.empty_slots import empty_slots
from vidmem.models import Grid, StepOutput, StreamModel
from vidmem.renamed import renamed_fields

Seen = Grid | Tensor
"""What a model makes of a clip before it reads memory; see `see`."""


@dataclass(frozen=True)
class Score:
    """The score of one class."""

    log_odds: float

    @property
    def probability(self) -> float:
        """The same as a probability."""
        if self.log_odds < 0:  # exp of a large positive number would overflow
            return 1 - Score(-self.log_odds).probability
        return 1 / (1 + math.exp(-self.log_odds))


@renamed_fields({"seen": "encoded"})
@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A clip, the state before it, and the class whose score is to be explained."""

    model: StreamModel
    """In eval mode, as `vidmem.load` gives it."""

    clip: Tensor
    """`[1, T, 3, H, W]`, normalised as the model's card says."""

    state: Any
    """The state of one stream, before the clip; it is not changed."""

    class_index: int
    """Place in the card's class names."""

    first_index: int = 0
    """The number of the window that the state counts as clip 0."""

    def __post_init__(self) -> None:
        num_classes = len(self.model.card.class_names)
        is_class = 0 <= self.class_index < num_classes
        # Log-odds are of one class against the others, so there must be others.
        if not is_class or len(self.among) < 2:
            raise SettingError(
                f"class_index must be one of at least two classes, got {self.class_index} of "
                f"{len(self.among) if is_class else num_classes}"
            )
        if len(self.clip) != 1 or self.state.slot_clips.shape[0] != 1:
            raise ValueError(
                f"one clip of one stream can be explained at a time, got {len(self.clip)} and a "
                f"state of {self.state.slot_clips.shape[0]}; take state.select([row])"
            )

    @property
    def among(self) -> range:
        """The classes of its axis, which it is one of."""
        first = 0
        for axis in self.model.card.all_axes:
            own = range(first, first + len(axis.class_names))
            if self.class_index in own:
                return own
            first = own.stop
        return range(0)

    def log_odds(self, logits: Tensor) -> Tensor:
        """Of the class, in logits `[..., num_classes]`; see `log_odds`."""
        return log_odds(logits, self.class_index, self.among)

    @property
    def remembered(self) -> tuple[int, ...]:
        """Numbers of the windows in memory, oldest first."""
        clips = self.state.slot_clips[0].tolist()
        return tuple(self.first_index + clip for clip in clips if clip >= 0)

    @cached_property
    def encoded(self) -> Seen:
        """`see` of the clip; made once, without gradients."""
        # Kept in `__dict__`, past the frozen fields, so the subject can stay frozen.
        with torch.no_grad():
            return see(self.model, self.clip)

    @torch.no_grad()
    def score(self, *, without: Collection[int] = ()) -> Score:
        """The score when the slots of some windows are empty.

        Raises:
            ValueError: If one of the windows is not in memory.
        """
        return score_of(self.logits(without=without), self.class_index, self.among)

    def logits(self, *, without: Collection[int] = ()) -> Tensor:
        """`[1, num_classes]`, with these slots empty; with gradients if they are on."""
        unknown = set(without) - set(self.remembered)
        if unknown:
            raise ValueError(
                f"windows {sorted(unknown)} are not in memory, which holds {self.remembered}"
            )
        state = self.state
        if without:
            state = empty_slots(state, {index - self.first_index for index in without})
        return continue_step(self.model, self.encoded, state).logits


def log_odds(logits: Tensor, class_index: int, among: range | None = None) -> Tensor:
    """Log-odds of one class against the others: `[..., num_classes]` to `[...]`, float64.

    Logarithms of probabilities do as well as logits.

    Args:
        logits: Of all classes.
        class_index: Of the class.
        among: The classes that exclude each other (`Subject.among`); `None`: all.
    """
    # Not by way of p: a sure model's 1 - p rounds to 0.
    logits, among = logits.double(), among or range(logits.shape[-1])
    others = torch.cat(
        [logits[..., among.start : class_index], logits[..., class_index + 1 : among.stop]], -1
    )
    return logits[..., class_index] - others.logsumexp(-1)


def score_of(logits: Tensor, class_index: int, among: range | None = None) -> Score:
    """The score of a class in logits `[num_classes]` or `[1, num_classes]`; see `log_odds`."""
    return Score(float(log_odds(logits.detach().flatten(), class_index, among)))


def see(model: StreamModel, clip: Tensor) -> Seen:
    """The part of a model's step that does not depend on memory, so that it need not run again.

    For FAM Swin the stages before the first memory read, for Spool the features of the frames; for
    other models the clip itself. With gradients if they are on.
    """
    return inspection_record(model).encode(model, clip)


def continue_step(
    model: StreamModel, seen: Seen, state: Any, clip_seconds: Tensor | None = None
) -> StepOutput:
    """The rest of the model's step, from what `see` made of the clip."""
    return inspection_record(model).step_encoded(model, seen, state, clip_seconds)
