"""Spool's parts: context frames, and blocks whose heads look back or ahead in time.

Letters: B batch, T real frames, P tokens of a frame, L tokens of the sequence (`T * P`, with the
context frames and padding if there are any), D width, A heads, E width per head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vidmem.nn.capture import hand_over_frames
from vidmem.nn.frame_attention import (
    FrameBackend,
    attend_frames,
    attend_newest_frames,
    newest_frames,
)
from vidmem.nn.frames import FrameLayout


class ContextFrames(nn.Module):
    """A learned frame before the first and one after the last."""

    def __init__(self, tokens_per_frame: int, dim: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.empty(tokens_per_frame, dim))
        self.end = nn.Parameter(torch.empty(tokens_per_frame, dim))
        for frame in (self.start, self.end):
            nn.init.trunc_normal_(frame, std=0.02)

    def forward(self, frames: Tensor) -> Tensor:
        """`[B, T, P, D]` to `[B, T + 2, P, D]`."""
        start, end = (
            x.to(frames.dtype).expand(len(frames), 1, -1, -1) for x in (self.start, self.end)
        )
        return torch.cat([start, frames, end], 1)


class FrameAttention(nn.Module):
    """Self-attention of frames; the first heads look back, the others ahead."""

    def __init__(self, dim: int, num_heads: int, num_offsets: int | None) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.offset_bias = (
            None if num_offsets is None else nn.Parameter(torch.zeros(num_heads, num_offsets))
        )

    def forward(
        self,
        tokens: Tensor,
        layout: FrameLayout,
        backend: FrameBackend | None = None,
        *,
        num_newest: int | None = None,
    ) -> Tensor:
        """`[B, L, D]` to `[B, L, D]`, or to fewer: see `TemporalBlock`."""
        q_BALE, k_BALE, v_BALE = (
            self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        )
        hand_over_frames(q_BALE, k_BALE, layout, self.offset_bias)
        options: Any = {"offset_bias": self.offset_bias, "backend": backend}
        if num_newest is None:
            out = attend_frames(q_BALE, k_BALE, v_BALE, layout, **options)
        else:
            out = attend_newest_frames(q_BALE, k_BALE, v_BALE, layout, num_newest, **options)
        return self.proj(out.transpose(1, 2).flatten(2))


class TemporalBlock(nn.Module):
    """Pre-norm attention over frames, then MLP, each added to what came in."""

    def __init__(
        self, dim: int, num_heads: int, *, dropout: float = 0.0, num_offsets: int | None = None
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attention = FrameAttention(dim, num_heads, num_offsets)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        tokens: Tensor,
        layout: FrameLayout,
        backend: FrameBackend | None = None,
        *,
        num_newest: int | None = None,
    ) -> Tensor:
        """`[B, L, D]` to `[B, L, D]`.

        Args:
            tokens: Of a sequence of frames.
            layout: Who sees whom.
            backend: None: what `resolve_frame_backend` says.
            num_newest: Give the last so many real frames and the context frames alone.
        """
        attended = self.attention(self.norm1(tokens), layout, backend, num_newest=num_newest)
        if num_newest is not None:
            tokens = newest_frames(tokens, layout, num_newest)
        tokens = tokens + self.dropout(attended)
        del attended  # or it would be held while the hidden layer is
        return tokens + self.dropout(self.mlp(self.norm2(tokens)))
