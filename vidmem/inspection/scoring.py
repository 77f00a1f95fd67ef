"""What is to be explained: a clip, the state that it met, and the score of one class.

Scores move in log-odds, `log(p / (1 - p))`: there a sure model's doubts still count, while its
probability hardly moves. Each stands for the other, so both are given.
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
from vidmem.inspection.slots import empty_slots
from vidmem.models import FamSwin, Grid, Spool, StepOutput, StreamModel

Seen = Grid | Tensor
"""What a model makes of a clip before it looks at what came before; see `see`."""


@dataclass(frozen=True)
class Score:
    """How much a model is for one class."""

    log_odds: float

    @property
    def probability(self) -> float:
        """The same as a probability."""
        if self.log_odds < 0:
            return 1 - Score(-self.log_odds).probability
        return 1 / (1 + math.exp(-self.log_odds))


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A clip, the state that it met, and the class whose score is to be explained."""

    model: StreamModel
    """In eval mode, as `vidmem.load` gives it."""

    clip: Tensor
    """`[1, T, 3, H, W]`, normalised as the model's card says."""

    state: Any
    """Of one stream, as the clip met it; it is left as it is."""

    class_index: int
    """Of the card's class names."""

    first_index: int = 0
    """The number of the window that the state counts as clip 0."""

    def __post_init__(self) -> None:
        num_classes = len(self.model.card.class_names)
        if num_classes < 2 or not 0 <= self.class_index < num_classes:
            raise SettingError(
                f"class_index must be one of at least two classes, got {self.class_index} of "
                f"{num_classes}"
            )
        if len(self.clip) != 1 or self.state.slot_clips.shape[0] != 1:
            raise ValueError(
                f"one clip of one stream can be explained at a time, got {len(self.clip)} and a "
                f"state of {self.state.slot_clips.shape[0]}; take state.select([row])"
            )

    @property
    def remembered(self) -> tuple[int, ...]:
        """Numbers of the windows in memory, oldest first."""
        clips = self.state.slot_clips[0].tolist()
        return tuple(self.first_index + clip for clip in clips if clip >= 0)

    @cached_property
    def seen(self) -> Seen:
        """See `see`; made once, without gradients."""
        with torch.no_grad():
            return see(self.model, self.clip)

    @torch.no_grad()
    def score(self, *, without: Collection[int] = ()) -> Score:
        """The score when the slots of some windows are empty.

        Raises:
            ValueError: If one of the windows is not in memory.
        """
        return score_of(self.logits(without=without), self.class_index)

    def logits(self, *, without: Collection[int] = ()) -> Tensor:
        """`[1, num_classes]`, likewise; with gradients if they are on."""
        unknown = set(without) - set(self.remembered)
        if unknown:
            raise ValueError(
                f"windows {sorted(unknown)} are not in memory, which holds {self.remembered}"
            )
        state = self.state
        if without:
            state = empty_slots(state, {index - self.first_index for index in without})
        return judge(self.model, self.seen, state).logits


def log_odds(logits: Tensor, class_index: int) -> Tensor:
    """Of one class against all others: `[..., num_classes]` to `[...]`, float64.

    Logarithms of probabilities do as well as logits.
    """
    logits = logits.double()
    others = torch.cat([logits[..., :class_index], logits[..., class_index + 1 :]], -1)
    return logits[..., class_index] - others.logsumexp(-1)


def score_of(logits: Tensor, class_index: int) -> Score:
    """The score of a class in logits `[num_classes]` or `[1, num_classes]`."""
    return Score(float(log_odds(logits.detach().flatten(), class_index)))


def see(model: StreamModel, clip: Tensor) -> Seen:
    """All that a model makes of a clip by itself, so that it need not be made again.

    FAM Swin's part before the first memory read, the features of Spool's frames; of other models
    the clip. With gradients if they are on.
    """
    if isinstance(model, FamSwin):
        return model.trunk(clip)
    return model.encode(clip) if isinstance(model, Spool) else clip


def judge(
    model: StreamModel, seen: Seen, state: Any, clip_seconds: Tensor | None = None
) -> StepOutput:
    """The model's step for a clip that was seen (`see`)."""
    if isinstance(model, FamSwin) and isinstance(seen, Grid):
        return model.step_trunk(seen, state, clip_seconds)
    assert isinstance(seen, Tensor), "only FAM Swin sees a grid"
    if isinstance(model, Spool):
        return model.step_features(seen, state, clip_seconds)
    return model.step(seen, state, clip_seconds)
