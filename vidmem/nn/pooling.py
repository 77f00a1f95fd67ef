"""Tokens of a stage to memory tokens, each with its place and time in the clip."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from vidmem.nn.attention_windows import Size3

_LARGEST_SIDE = {1: 8, 2: 8, 3: 8, 4: 4}
"""Cells across the picture that a stage's memory keeps at most; the last stage is coarser."""


def memory_grid(stage: int, tokens_per_clip: int) -> Size3:
    """Share `tokens_per_clip` out over time, height and width: the widest square that divides it.

    128 tokens are (2, 8, 8) at stage 3 and (8, 4, 4) at stage 4.
    """
    side = _LARGEST_SIDE[stage]
    while tokens_per_clip % (side * side):
        side //= 2
    return (tokens_per_clip // (side * side), side, side)


def square_grid(tokens_per_clip: int, largest_side: int) -> Size3:
    """As `memory_grid`, with squares of any side up to `largest_side`, which need be no power of 2.

    >>> square_grid(18, 6)
    (2, 3, 3)
    """
    side = min(largest_side, math.isqrt(tokens_per_clip))
    while tokens_per_clip % (side * side):
        side -= 1
    return (tokens_per_clip // (side * side), side, side)


def grid_pool(features_BTHWD: Tensor, grid: Size3) -> Tensor:
    """Average a stage's output over a grid of cells: `[B, T, H, W, D]` to `[B, M, D]`.

    A stage smaller than the grid repeats its tokens, so that M is the same for every clip size.
    """
    pooled = F.adaptive_avg_pool3d(features_BTHWD.permute(0, 4, 1, 2, 3), grid)
    return pooled.flatten(2).transpose(1, 2)
