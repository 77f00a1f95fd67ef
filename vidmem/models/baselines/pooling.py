"""Tokens of all frames, pooled and classified: what time adds is measured from here."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PooledFrames(nn.Module):
    """A classifier on the mean of all tokens, or on what a learned query takes of them.

    Args:
        width: D.
        num_classes: C.
        num_heads: Of the query's attention (attentive probing, as in Bardes et al.,
            arXiv:2404.08471, section 4); `None`: the mean.
    """

    def __init__(self, width: int, num_classes: int, *, num_heads: int | None = None) -> None:
        super().__init__()
        self.query, self.attention = None, None
        if num_heads is not None:
            self.query = nn.Parameter(torch.randn(width) * width**-0.5)
            self.attention = nn.MultiheadAttention(width, num_heads, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, tokens_BTPD: Tensor) -> Tensor:
        """`[B, T, P, D]` to logits `[B, C]`."""
        tokens_BLD = tokens_BTPD.flatten(1, 2)
        if self.attention is None or self.query is None:
            return self.head(self.norm(tokens_BLD.mean(1)))
        query = self.query.expand(len(tokens_BLD), 1, -1)
        pooled, _ = self.attention(query, tokens_BLD, tokens_BLD, need_weights=False)
        return self.head(self.norm(pooled[:, 0]))
