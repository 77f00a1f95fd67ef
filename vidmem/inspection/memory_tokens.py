"""The tokens in memory as tensors to differentiate, with tokens that say nothing beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vidmem.inspection.scoring import Subject
from vidmem.models import FamSwin, Spool
from vidmem.nn.memory import MemoryAttention
from vidmem.nn.pooling import memory_grid

Size3 = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryTokens:
    """One memory of a stream."""

    stage: int | None
    """Of FAM Swin; None: Spool's features."""

    tokens: Tensor
    """`[1, S, M, D]`, float32, empty slots included."""

    nothing: Tensor
    """`[1, S, M, D]`: what would say nothing."""

    grid: Size3
    """Times, rows and columns of the M tokens of a clip."""


@torch.no_grad()
def memory_tokens(subject: Subject) -> list[MemoryTokens]:
    """What a stream remembers, stage by stage.

    FAM Swin's no-memory token in every slot says nothing: where all values are alike, the read is
    that value whatever the attention, and so it is with empty slots, where the no-memory token is
    all there is to read. For Spool it is what its encoder makes of a neutral frame.

    Raises:
        TypeError: If the model is neither.
    """
    model, state = subject.model, subject.state
    if isinstance(model, FamSwin):
        found = []
        for stage, queue in zip(model.memory_stages, state.queues, strict=True):
            attention = model.memory[str(stage)]
            assert isinstance(attention, MemoryAttention)
            token = attention.no_memory
            nothing = attention.project(token) if state.is_projected else token
            grid = memory_grid(stage, queue.tokens.shape[2])
            found.append(_memory(stage, queue.tokens, nothing, grid))
        return found
    if isinstance(model, Spool):
        height, width = subject.clip.shape[3:]
        assert model.backbone is not None, "it made the clip's features"
        frame = model.encode(subject.clip.new_zeros(1, 1, 3, height, width))[0, 0]
        nothing = frame.repeat(state.clip_frames, 1)
        grid = (state.clip_frames, *model.backbone.token_grid(height, width))
        return [_memory(None, state.queue.tokens, nothing, grid)]
    raise TypeError(f"memory tokens are those of FAM Swin and Spool, got {type(model)}")


def with_tokens(state: Any, tokens: Sequence[Tensor]) -> Any:
    """The state with other tokens `[1, S, M, D]`, one tensor per memory."""
    if hasattr(state, "queue"):
        return replace(state, queue=replace(state.queue, tokens=tokens[0]))
    queues = zip(state.queues, tokens, strict=True)
    return replace(state, queues=tuple(replace(queue, tokens=own) for queue, own in queues))


def _memory(stage: int | None, tokens: Tensor, nothing: Tensor, grid: Size3) -> MemoryTokens:
    tokens = tokens.detach().float()
    return MemoryTokens(
        stage=stage, tokens=tokens, nothing=nothing.float().expand_as(tokens), grid=grid
    )
