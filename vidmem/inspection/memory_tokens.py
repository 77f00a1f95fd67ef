"""The tokens in memory as tensors to differentiate, with the baseline of integrated gradients."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vidmem.nn.attention_windows import Size3


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryTokens:
    """One memory of a stream."""

    stage: int | None
    """Stage of a FAM Swin, from 1; None: Spool's features."""

    tokens: Tensor
    """`[1, S, M, D]`, float32, empty slots included."""

    nothing: Tensor
    """`[1, S, M, D]`: the baseline, tokens that say nothing."""

    grid: Size3
    """Times, rows and columns of the M tokens of a clip."""

    @classmethod
    def of(cls, stage: int | None, tokens: Tensor, nothing: Tensor, grid: Size3) -> MemoryTokens:
        """Both in float32, cut off from the graph, and of one shape."""
        tokens = tokens.detach().float()
        return cls(stage=stage, tokens=tokens, nothing=nothing.float().expand_as(tokens), grid=grid)
