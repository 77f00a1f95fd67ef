"""How much some frames of a window draw on each frame that they may look at: the quick way.

`frame_weights` says the same for any queries, key by key. Here the frames that look lie evenly
apart, so the keys that each of them sees are a stretch of those captured, and are not copied.

    range 2, every third frame looks back     frames    0 1 2 3 4 5 6 7 8
                                              frame 0   x x x              what is ahead is masked
                                              frame 3     x x x
                                              frame 6           x x x      as far on as it is later

Letters: A heads (of one side), n frames that look, p queries of each, W = reach + 1 frames seen,
F frames of the sequence, T real ones, P tokens of a frame, K = W * P, E width per head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from vidmem.inspection.attention.weights import batch_row
from vidmem.nn.capture import FrameRead
from vidmem.nn.frames import FrameLayout

PIECE_SCORES = 1 << 22
"""Scores held at a time: 16 MiB of float32."""


@dataclass(frozen=True, eq=False)
class Band:
    """What every `step`-th real frame sees in the heads of one side; kept, so never changed."""

    heads: slice
    is_lookback: bool

    frames: Tensor
    """`[n, W]`, int64: a stretch of W real frames that holds all those in range."""

    distance: Tensor
    """`[n, W]`, int64: how far each lies to the side of the head; negative: to the other side."""

    is_seen: Tensor
    """`[n, W]`: whether it is in range."""

    inner: slice
    """The frames that look whose stretches lie `step` apart, as they do themselves. Before them, at
    the start of the window, all share its first stretch; after them, at its end, its last."""


@lru_cache(maxsize=64)
def bands(layout: FrameLayout, step: int) -> tuple[Band, ...]:
    """The heads that look back and those that look ahead, as far as there are any."""
    first_ahead, num_heads, reach = layout.num_lookback_heads, layout.num_heads, layout.reach
    looking, last_start = torch.arange(0, layout.num_frames, step), layout.num_frames - 1 - reach
    both = []
    for heads, is_lookback in (
        (slice(0, first_ahead), True),
        (slice(first_ahead, num_heads), False),
    ):
        # A stretch that would reach beyond the window is moved inside it; what it then holds out of
        # range is masked by `is_seen`.
        starts = looking - reach if is_lookback else looking
        is_inner = (starts >= 0) & (starts <= last_start)
        frames = starts.clamp(0, last_start)[:, None] + torch.arange(reach + 1)
        ahead = frames - looking[:, None]
        distance = -ahead if is_lookback else ahead
        is_seen = (distance >= 0) & (distance <= layout.local_frame_range)
        first = int(is_inner.int().argmax())  # 0 where none is, and the slice is empty
        inner = slice(first, first + int(is_inner.sum()))
        both.append(Band(heads, is_lookback, frames, distance, is_seen, inner))
    return tuple(band for band in both if band.heads.start < band.heads.stop)


def band_shares(read: FrameRead, row: int, step: int, patches: Tensor) -> Tensor:
    """Shares of the frames seen, the mean of some patches of every `step`-th real frame.

    Args:
        read: From a capture.
        row: Stream of the batch.
        step: Frames from one that looks to the next, beginning with the first.
        patches: `[p]`, which tokens of a frame look.

    Returns:
        `[heads, n, W + 1]`, float32, on the CPU: the frames of `bands`, then the context frame of
        the head's side (without them: `W`). 0 where masked.
    """
    layout = read.layout.unpadded()
    at = batch_row(read.place, len(read.query), row)
    query, keys = read.query[at], read.keys[at]
    patches = patches.to(query.device)
    sides = []
    for band in bands(layout, step):
        q_AnpE = _looking(query[band.heads], layout, step, patches)
        bias_AnW = _bias(read, band)
        context_APE = _context(keys[band.heads], layout, is_lookback=band.is_lookback)
        parts = [
            _shares(scores, q_AnpE[:, piece], bias_AnW[:, piece], context_APE)
            for piece, scores in _scores(q_AnpE, keys[band.heads], layout, band, step)
        ]
        sides.append(parts[0] if len(parts) == 1 else torch.cat(parts, 1))
    return torch.cat(sides).cpu()


def context_shares(read: FrameRead, row: int, patches: Tensor) -> Tensor:
    """`[heads, 2, F]`: what the start and the end context frame draw on each frame.

    The mean of some of their tokens `[p]`; NaN where masked.
    """
    layout = read.layout.unpadded()
    at = batch_row(read.place, len(read.query), row)
    is_seen_2F = _seen_by_context(layout)
    last = (layout.attended_frames - 1) * layout.tokens_per_frame
    # The sequence begins with the start context frame and ends with the end context frame.
    tokens = torch.cat([patches, patches + last]).to(read.query.device)
    q_AQE = read.query[at].index_select(1, tokens).float() * read.query.shape[-1] ** -0.5
    scores_AQL = q_AQE @ read.keys[at][:, : layout.length].transpose(1, 2).float()
    scores_A2pFP = scores_AQL.unflatten(2, (-1, layout.tokens_per_frame)).unflatten(1, (2, -1))
    if not is_seen_2F.all():
        is_masked = ~is_seen_2F.to(scores_AQL.device)
        scores_A2pFP.masked_fill_(is_masked[:, None, :, None], float("-inf"))
    return _by_frame(scores_A2pFP).mean(2).cpu().masked_fill_(~is_seen_2F, torch.nan)


def _looking(query_ALE: Tensor, layout: FrameLayout, step: int, patches: Tensor) -> Tensor:
    """`[A, n, p, E]`: the queries, scaled."""
    edge = layout.num_context_frames
    by_frame = query_ALE.unflatten(1, (-1, layout.tokens_per_frame))
    some = by_frame[:, edge : edge + layout.num_frames : step].index_select(2, patches)
    return some.float() * some.shape[-1] ** -0.5


def _context(keys_ALE: Tensor, layout: FrameLayout, *, is_lookback: bool) -> Tensor | None:
    """`[A, P, E]`: the keys of the context frame that real frames see on this side."""
    if not layout.has_context_frames:
        return None
    tokens = layout.tokens_per_frame
    start = 0 if is_lookback else (1 + layout.num_frames) * tokens
    return keys_ALE[:, start : start + tokens].float()


def _scores(
    q_AnpE: Tensor, keys_ALE: Tensor, layout: FrameLayout, band: Band, step: int
) -> Iterator[tuple[slice, Tensor]]:
    """Scores `[A, n, p, K]`, piece by piece, with the frames of each piece; in order."""
    tokens, (num_looking, num_seen) = layout.tokens_per_frame, band.frames.shape
    first = layout.num_context_frames * tokens
    real_AKE = keys_ALE[:, first : first + layout.num_frames * tokens].float()
    inner = band.inner
    most = max(1, PIECE_SCORES // (q_AnpE[:, 0, :, 0].numel() * (num_seen + 1) * tokens))
    for run in (slice(0, inner.start), inner, slice(inner.stop, num_looking)):
        for begin in range(run.start, run.stop, most):
            piece = slice(begin, min(begin + most, run.stop))
            start = int(band.frames[begin, 0]) * tokens
            stretch_AKE, q = real_AKE[:, start:], q_AnpE[:, piece]
            if run is not inner:  # all see the same stretch
                together = q.flatten(1, 2) @ stretch_AKE[:, : num_seen * tokens].transpose(1, 2)
                yield piece, together.unflatten(1, q.shape[1:3])
                continue
            windows_AnEK = stretch_AKE.unfold(1, num_seen * tokens, step * tokens)
            # Head by head: `bmm` takes overlapping views as they are, a product of four dimensions
            # would copy them first.
            by_head = zip(q, windows_AnEK[:, : q.shape[1]], strict=True)
            yield piece, torch.stack([torch.bmm(q_npE, k_nEK) for q_npE, k_nEK in by_head])


def _shares(
    scores_AnpK: Tensor, q_AnpE: Tensor, bias_AnW: Tensor, context_APE: Tensor | None
) -> Tensor:
    """`[A, n, W + 1]`, the mean over the queries of a frame."""
    scores_AnpWP = scores_AnpK.unflatten(3, (bias_AnW.shape[2], -1))
    scores_AnpWP += bias_AnW[:, :, None, :, None]
    if context_APE is not None:
        of_context = q_AnpE.flatten(1, 2) @ context_APE.transpose(1, 2)
        of_context = of_context.unflatten(1, q_AnpE.shape[1:3])[:, :, :, None]
        scores_AnpWP = torch.cat([scores_AnpWP, of_context], 3)
    return _by_frame(scores_AnpWP).mean(2)


def _by_frame(scores: Tensor) -> Tensor:
    """Scores `[..., F, P]` to the shares of frames `[..., F]`."""
    return scores.flatten(-2).softmax(-1).unflatten(-1, scores.shape[-2:]).sum(-1)


def _bias(read: FrameRead, band: Band) -> Tensor:
    """`[A, n, W]`: what is added to the scores, -inf where a frame is out of range."""
    device, num_heads = read.query.device, band.heads.stop - band.heads.start
    bias_AnW = torch.zeros(num_heads, *band.frames.shape, device=device)
    if read.offset_bias is not None:
        nearest = band.distance.clamp(0, read.offset_bias.shape[1] - 1).to(device)
        bias_AnW = read.offset_bias[band.heads].float()[:, nearest]
    return bias_AnW.masked_fill(~band.is_seen.to(device), float("-inf"))


@lru_cache(maxsize=64)
def _seen_by_context(layout: FrameLayout) -> Tensor:
    """`[2, F]`: which frames the start and the end context frame may see, in every head."""
    frames = torch.arange(layout.attended_frames)
    # Frames are seen whole or not at all: one token stands for each. All heads are alike here.
    of_frames = replace(layout, tokens_per_frame=1).mask_mod()
    none = torch.zeros((), dtype=torch.int64)
    return of_frames(none, none, frames[[0, -1]][:, None], frames).expand(2, -1).clone()
