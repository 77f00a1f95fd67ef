"""Attention probabilities for chosen queries, from the queries, keys and masks that were captured.

Attention that is fast never forms its probabilities, so they are computed again, in float32, and
only for the queries asked for.

Letters: A heads, Q chosen queries, K keys, P tokens of a frame, E width per head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.nn.capture import FrameRead, MemoryRead, Site
from vidmem.nn.frames import FrameLayout


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """What some queries of one stream attend to, in each head; on the CPU.

    A weight that is masked is 0, and so can be one that is not: `is_allowed` tells them apart.
    """

    probabilities: Tensor
    """`[A, Q, K]`, float32; each row sums to 1 (to 0 where a query may attend to nothing)."""

    is_allowed: Tensor
    """`[A, Q, K]`, boolean: whether the query may attend to the key."""

    queries: Tensor
    """`[Q]`, the numbers of the queries' tokens."""

    keys: Tensor
    """`[K]`, the numbers of the keys' tokens; keys left out are masked for all of these queries."""

    def marked(self) -> Tensor:
        """The probabilities `[A, Q, K]`, NaN where masked."""
        return self.probabilities.masked_fill(~self.is_allowed, float("nan"))


@torch.no_grad()
def memory_weights(
    read: MemoryRead, queries: Tensor | None = None, *, row: int = 0
) -> AttentionWeights:
    """What tokens of a clip attend to in memory: key 0 is the no-memory token, then come the slots.

    Args:
        read: From a capture.
        queries: `[Q]`, tokens of the clip, at least one; None: all.
        row: Stream of the batch.

    Raises:
        IndexError: If there is no such row.
    """
    at = batch_row(read.place, len(read.query), row)
    chosen = _all_or(queries, read.query.shape[2], read.query.device)
    is_slot = read.is_valid[at].repeat_interleave(read.tokens_per_clip)
    is_allowed = torch.cat([is_slot.new_ones(1), is_slot])
    probabilities = _softmax(memory_scores(read, chosen, at), is_allowed)
    return AttentionWeights(
        probabilities=probabilities.cpu(),
        is_allowed=is_allowed.cpu().expand(probabilities.shape),
        queries=chosen.cpu(),
        keys=torch.arange(read.keys.shape[2]),
    )


def memory_scores(read: MemoryRead, queries: Tensor | None, at: int) -> Tensor:
    """`[A, Q, K]`: what the softmax is taken of, nothing masked, for row `at` of the batch."""
    query, keys = read.query[at], read.keys[at].float()
    if queries is not None:
        query = query.index_select(1, queries.to(query.device))
    query = query.float()
    return query * query.shape[-1] ** -0.5 @ keys.transpose(-1, -2)


@torch.no_grad()
def frame_weights(
    read: FrameRead, queries: Tensor | None = None, *, row: int = 0
) -> AttentionWeights:
    """What tokens of a sequence of frames attend to, as far as their heads may look.

    Args:
        read: From a capture.
        queries: `[Q]`, tokens of the sequence, context frames included, at least one; None: all.
        row: Stream of the batch.

    Raises:
        IndexError: If there is no such row or token.
    """
    layout, tokens = read.layout.unpadded(), read.layout.tokens_per_frame
    row = batch_row(read.place, len(read.query), row)
    chosen = _all_or(queries, layout.length, read.query.device)
    frame_of_query = chosen // tokens
    frames = _frames_seen(layout, frame_of_query)
    keys_AFPE = read.keys[row].unflatten(1, (-1, tokens))
    if len(frames) < keys_AFPE.shape[1]:  # to take all of them would copy them
        keys_AFPE = keys_AFPE[:, frames]
    query, keys = (
        x.float() for x in (read.query[row].index_select(1, chosen), keys_AFPE.flatten(1, 2))
    )
    scores_AQFP = (query * query.shape[-1] ** -0.5 @ keys.transpose(-1, -2)).unflatten(
        -1, (-1, tokens)
    )
    if read.offset_bias is not None:
        bias_AQF = _offset_bias(layout, read.offset_bias.float(), frame_of_query, frames)
        scores_AQFP += bias_AQF[..., None]
    is_allowed = _is_seen(layout, frame_of_query, frames)[..., None].expand(scores_AQFP.shape)
    is_allowed = is_allowed.flatten(2)
    return AttentionWeights(
        probabilities=_softmax(scores_AQFP.flatten(2), is_allowed).cpu(),
        is_allowed=is_allowed.cpu(),
        queries=chosen.cpu(),
        keys=(frames[:, None] * tokens + torch.arange(tokens, device=frames.device))
        .flatten()
        .cpu(),
    )


def batch_row(place: Site, batch_size: int, row: int) -> int:
    """Where in the batch of a read stream `row` is.

    Raises:
        IndexError: If it is not there.
    """
    if place.rows is None and 0 <= row < batch_size:
        return row
    rows = list(range(batch_size)) if place.rows is None else place.rows.tolist()
    if row not in rows:
        raise IndexError(f"row must be one of the captured streams {rows}, got {row}")
    return rows.index(row)


def _all_or(queries: Tensor | None, count: int, device: torch.device) -> Tensor:
    if queries is None:
        return torch.arange(count, device=device)
    lowest, highest = int(queries.min()), int(queries.max())
    if lowest < 0 or highest >= count:
        raise IndexError(f"queries must be tokens in [0, {count}), got {lowest} to {highest}")
    return queries.to(device)


def _softmax(scores: Tensor, is_allowed: Tensor) -> Tensor:
    """Over the keys allowed; overwrites `scores`."""
    if bool(is_allowed.all()):
        return scores.softmax(-1)
    probabilities = scores.masked_fill_(~is_allowed, float("-inf")).softmax(-1)
    return probabilities.nan_to_num_(0.0)  # a query that may attend to nothing


def _frames_seen(layout: FrameLayout, frame_of_query: Tensor) -> Tensor:
    """`[F]`: the frames that some of the queries may attend to, and perhaps a few more."""
    # One stretch that covers the ranges of all queries to both sides, whatever their heads; pairs
    # in it that may not attend are masked later.
    edge, total = layout.num_context_frames, layout.num_frames
    last = layout.attended_frames - 1
    lowest, highest = int(frame_of_query.min()), int(frame_of_query.max())
    has_context = bool(edge) and (lowest == 0 or highest == last)
    if has_context and layout.context_scope == "global":
        return torch.arange(layout.attended_frames, device=frame_of_query.device)
    first = max(lowest - layout.local_frame_range, edge)
    stop = min(highest + layout.local_frame_range + 1, edge + total)
    real = torch.arange(first, stop, device=frame_of_query.device)
    return torch.cat([real.new_zeros(edge), real, real.new_full((edge,), last)])


def _is_seen(layout: FrameLayout, frame_of_query: Tensor, frames: Tensor) -> Tensor:
    """`[A, Q, F]`: whether each head lets each query see a frame; whole frames are seen or not."""
    of_frames = replace(layout, tokens_per_frame=1).mask_mod()  # one token stands for a frame
    heads = torch.arange(layout.num_heads, device=frames.device)[:, None, None]
    is_seen = of_frames(torch.zeros_like(heads), heads, frame_of_query[:, None], frames)
    return is_seen.expand(layout.num_heads, len(frame_of_query), len(frames))


def _offset_bias(
    layout: FrameLayout, bias_AN: Tensor, frame_of_query: Tensor, frames: Tensor
) -> Tensor:
    """`[A, Q, F]`: the bias between real frames so far apart, 0 where one is a context frame."""
    edge, total = layout.num_context_frames, layout.num_frames
    distance = (frame_of_query[:, None] - frames).abs().clamp(max=bias_AN.shape[1] - 1)
    is_real_query, is_real_key = (
        (x >= edge) & (x < edge + total) for x in (frame_of_query, frames)
    )
    return torch.where(is_real_query[:, None] & is_real_key, bias_AN[:, distance], 0.0)
