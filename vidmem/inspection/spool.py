"""What inspection can show of a Spool: where its heads look, and the features in its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from vidmem.inspection.memory_tokens import MemoryTokens
from vidmem.models import Spool, SpoolConfig, SpoolState


def spool_view(config: SpoolConfig) -> Literal["heads"]:
    """Attention of its lookback and lookahead heads."""
    return "heads"


def spool_reaches_pixels(model: Spool) -> bool:
    """Whether gradients reach the pixels: none come through a frozen image encoder."""
    if model.config.features is not None:
        return False
    return model.backbone is None or not model.backbone.config.is_frozen


@torch.no_grad()
def spool_tokens(model: Spool, clip: Tensor, state: SpoolState) -> list[MemoryTokens]:
    """The features of the window; the baseline is the features of neutral frames."""
    height, width = clip.shape[3:]
    # Zeros are the mean colour after normalisation; as many frames as one that the blocks see.
    pixels = clip.new_zeros(1, model.config.frame_step, 3, height, width)
    frame = model.encode(pixels)[0, 0].to(state.queue.tokens.dtype)
    nothing = frame.repeat(state.clip_frames, 1)
    grid = (state.clip_frames, *model.token_grid(height, width))
    return [MemoryTokens.of(None, state.queue.tokens, nothing, grid)]


def spool_with_tokens(state: SpoolState, tokens: Sequence[Tensor]) -> SpoolState:
    """The state with other features `[1, S, M, D]`."""
    return replace(state, queue=replace(state.queue, tokens=tokens[0]))
