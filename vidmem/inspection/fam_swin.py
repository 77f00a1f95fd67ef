"""What inspection can show of a FAM Swin: its reads of memory, and the tokens in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from vidmem.inspection.memory_tokens import MemoryTokens
from vidmem.models import FamSwin, FamSwinConfig, FamSwinState, Grid, StepOutput
from vidmem.nn.memory import MemoryAttention


def fam_swin_view(config: FamSwinConfig) -> Literal["memory"] | None:
    """Attention over memory, where there is one."""
    return "memory" if config.memory else None


def fam_swin_encode(model: FamSwin, clip: Tensor) -> Grid | Tensor:
    """What comes before memory is read: the trunk, or features of frames."""
    if model.config.features is None:
        return model.trunk(clip)
    assert model.encoder is not None, "it gave the clip's features"
    return model.encoder(clip)


def fam_swin_step_encoded(
    model: FamSwin, encoded: Grid | Tensor, state: FamSwinState, seconds: Tensor | None
) -> StepOutput:
    """The rest of a step."""
    if isinstance(encoded, Grid):
        return model.step_trunk(encoded, state, seconds)
    return model.step_features(encoded, state, seconds)


def fam_swin_reaches_pixels(model: FamSwin) -> bool:
    """Whether gradients reach the pixels: none come through a frozen image encoder."""
    return model.config.features is None


@torch.no_grad()
def fam_swin_tokens(model: FamSwin, clip: Tensor, state: FamSwinState) -> list[MemoryTokens]:
    """What a stream remembers, stage by stage; the baseline is the no-memory token in all slots."""
    # Where all values are alike, the read is that value whatever the attention: the same read as
    # from empty slots, where the no-memory token is all that there is.
    memories = []
    for stage, queue in zip(model.memory_stages, state.queues, strict=True):
        attention = model.memory[str(stage)]
        assert isinstance(attention, MemoryAttention)
        token = attention.no_memory
        nothing = attention.project(token) if state.is_projected else token
        grid = model.config.memory_grid(stage)
        memories.append(MemoryTokens.of(stage, queue.tokens, nothing, grid))
    return memories


def fam_swin_with_tokens(state: FamSwinState, tokens: Sequence[Tensor]) -> FamSwinState:
    """The state with other tokens `[1, S, M, D]`, one tensor per stage."""
    queues = zip(state.queues, tokens, strict=True)
    return replace(state, queues=tuple(replace(queue, tokens=own) for queue, own in queues))
