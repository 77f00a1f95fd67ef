"""Attention under a bias or a mask: one call, three ways to compute it.

| backend | what |
| --- | --- |
| `sdpa` | `scaled_dot_product_attention`; exact, differentiable, any device |
| `pieces` | matrix products in pieces that stay in the cache, for bf16 on CPUs without AMX |
| `dense` | plain matrix products, readable; the reference of the tests |

Torch's fused kernel for CPUs computes its scores in float32 whatever the dtype. Where a CPU has
tiles for bf16 (AMX) it is quicker all the same: 2 to 3 times as quick as `pieces` for the windows
and the memory of Swin-T (torch 2.13, 2026-11-21). Elsewhere `pieces` keeps scores in bf16.

Letters: B batch, A heads, Q queries, K keys, E width per head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Backend = Literal["sdpa", "pieces", "dense"]
BACKENDS: tuple[Backend, ...] = ("sdpa", "pieces", "dense")

PIECE_BYTES = 4 << 20
"""Scores held at a time by `pieces`: about what the caches of two cores hold."""


@dataclass(frozen=True)
class BackendChoice:
    """Which backend runs, and why."""

    name: Backend
    reason: str


def resolve_backend(device: torch.device | str, dtype: torch.dtype) -> BackendChoice:
    """Decide how inference computes attention on a device.

    Training, and what is compiled, always takes `sdpa`.
    """
    kind = torch.device(device).type
    # torch 2.13 has no public name for this test.
    if kind == "cpu" and dtype == torch.bfloat16 and not torch.cpu._is_amx_tile_supported():
        reason = "bf16 matrix products in cache-sized pieces, for a CPU without AMX"
        return BackendChoice("pieces", reason)
    return BackendChoice("sdpa", f"torch's scaled_dot_product_attention, for {dtype} on {kind}")


def attend(
    q_BAQE: Tensor,
    k_BAKE: Tensor,
    v_BAKE: Tensor,
    *,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Scaled dot-product attention.

    Args:
        q_BAQE: Queries.
        k_BAKE: Keys.
        v_BAKE: Values.
        bias: Added to the scores: `[A, Q, K]`, the same for every batch row, or `[B, A, Q, K]`,
            any of them 1; -inf where a query may not attend.
        mask: Boolean `[B, 1, 1, K]`, true where a query may attend; not together with `bias`.
        backend: None: what `resolve_backend` says.

    Returns:
        `[B, A, Q, E]`.

    Raises:
        ValueError: If both bias and mask are given, or the backend is unknown.
    """
    if bias is not None and mask is not None:
        raise ValueError("attend takes a bias or a mask, got both; put -inf into the bias instead")
    if backend is None:
        inputs = (q_BAQE, k_BAKE, v_BAKE) if bias is None else (q_BAQE, k_BAKE, v_BAKE, bias)
        needs_grad = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
        # `pieces` works in place, in a Python loop: neither gradients nor a compiler can use it.
        is_plain = not needs_grad and not torch.compiler.is_compiling()
        backend = resolve_backend(q_BAQE.device, q_BAQE.dtype).name if is_plain else "sdpa"
    if backend == "sdpa":
        attn_mask = mask if bias is None else _with_batch(bias)
        return F.scaled_dot_product_attention(q_BAQE, k_BAKE, v_BAKE, attn_mask=attn_mask)
    if backend == "pieces":
        return _attend_in_pieces(q_BAQE, k_BAKE, v_BAKE, bias=bias, mask=mask)
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


def _attend_in_pieces(
    q_BAQE: Tensor, k_BAKE: Tensor, v_BAKE: Tensor, *, bias: Tensor | None, mask: Tensor | None
) -> Tensor:
    q_BAQE, k_BAEK = q_BAQE.contiguous(), k_BAKE.contiguous().transpose(-1, -2)
    v_BAKE = v_BAKE.contiguous()
    # Laid out as [B, Q, A, E], so that the caller joins the heads without a copy.
    output_BQAE = q_BAQE.new_empty(*(q_BAQE.shape[i] for i in (0, 2, 1, 3)))
    output_BAQE = output_BQAE.transpose(1, 2)
    scale = q_BAQE.shape[-1] ** -0.5
    whole_bias = None if bias is None else _with_batch(bias).expand(*q_BAQE.shape[:3], -1)
    row_bytes = k_BAKE.shape[2] * k_BAKE.element_size()
    for b, a, q in _pieces(q_BAQE.shape, row_bytes):
        # The queries are scaled, not the scores: E numbers instead of K for each query.
        scores = torch.matmul(q_BAQE[b, a, q] * scale, k_BAEK[b, a])
        if whole_bias is not None:
            scores += whole_bias[b, a, q]
        if mask is not None:
            scores.masked_fill_(~mask[b], float("-inf"))
        output_BAQE[b, a, q] = torch.matmul(scores.softmax(-1), v_BAKE[b, a])
    return output_BAQE


def _with_batch(bias: Tensor) -> Tensor:
    return bias if bias.ndim == 4 else bias[None]


def _pieces(shape: torch.Size, row_bytes: int) -> Iterator[tuple[slice, slice, slice]]:
    """Cut batch, heads and queries so that the scores of a piece take about `PIECE_BYTES`."""
    num_batch, num_heads, num_queries = shape[:3]
    batch, heads, queries = piece_lengths(num_heads, num_queries, row_bytes)
    for b in range(0, num_batch, batch):
        for a in range(0, num_heads, heads):
            for q in range(0, num_queries, queries):
                yield slice(b, b + batch), slice(a, a + heads), slice(q, q + queries)


def piece_lengths(num_heads: int, num_queries: int, row_bytes: int) -> tuple[int, int, int]:
    """Rows of the batch, heads and queries of one of the `pieces`, at most.

    Args:
        num_heads: Heads of the whole attention.
        num_queries: Queries of the whole attention.
        row_bytes: Bytes of the scores of one query in one head.
    """
    batch = max(1, PIECE_BYTES // (num_heads * num_queries * row_bytes))
    heads, queries = num_heads, num_queries
    # One row of the batch is too large by itself: cut its heads and queries too, but leave enough
    # queries for a matrix product to be worth its call.
    if num_heads * num_queries * row_bytes > 2 * PIECE_BYTES:
        heads = min(4, num_heads)
        queries = max(16, PIECE_BYTES // (heads * row_bytes))
    return batch, heads, queries
