"""Attention over a sequence of frames: one call, three ways to compute it.

| backend | cost in frames | gradients | what |
| --- | --- | --- | --- |
| `flex` | linear | on CUDA | compiled `flex_attention` under a block mask |
| `sdpa` | linear | yes | each frame is a batch row beside copies of the frames that it sees |
| `dense` | quadratic | yes | plain products under the whole mask; the reference of the tests |

Letters: B batch, A heads, F frames of the sequence, P tokens of a frame, L = F * P, E width per
head, R the range, J the frames that a frame sees.
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
        `[B, A, L, E]`.

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


def _attend_banded(
    q_BALE: Tensor,
    k_BALE: Tensor,
    v_BALE: Tensor,
    layout: FrameLayout,
    offset_bias: Tensor | None,
) -> Tensor:
    """Real frames head group by head group, then the context frames."""
    back = slice(0, layout.num_lookback_heads)
    ahead = slice(layout.num_lookback_heads, layout.num_heads)
    qkv = [x.unflatten(2, (-1, layout.tokens_per_frame)) for x in (q_BALE, k_BALE, v_BALE)]
    groups = []
    for heads, is_lookback in ((back, True), (ahead, False)):
        if heads.start < heads.stop:
            bias = None if offset_bias is None else offset_bias[heads]
            q, k, v = (x[:, heads] for x in qkv)
            groups.append(_attend_real(q, k, v, layout, bias, is_lookback=is_lookback))
    real_BAFPE = groups[0] if len(groups) == 1 else torch.cat(groups, 1)
    if not layout.has_context_frames:
        return real_BAFPE.flatten(2, 3)
    start, end = _attend_context(q_BALE, k_BALE, v_BALE, layout)
    return torch.cat([start, real_BAFPE.flatten(2, 3), end], 2)


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
    edge, reach = layout.num_context_frames, layout.reach
    real = slice(edge, edge + layout.num_frames)
    pad = (0, 0, 0, 0, reach, 0) if is_lookback else (0, 0, 0, 0, 0, reach)
    padded = [F.pad(x[:, :, real], pad) for x in (k_BAFPE, v_BAFPE)]
    context = None
    if edge:
        at = slice(0, 1) if is_lookback else slice(-1, None)
        context = [x[:, :, at] for x in (k_BAFPE, v_BAFPE)]
    outputs = []
    for first, stop in _pieces(layout, q_BAFPE):
        seen = [x[:, :, first : stop + reach].unfold(2, reach + 1, 1) for x in padded]
        k_BANJPE, v_BANJPE = (x.permute(0, 1, 2, 5, 3, 4) for x in seen)
        if context:
            k_BANJPE, v_BANJPE = (
                torch.cat([x, c[:, :, None].expand(-1, -1, stop - first, -1, -1, -1)], 3)
                for x, c in zip((k_BANJPE, v_BANJPE), context, strict=True)
            )
        bias = _band_bias(layout, first, stop, bias_AN, q_BAFPE, is_lookback=is_lookback)
        q_BANPE = q_BAFPE[:, :, edge + first : edge + stop]
        outputs.append(_attend_each_frame(q_BANPE, k_BANJPE, v_BANJPE, bias))
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, 2)


def _attend_each_frame(
    q_BANPE: Tensor, k_BANJPE: Tensor, v_BANJPE: Tensor, bias_NAJ: Tensor | None
) -> Tensor:
    """Every frame attends to its own J frames, as a row of the batch."""
    batch, _, frames, tokens = q_BANPE.shape[:4]
    q = q_BANPE.transpose(1, 2).flatten(0, 1)
    k, v = (x.transpose(1, 2).flatten(0, 1).flatten(2, 3) for x in (k_BANJPE, v_BANJPE))
    bias = None
    if bias_NAJ is not None:
        bias = bias_NAJ.repeat(batch, 1, 1).repeat_interleave(tokens, 2)[:, :, None]
    out = attend(q, k, v, bias=bias)
    return out.unflatten(0, (batch, frames)).transpose(1, 2)


def _band_bias(
    layout: FrameLayout,
    first: int,
    stop: int,
    bias_AN: Tensor | None,
    like: Tensor,
    *,
    is_lookback: bool,
) -> Tensor | None:
    """`[N, A or 1, J]` for real frames `[first, stop)` from 0; None where nothing is masked."""
    reach = layout.reach
    frames = torch.arange(first, stop, device=like.device)
    steps = torch.arange(reach + 1, device=like.device)  # from the first frame that is seen
    sources = frames[:, None] + (steps - reach if is_lookback else steps)
    is_real = (sources >= 0) & (sources < layout.num_frames)
    edges = (reach, layout.num_frames) if is_lookback else (0, layout.num_frames - reach)
    if bias_AN is None and edges[0] <= first and stop <= edges[1]:
        return None
    bias_NAJ = like.new_zeros(len(frames), 1, reach + 1)
    if bias_AN is not None:
        distance = (reach - steps if is_lookback else steps).clamp(max=bias_AN.shape[1] - 1)
        bias_NAJ = bias_AN[None, :, distance].expand(len(frames), -1, -1).to(like.dtype)
    bias_NAJ = bias_NAJ.masked_fill(~is_real[:, None], float("-inf"))
    return F.pad(bias_NAJ, (0, layout.num_context_frames))


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
            q_BALE[:, :, asked],
            torch.cat([k_BALE[:, :, part] for part in parts], 2),
            torch.cat([v_BALE[:, :, part] for part in parts], 2),
        )
        for asked, parts in seen_from
    ]
    return outputs[0], outputs[1]


def _pieces(layout: FrameLayout, q_BAFPE: Tensor) -> Iterator[tuple[int, int]]:
    """Real frames in stretches whose copied keys and values take about `COPY_BYTES`.

    Frames whose range is cut short by an end of the video come first and last, by themselves: only
    they need a mask.
    """
    batch, heads, _, tokens, width = q_BAFPE.shape
    row = batch * heads * tokens * width * q_BAFPE.element_size()
    step = max(1, COPY_BYTES // (2 * row * (layout.reach + 1 + layout.num_context_frames)))
    reach, total = layout.reach, layout.num_frames
    bounds = (0, min(reach, total), max(total - reach, min(reach, total)), total)
    for low, high in pairwise(bounds):
        for first in range(low, high, step):
            yield first, min(first + step, high)


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
