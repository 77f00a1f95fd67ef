"""A user's `mask_mod` asked for many pairs at once, under vmap, as `flex_attention` asks it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_mask

from vidmem.nn.masks import MaskMod

STRIP_CELLS = 1 << 22
"""Pairs evaluated at a time, which bounds the memory that an evaluation needs."""


@dataclass(frozen=True)
class MaskShape:
    """What a mask is over."""

    batch: int
    heads: int
    queries: int
    keys: int

    @property
    def num_pairs(self) -> int:
        """Of all heads and batch rows."""
        return self.batch * self.heads * self.queries * self.keys

    def __str__(self) -> str:
        pairs = f"{self.queries:,} queries, {self.keys:,} keys"
        heads = f", {self.heads:,} heads" if self.heads > 1 else ""
        return f"{pairs}{heads}" + (f", {self.batch:,} batch rows" if self.batch > 1 else "")


def name_of(function: object) -> str:
    """What a predicate is called."""
    return getattr(function, "__name__", type(function).__name__)


def evaluate_like_flex(
    mask_mod: MaskMod,
    query_of: Tensor,
    key_of: Tensor,
    *,
    heads: Tensor | None = None,
    rows: Tensor | None = None,
) -> Tensor:
    """A predicate for some queries and keys; refuses what `flex_attention` would refuse.

    Args:
        mask_mod: Any predicate.
        query_of: `[Q]`, numbers of queries, on the device where it is evaluated.
        key_of: `[K]`, numbers of keys.
        heads: `[A]`, numbers of heads; None: head 0.
        rows: `[B]`, numbers of batch rows; None: row 0.

    Returns:
        `[B, A, Q, K]`, boolean.

    Raises:
        ValueError: If it cannot be asked for many pairs at once, or gives anything but one boolean
            for each; its cause is what torch raised.
    """
    device, name = query_of.device, name_of(mask_mod)
    head_of = torch.zeros(1, dtype=torch.long, device=device) if heads is None else heads
    row_of = torch.zeros(1, dtype=torch.long, device=device) if rows is None else rows

    def of_tokens(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        return mask_mod(row_of[b], head_of[h], query_of[q_idx], key_of[kv_idx])

    # `create_mask` calls the predicate under vmap, as `flex_attention` does: a Python `if` on a
    # tensor fails here too, instead of working on the page and failing in the model.
    sizes = (len(row_of), len(head_of), len(query_of), len(key_of))
    try:
        mask = create_mask(of_tokens, *sizes, device=device)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"the mask_mod {name} cannot be asked for many pairs at once; use tensor arithmetic "
            f"only (&, |, ~, torch.where; no if, and, or, not), and return a tensor: "
            f"{(str(error).splitlines() or [type(error).__name__])[0]}"
        ) from error
    if mask.dtype != torch.bool or mask.ndim != 4:
        raise ValueError(
            f"the mask_mod {name} must return one boolean per pair, got {mask.dtype} of shape "
            f"{list(mask.shape[4:])}"
        )
    if mask.device.type != device.type:
        raise ValueError(f"the mask_mod {name} answers on {mask.device}, asked about {device}")
    return mask


def evaluate_all(mask_mod: MaskMod, shape: MaskShape, device: torch.device) -> Tensor:
    """A predicate for every pair, `[B, A, Q, K]` on the CPU, some queries at a time.

    Raises:
        ValueError: As `evaluate_like_flex`.
    """
    heads, rows = (torch.arange(n, device=device) for n in (shape.heads, shape.batch))
    keys = torch.arange(shape.keys, device=device)
    step = max(1, STRIP_CELLS // (shape.batch * shape.heads * shape.keys))
    strips = [
        evaluate_like_flex(
            mask_mod,
            torch.arange(start, min(start + step, shape.queries), device=device),
            keys,
            heads=heads,
            rows=rows,
        ).cpu()
        for start in range(0, shape.queries, step)
    ]
    return torch.cat(strips, dim=2)
