"""Masks block by block, as `flex_attention` wants them, without a queries x keys matrix.

A block of queries and a block of keys are two intervals of frames; whether some or all of their
pairs may attend follows from the ends of the intervals alone. So a mask costs one decision per pair
of blocks, and the decisions of all blocks are a few tensor operations.

A block is *full* where all pairs may attend (the predicate is not evaluated), *partial* where some
may, and left out where none may.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import MaskMod

BLOCK_TOKENS = 128  # the default of `flex_attention`


@dataclass(frozen=True)
class BlockRelations:
    """What each pair of blocks has to compute; boolean, `[A, query blocks, key blocks]`."""

    some: Tensor
    """At least one pair may attend."""

    every: Tensor
    """All pairs may attend."""

    def to(self, device: torch.device) -> BlockRelations:
        """The same on a device."""
        return BlockRelations(self.some.to(device), self.every.to(device))

    def to_block_mask(self, mask_mod: MaskMod, length: tuple[int, int], block: int) -> BlockMask:
        """What `flex_attention` takes, on the device of the relations."""
        partial_count, partial_order = _ordered(self.some & ~self.every)
        full_count, full_order = _ordered(self.every)
        return BlockMask.from_kv_blocks(
            partial_count,
            partial_order,
            full_count,
            full_order,
            BLOCK_SIZE=block,
            mask_mod=mask_mod,
            seq_lengths=length,
        )


@dataclass(frozen=True)
class _Frames:
    """An interval of frames per block; empty where `first` is above `last`."""

    first: Tensor
    last: Tensor

    @property
    def is_empty(self) -> Tensor:
        return self.first > self.last

    def clamped(self, low: int, high: int) -> _Frames:
        return _Frames(self.first.clamp(min=low), self.last.clamp(max=high))


@lru_cache(maxsize=32)
@torch.inference_mode(False)  # cached, so it must serve training too
def frame_block_relations(layout: FrameLayout, block: int = BLOCK_TOKENS) -> BlockRelations:
    """Which blocks of a sequence of frames attend to which; on the CPU, cached per layout."""
    tokens = layout.tokens_per_frame
    starts = torch.arange(0, layout.length, block)
    stops = (starts + block).clamp(max=layout.length)
    blocks = _Frames(starts // tokens, (stops - 1) // tokens)
    queries = _Frames(blocks.first[:, None], blocks.last[:, None])
    keys = _Frames(blocks.first[None, :], blocks.last[None, :])
    of_heads = [
        _relations(layout, queries, keys, is_lookback=head < layout.num_lookback_heads)
        for head in range(layout.num_heads)
    ]
    # A block that ends beyond the sequence holds places that must be masked: never full.
    is_whole = (starts + block) <= layout.length
    is_whole = is_whole[:, None] & is_whole[None, :]
    return BlockRelations(
        some=torch.stack([some for some, _ in of_heads]),
        every=torch.stack([every & is_whole for _, every in of_heads]),
    )


def group_block_relations(group_of: Tensor, block: int = BLOCK_TOKENS) -> BlockRelations:
    """Which blocks attend to which where tokens attend in groups.

    Args:
        group_of: `[L]`, the group of each token, in non-decreasing order.
        block: Tokens of a block.
    """
    # Groups are sorted, so the first and the last one of a block stand for all between them.
    starts = torch.arange(0, len(group_of), block, device=group_of.device)
    stops = (starts + block).clamp(max=len(group_of))
    first, last = group_of[starts], group_of[stops - 1]
    some = (first[:, None] <= last[None, :]) & (first[None, :] <= last[:, None])
    is_one = (first == last) & (starts + block <= len(group_of))
    every = is_one[:, None] & is_one[None, :] & (first[:, None] == first[None, :])
    return BlockRelations(some[None], every[None])


def _relations(
    layout: FrameLayout, queries: _Frames, keys: _Frames, *, is_lookback: bool
) -> tuple[Tensor, Tensor]:
    """`some` and `every` of `BlockRelations`, for one head."""
    # Each pair of parts (start, real, end, padding) has its own rule, and a block may hold several
    # parts: it is judged part by part.
    edge = layout.num_context_frames
    last = layout.attended_frames - 1
    parts = {"real": (edge, last - edge)}
    if edge:
        parts |= {"start": (0, 0), "end": (last, last)}
    if layout.padded_frames:
        parts |= {"padding": (last + 1, last + layout.padded_frames)}
    shape = torch.broadcast_shapes(queries.first.shape, keys.first.shape)
    some, every = torch.zeros(shape, dtype=torch.bool), torch.ones(shape, dtype=torch.bool)
    for query_name, query_bounds in parts.items():
        for key_name, key_bounds in parts.items():
            query, key = queries.clamped(*query_bounds), keys.clamped(*key_bounds)
            is_there = ~(query.is_empty | key.is_empty)
            some_here, every_here = _of_parts(layout, query_name, key_name, query, key, is_lookback)
            some |= is_there & some_here
            every &= ~is_there | every_here
    return some, every


def _of_parts(
    layout: FrameLayout, query_name: str, key_name: str, query: _Frames, key: _Frames, is_back: bool
) -> tuple[Tensor | bool, Tensor | bool]:
    """`some` and `every` for two parts that are both there."""
    if "padding" in (query_name, key_name):
        return False, False
    if query_name == "real" and key_name != "real":
        allowed = key_name == ("start" if is_back else "end")
        return allowed, allowed
    if query_name != "real" and (key_name != "real" or layout.context_scope == "global"):
        return True, True
    if query_name != "real":
        is_back = query_name == "end"  # it sees the frames before it, a start frame those after
    # Frames from key back to query, over all pairs, fill the interval [nearest, farthest]. Some
    # pairs may attend where it meets [0, reach], all where it lies inside.
    nearest, farthest = query.first - key.last, query.last - key.first
    if not is_back:
        nearest, farthest = -farthest, -nearest
    reach = layout.local_frame_range
    return (nearest <= reach) & (farthest >= 0), (nearest >= 0) & (farthest <= reach)


def _ordered(relations: Tensor) -> tuple[Tensor, Tensor]:
    """Counts `[1, A, Q]` and, per row of blocks, the true columns first `[1, A, Q, K]`."""
    order = relations.to(torch.int8).argsort(dim=-1, descending=True, stable=True)
    return relations.sum(-1)[None].to(torch.int32), order[None].to(torch.int32)
