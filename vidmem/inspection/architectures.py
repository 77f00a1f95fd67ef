"""What inspection can show of each kind of model: a record for each.

A model of another kind needs none: its clips and pixels can be tested, but no attention is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from vidmem.inspection.fam_swin import (
    fam_swin_encode,
    fam_swin_reaches_pixels,
    fam_swin_step_encoded,
    fam_swin_tokens,
    fam_swin_view,
    fam_swin_with_tokens,
)
from vidmem.inspection.memory_tokens import MemoryTokens
from vidmem.inspection.spool import (
    spool_reaches_pixels,
    spool_tokens,
    spool_view,
    spool_with_tokens,
)
from vidmem.models import (
    FamSwinConfig,
    SpoolConfig,
    StepOutput,
    StreamModel,
)

AttentionView = Literal["memory", "heads"]
"""`memory`: `view_memory` shows reads of remembered clips. `heads`: `view_heads` and `view_frame`
show where heads look over the frames of a window."""


@dataclass(frozen=True, kw_only=True)
class TokenAccess:
    """How the tokens that a kind of model remembers are read and replaced."""

    read: Callable[[Any, Tensor, Any], list[MemoryTokens]]
    """From the model, the clip now, and the state before it."""

    replaced: Callable[[Any, Sequence[Tensor]], Any]
    """The state with other tokens, one tensor for each memory that `read` gave."""


def _encode_nothing(model: StreamModel, clip: Tensor) -> Tensor:
    return clip


def _step(model: StreamModel, clip: Tensor, state: Any, seconds: Tensor | None) -> StepOutput:
    return model.step(clip, state, seconds)


@dataclass(frozen=True, kw_only=True)
class InspectionRecord:
    """What inspection can show of a kind of model; the defaults hold for any."""

    encode: Callable[[Any, Tensor], Any] = _encode_nothing
    """The part of a step that comes before the past is read: from the model and a clip."""

    step_encoded: Callable[[Any, Any, Any, Tensor | None], StepOutput] = _step
    """The rest of the step: from the model, what `encode` gave, the state, and the clip's times."""

    view: Callable[[Any], AttentionView | None] = lambda config: None
    """Which attention can be shown, by the config."""

    tokens: TokenAccess | None = None
    """None: there are no tokens in memory to differentiate."""

    reaches_pixels: Callable[[Any], bool] = lambda model: True
    """Whether gradients reach the pixels."""


INSPECTIONS: dict[type, InspectionRecord] = {
    FamSwinConfig: InspectionRecord(
        encode=fam_swin_encode,
        step_encoded=fam_swin_step_encoded,
        view=fam_swin_view,
        tokens=TokenAccess(read=fam_swin_tokens, replaced=fam_swin_with_tokens),
        reaches_pixels=fam_swin_reaches_pixels,
    ),
    SpoolConfig: InspectionRecord(
        encode=lambda model, clip: model.encode(clip),
        step_encoded=lambda model, *rest: model.step_features(*rest),
        view=spool_view,
        tokens=TokenAccess(read=spool_tokens, replaced=spool_with_tokens),
        reaches_pixels=spool_reaches_pixels,
    ),
}
"""The records, by the class of the model's config."""

_ANY = InspectionRecord()


def inspection_record(model: StreamModel) -> InspectionRecord:
    """What inspection can show of a model."""
    return INSPECTIONS.get(type(model.config), _ANY)


def attention_view(model: StreamModel) -> AttentionView | None:
    """Which attention of a model can be shown; None: none."""
    return inspection_record(model).view(model.config)


def has_memory_tokens(model: StreamModel) -> bool:
    """Whether `memory_gradients` works for a model."""
    return inspection_record(model).tokens is not None


def reaches_pixels(model: StreamModel) -> bool:
    """Whether `pixel_gradients` works for a model."""
    return inspection_record(model).reaches_pixels(model)
