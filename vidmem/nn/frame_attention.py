"""Attention over a sequence of frames: one call, three ways to compute it.

| backend | cost in frames | gradients | what |
| --- | --- | --- | --- |
| `flex` | linear | on CUDA | compiled `flex_attention` under a block mask |
| `sdpa` | linear | yes | a few frames are a batch row beside a copy of the frames they see |
| `dense` | quadratic | yes | plain products under the whole mask; the reference of the tests |

Letters: B batch, A heads, F frames of the sequence, P tokens of a frame, L = F * P, E width per
head, N chunks of C frames (in `bias_AN`: N distances), J the frames that a chunk sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.nn.attention import attend
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import mask_matrix

FrameBackend = Literal["flex", "sdpa", "dense"]
FRAME_BACKENDS: tuple[FrameBackend, ...] = get_args(FrameBackend)

COPY_BYTES = 32 << 20
"""Keys and values that `sdpa` copies at a time."""

CHUNK_TOKENS = 64
"""Queries that share a copy of the keys and values that they see."""


def resolve_frame_backend(device: torch.device | str) -> tuple[FrameBackend, str]:
    """Which backend runs on a device, and why."""
    kind = torch.device(device).type
    if kind == "cuda":
        return "flex", "compiled flex_attention on CUDA (not measured on GPU)"
    return "sdpa", f"frames beside the frames they see, on {kind}: no compiler, and gradients"


def attend_frames(
    q_BALE: Tensor,
    k_BALE: Tensor,
    v_BALE: Tensor,
    layout: FrameLayout,
    *,
    offset_bias: Tensor | None = None,
    backend: FrameBackend | None = None,
) -> Tensor:
    """Scaled dot-product attention of frames in lookback and lookahead heads.

    Args:
        q_BALE: Queries, tokens in frame order.
        k_BALE: Keys.
        v_BALE: Values.
        layout: Who sees whom.
        offset_bias: `[A, N]`, added to the scores between real frames that lie 0, 1, ... frames
            apart; the last entry holds for all beyond.
        backend: None: what `resolve_frame_backend` says.

    Returns:
        `[B, A, L, E]`, zero at padded frames.

    Raises:
        ValueError: If the tensors do not fit the layout.
        SettingError: If the backend is unknown.
        AttentionError: If `flex` cannot compile, or cannot give the gradients asked for.
    """
    if q_BALE.shape[1:3] != (layout.num_heads, layout.length):
        raise ValueError(
            f"queries must have shape [B, {layout.num_heads}, {layout.length}, E] for this "
            f"layout, got {list(q_BALE.shape)}"
        )
    if backend is None:
        backend = resolve_frame_backend(q_BALE.device)[0]
    if backend == "flex":
        from vidmem.nn.flex import flex_attend_frames  # brings torch's compiler: seconds

        return flex_attend_frames(q_BALE, k_BALE, v_BALE, layout, offset_bias)
    if layout.padded_frames:  # only a compiled backend gains from a fixed shape
        there = layout.unpadded()
        q, k, v = (x[:, :, : there.length] for x in (q_BALE, k_BALE, v_BALE))
        out = attend_frames(q, k, v, there, offset_bias=offset_bias, backend=backend)
        return F.pad(out, (0, 0, 0, layout.length - there.length))
    if backend == "dense":
        mask_AQK = mask_matrix(
            layout.mask_mod(), layout.length, layout.length, num_heads=layout.num_heads
        )[0].to(q_BALE.device)
        bias = _dense_bias(layout, offset_bias, q_BALE)
        bias = bias.masked_fill(~mask_AQK, float("-inf"))
        return attend(q_BALE, k_BALE, v_BALE, bias=bias, backend="dense")
    if backend == "sdpa":
        return _attend_banded(q_BALE, k_BALE, v_BALE, layout, offset_bias)
    raise SettingError(f"backend must be one of {', '.join(FRAME_BACKENDS)}, got {backend!r}")


def attend_newest_frames(
    q_BALE: Tensor,
    k_BALE: Tensor,
    v_BALE: Tensor,
    layout: FrameLayout,
    num_newest: int,
    *,
    offset_bias: Tensor | None = None,
    backend: FrameBackend | None = None,
) -> Tensor:
    """As `attend_frames`, for the last `num_newest` real frames and the context frames alone.

    Returns:
        `[B, A, L', E]`: as `newest_frames` of what `attend_frames` gives.
    """
    if (backend or resolve_frame_backend(q_BALE.device)[0]) != "sdpa":
        out = attend_frames(
            q_BALE, k_BALE, v_BALE, layout, offset_bias=offset_bias, backend=backend
        )
        return newest_frames(out, layout, num_newest)
    # Those that they see lie in a shorter sequence; what it gives for its oldest frames is dropped.
    near = layout.newest(num_newest + layout.reach)
    qkv = [newest_frames(x, layout, near.num_frames) for x in (q_BALE, k_BALE, v_BALE)]
    real = _attend_sides(qkv, near, offset_bias)[:, :, -num_newest:].flatten(2, 3)
    if not layout.has_context_frames:
        return real
    start, end = _attend_context(q_BALE, k_BALE, v_BALE, layout)
    return torch.cat([start, real, end], 2)


def newest_frames(tokens: Tensor, layout: FrameLayout, num_newest: int) -> Tensor:
    """The last `num_newest` real frames between the context frames: `[..., L, D]` to less."""
    if num_newest >= layout.num_frames:
        return tokens
    edge = layout.num_context_frames * layout.tokens_per_frame
    newest = tokens[..., -(num_newest * layout.tokens_per_frame + edge) :, :]
    return torch.cat([tokens[..., :edge, :], newest], -2) if edge else newest


def _attend_banded(
    q_BALE: Tensor,
    k_BALE: Tensor,
    v_BALE: Tensor,
    layout: FrameLayout,
    offset_bias: Tensor | None,
) -> Tensor:
    real = _attend_sides([q_BALE, k_BALE, v_BALE], layout, offset_bias).flatten(2, 3)
    if not layout.has_context_frames:
        return real
    start, end = _attend_context(q_BALE, k_BALE, v_BALE, layout)
    return torch.cat([start, real, end], 2)


def _attend_sides(
    qkv_BALE: list[Tensor], layout: FrameLayout, offset_bias: Tensor | None
) -> Tensor:
    """The real frames `[B, A, T, P, E]`."""
    # Lookback and lookahead heads apart: each side needs a copy of its own neighbours only.
    back = slice(0, layout.num_lookback_heads)
    ahead = slice(layout.num_lookback_heads, layout.num_heads)
    qkv = [x.unflatten(2, (-1, layout.tokens_per_frame)) for x in qkv_BALE]
    groups = []
    for heads, is_lookback in ((back, True), (ahead, False)):
        if heads.start < heads.stop:
            bias = None if offset_bias is None else offset_bias[heads]
            q, k, v = (x[:, heads] for x in qkv)
            groups.append(_attend_real(q, k, v, layout, bias, is_lookback=is_lookback))
    return groups[0] if len(groups) == 1 else torch.cat(groups, 1)


def _attend_real(
    q_BAFPE: Tensor,
    k_BAFPE: Tensor,
    v_BAFPE: Tensor,
    layout: FrameLayout,
    bias_AN: Tensor | None,
    *,
    is_lookback: bool,
) -> Tensor:
    """The real frames of heads that look to one side: `[B, A, T, P, E]`."""
    edge, reach, total = layout.num_context_frames, layout.reach, layout.num_frames
    chunk = chunk_frames(layout)
    num_chunks = -(-total // chunk)
    num_padded = num_chunks * chunk - total
    real = slice(edge, edge + total)
    q_BANCPE = F.pad(q_BAFPE[:, :, real], (0, 0, 0, 0, 0, num_padded)).unflatten(2, (-1, chunk))
    # Every chunk is given as many frames around it; `_band_bias` masks those beyond the ends.
    around = (reach, num_padded) if is_lookback else (0, reach + num_padded)
    padded = [F.pad(x[:, :, real], (0, 0, 0, 0, *around)) for x in (k_BAFPE, v_BAFPE)]
    at = slice(0, edge) if is_lookback else slice(edge + total, edge + total + edge)
    context = [x[:, :, None, at] for x in (k_BAFPE, v_BAFPE)]
    outputs = []
    for first, stop in chunk_stretches(layout, q_BANCPE, is_lookback=is_lookback):
        frames = slice(first * chunk, stop * chunk + reach)
        # Views [B, A, N, P, E, chunk + reach]; `cat` below makes the copy, `COPY_BYTES` bounds it.
        around_frames = [x[:, :, frames].unfold(2, chunk + reach, chunk) for x in padded]
        k_BANJPE, v_BANJPE = (
            torch.cat([x.permute(0, 1, 2, 5, 3, 4), c.expand(-1, -1, stop - first, -1, -1, -1)], 3)
            for x, c in zip(around_frames, context, strict=True)
        )
        bias = _band_bias(layout, first, stop, bias_AN, q_BAFPE, is_lookback=is_lookback)
        outputs.append(_attend_each_chunk(q_BANCPE[:, :, first:stop], k_BANJPE, v_BANJPE, bias))
    out_BAFPE = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 2)
    return out_BAFPE[:, :, :total]


def _attend_each_chunk(
    q_BANCPE: Tensor, k_BANJPE: Tensor, v_BANJPE: Tensor, bias_NACJ: Tensor | None
) -> Tensor:
    """Every chunk of C frames attends to its own J frames, as a row of the batch."""
    batch, _, num_chunks, chunk, tokens = q_BANCPE.shape[:5]
    q, k, v = (
        x.transpose(1, 2).flatten(0, 1).flatten(2, 3) for x in (q_BANCPE, k_BANJPE, v_BANJPE)
    )  # [B * N, A, C * P, E], keys and values with J for C
    bias, backend = None, None
    if bias_NACJ is not None:
        bias = bias_NACJ.repeat_interleave(tokens, 2).repeat_interleave(tokens, 3)
        bias = bias.repeat(batch, 1, 1, 1) if len(bias) > 1 else bias
        if bias.requires_grad:  # fused attention gives biases no gradients
            backend = "dense"
    out = attend(q, k, v, bias=bias, backend=backend)
    return (
        out.unflatten(0, (batch, num_chunks))
        .unflatten(3, (chunk, tokens))
        .transpose(1, 2)
        .flatten(2, 3)
    )


def _band_bias(
    layout: FrameLayout,
    first: int,
    stop: int,
    bias_AN: Tensor | None,
    like: Tensor,
    *,
    is_lookback: bool,
) -> Tensor | None:
    """`[N, A or 1, C, J]` for some chunks, N being 1 where all are alike.

    None where nothing is masked.
    """
    reach, total, chunk = layout.reach, layout.num_frames, chunk_frames(layout)
    is_inside = sees_whole_range(layout, first, stop, is_lookback=is_lookback)
    # A chunk of one frame, away from the ends: all that was copied for it is in its range.
    if bias_AN is None and is_inside and chunk == 1:
        return None
    at = torch.arange(first, first + 1 if is_inside else stop, device=like.device) * chunk
    query = torch.arange(chunk, device=like.device)[:, None]
    key = torch.arange(chunk + reach, device=like.device)
    distance = query - key + reach if is_lookback else key - query
    sources = at[:, None] + key - (reach if is_lookback else 0)
    # Padding sees itself: a query with nothing to attend to would be NaN.
    is_real = ((sources >= 0) & (sources < total))[:, None] | (distance == 0)
    is_seen = is_real & (distance >= 0) & (distance <= reach)
    bias_ACJ = like.new_zeros(1, 1, 1)
    if bias_AN is not None:
        bias_ACJ = bias_AN[:, distance.clamp(0, bias_AN.shape[1] - 1)].to(like.dtype)
    bias_NACJ = torch.where(is_seen[:, None], bias_ACJ, float("-inf"))
    return F.pad(bias_NACJ, (0, layout.num_context_frames))  # the context frame: never masked


def chunk_frames(layout: FrameLayout) -> int:
    """Frames that share a copy of what they see: together about `CHUNK_TOKENS` queries."""
    return max(1, min(CHUNK_TOKENS // layout.tokens_per_frame, layout.num_frames))


def sees_whole_range(layout: FrameLayout, first: int, stop: int, *, is_lookback: bool) -> bool:
    """Whether the range of no chunk from `first` to `stop` is cut short by an end of the video."""
    chunk, reach = chunk_frames(layout), layout.reach
    low, high = (reach, 0) if is_lookback else (0, reach)
    return first * chunk >= low and stop * chunk + high <= layout.num_frames


def _attend_context(
    q_BALE: Tensor, k_BALE: Tensor, v_BALE: Tensor, layout: FrameLayout
) -> tuple[Tensor, Tensor]:
    """The start and the end context frame, `[B, A, P, E]` each."""
    tokens, length = layout.tokens_per_frame, layout.length
    start, end = slice(0, tokens), slice(length - tokens, length)
    if layout.context_scope == "global":
        both = attend(torch.cat([q_BALE[:, :, start], q_BALE[:, :, end]], 2), k_BALE, v_BALE)
        return both[:, :, :tokens], both[:, :, tokens:]
    near = min(layout.local_frame_range, layout.num_frames) * tokens
    seen_from = (
        (start, [slice(0, tokens + near), end]),
        (end, [start, slice(length - tokens - near, length)]),
    )
    outputs = [
        attend(
            q_BALE[:, :, queries],
            torch.cat([k_BALE[:, :, part] for part in parts], 2),
            torch.cat([v_BALE[:, :, part] for part in parts], 2),
        )
        for queries, parts in seen_from
    ]
    return outputs[0], outputs[1]


def chunk_stretches(
    layout: FrameLayout, q_BANCPE: Tensor, *, is_lookback: bool
) -> Iterator[tuple[int, int]]:
    """Chunks in stretches whose copied keys and values take about `COPY_BYTES`.

    Chunks whose range is cut short by an end of the video come first and last, by themselves: only
    they differ in what is masked.
    """
    batch, heads, _, _, tokens, width = q_BANCPE.shape
    row = batch * heads * tokens * width * q_BANCPE.element_size()
    step = chunks_at_once(layout, row)
    for low, high in pairwise(stretch_bounds(layout, is_lookback=is_lookback)):
        for first in range(low, high, step):
            yield first, min(first + step, high)


def chunks_at_once(layout: FrameLayout, frame_bytes: int) -> int:
    """Chunks in a stretch, for frames whose vectors in these heads have so many bytes."""
    seen = layout.reach + chunk_frames(layout) + layout.num_context_frames
    return max(1, COPY_BYTES // (2 * frame_bytes * seen))  # twice: keys and values


def stretch_bounds(layout: FrameLayout, *, is_lookback: bool) -> tuple[int, int, int, int]:
    """Chunks at which the beginning, the inside and the end begin, and the number of chunks."""
    chunk, reach = chunk_frames(layout), layout.reach
    total = -(-layout.num_frames // chunk)
    before, after = (reach, 0) if is_lookback else (0, reach)
    # Inside, as `sees_whole_range` has it: from the first chunk with `before` frames in front of it
    # to the last one with `after` frames behind it.
    low, high = -(-before // chunk), max(0, layout.num_frames - after) // chunk
    if low >= high:
        return 0, total, total, total
    return 0, low, high, total


def _dense_bias(layout: FrameLayout, offset_bias: Tensor | None, like: Tensor) -> Tensor:
    """The offset bias as a matrix `[A, L, L]`."""
    if offset_bias is None:
        return like.new_zeros(layout.num_heads, layout.length, layout.length)
    frame = torch.arange(layout.length, device=like.device) // layout.tokens_per_frame
    edge = layout.num_context_frames
    is_real = (frame >= edge) & (frame < edge + layout.num_frames)
    distance = (frame[:, None] - frame[None, :]).abs().clamp(max=offset_bias.shape[1] - 1)
    bias_ALL = offset_bias[:, distance].to(like.dtype)
    return torch.where(is_real[:, None] & is_real[None, :], bias_ALL, 0.0)
