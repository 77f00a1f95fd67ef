"""Attention under a bias or a mask: one call, and which way of computing it runs.

| backend | what |
| --- | --- |
| `sdpa` | `scaled_dot_product_attention`; the default |
| `dense` | plain matrix products, readable; the reference of the tests |

Letters: B batch, A heads, Q queries, K keys, E width per head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Backend = Literal["sdpa", "dense"]
BACKENDS: tuple[Backend, ...] = ("sdpa", "dense")


@dataclass(frozen=True)
class BackendChoice:
    """Which backend runs, and why."""

    name: Backend
    reason: str


def resolve_backend(device: torch.device | str) -> BackendChoice:
    """Decide, once and visibly, how attention is computed on a device."""
    kind = torch.device(device).type
    return BackendChoice("sdpa", f"scaled_dot_product_attention is exact and fused on {kind}")


def attend(
    q_BAQE: Tensor,
    k_BAKE: Tensor,
    v_BAKE: Tensor,
    *,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    backend: Backend = "sdpa",
) -> Tensor:
    """Scaled dot-product attention.

    Args:
        q_BAQE: Queries.
        k_BAKE: Keys.
        v_BAKE: Values.
        bias: Added to the scores, broadcast to `[B, A, Q, K]`.
        mask: Boolean, true where a query may attend, broadcast likewise. Not together with `bias`.
        backend: `sdpa` or `dense`.

    Returns:
        `[B, A, Q, E]`.

    Raises:
        ValueError: If both bias and mask are given, or the backend is unknown.
    """
    if bias is not None and mask is not None:
        raise ValueError("attend takes a bias or a mask, got both; add -inf to the bias instead")
    if backend == "sdpa":
        attn_mask = mask if bias is None else bias.expand(1, *bias.shape[-3:])
        return F.scaled_dot_product_attention(q_BAQE, k_BAKE, v_BAKE, attn_mask=attn_mask)
    if backend == "dense":
        return attention_weights(q_BAQE, k_BAKE, bias=bias, mask=mask) @ v_BAKE
    raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")


def attention_weights(
    q_BAQE: Tensor, k_BAKE: Tensor, *, bias: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """The probabilities `[B, A, Q, K]` that `attend` weighs the values with."""
    scores = q_BAQE @ k_BAKE.transpose(-1, -2) * q_BAQE.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1)
