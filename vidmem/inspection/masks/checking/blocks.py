"""A block mask held against the `mask_mod` that it was made from, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask

from vidmem.inspection.masks.checking.finding import MaskFinding, PairsFound
from vidmem.inspection.masks.checking.functions import CapturedTensor
from vidmem.inspection.masks.evaluation import MaskShape
from vidmem.inspection.masks.spec import TIMES, plural

SLICED = "_sliced_mask_mod_error"
"""The `mask_mod` that torch gives to a part of a block mask; it only raises."""


@dataclass(frozen=True, eq=False)
class BlockTable:
    """Which blocks are computed, and in which the `mask_mod` is asked."""

    partial: Tensor
    """`[B or 1, A or 1, query blocks, key blocks]`, boolean: asked pair by pair."""

    full: Tensor
    """The same: every pair attends, and nothing is asked."""

    size: tuple[int, int]
    """Queries and keys of a block."""

    @classmethod
    def of(cls, mask: BlockMask) -> BlockTable:
        """What a block mask says, on the CPU."""
        # Lengths may be those of a larger mask that this one was cut from.
        columns = -(-mask.seq_lengths[1] // mask.BLOCK_SIZE[1])
        partial = _table(mask.kv_num_blocks, mask.kv_indices, columns)
        full = torch.zeros_like(partial)
        if mask.full_kv_num_blocks is not None and mask.full_kv_indices is not None:
            full = _table(mask.full_kv_num_blocks, mask.full_kv_indices, columns)
        return cls(partial, full, (mask.BLOCK_SIZE[0], mask.BLOCK_SIZE[1]))

    def pairs(self, blocks: Tensor, shape: MaskShape) -> Tensor:
        """Some blocks as pairs, `[B or 1, A or 1, Q, K]`."""
        rows, columns = self.size
        pairs = blocks.repeat_interleave(rows, 2).repeat_interleave(columns, 3)
        return pairs[:, :, : shape.queries, : shape.keys]

    def allowed(self, by_mask_mod: Tensor, shape: MaskShape) -> Tensor:
        """What attention computes: `mask_mod` in partial blocks, everything in full ones."""
        partial, full = self.pairs(self.partial, shape), self.pairs(self.full, shape)
        return (partial & by_mask_mod) | full

    def block_words(self, query: int, key: int, shape: MaskShape) -> str:
        """The block of a pair: `the block of rows 128 to 255 and keys 0 to 127`."""
        rows, columns = self.size
        row, column = query // rows * rows, key // columns * columns
        last_row = min(row + rows, shape.queries) - 1
        last_column = min(column + columns, shape.keys) - 1
        return f"the block of rows {row} to {last_row} and keys {column} to {last_column}"


def check_blocks(
    table: BlockTable, by_mask_mod: Tensor, captured: list[CapturedTensor]
) -> Iterator[MaskFinding]:
    """Blocks that are skipped or never asked, though the `mask_mod` says otherwise.

    Args:
        table: What the block mask says.
        by_mask_mod: `[B, A, Q, K]`, what its `mask_mod` says now.
        captured: The tensors that the `mask_mod` reads.
    """
    shape = MaskShape(*by_mask_mod.shape)
    partial, full = table.pairs(table.partial, shape), table.pairs(table.full, shape)
    lost, leaked = by_mask_mod & ~partial & ~full, full & ~by_mask_mod
    is_shared = table.partial.shape[:2] != by_mask_mod.shape[:2]
    for bad, verb in ((lost, "is skipped, but the mask_mod lets"), (leaked, "is taken as full")):
        found = PairsFound.among(bad)
        if not found:
            continue
        block = table.block_words(*found.pair, shape)
        what = f"row {found.query} see key {found.key}"
        pair = f"{verb} {what}" if bad is lost else f"{verb}, but the mask_mod does not let {what}"
        words = f"{found.where(bad)}{block} {pair} in it. {found.how_many()}"
        yield found.finding("block mask", words + _cause(by_mask_mod, captured, is_shared))


def check_size(table: BlockTable, shape: MaskShape) -> Iterator[MaskFinding]:
    """Lengths that end inside a block."""
    sides = (("queries", shape.queries, table.size[0]), ("keys", shape.keys, table.size[1]))
    for name, length, size in sides:
        if length % size:
            words = (
                f"{length:,} {name} are no multiple of the block of {size}: the last block, from "
                f"{name[:-1] if name == 'keys' else 'row'} {length // size * size} on, is computed "
                f"whole, with {plural(size - length % size, 'place')} beyond the end. A table that "
                f"a mask_mod or score_mod reads there must not be shorter than {length:,}."
            )
            yield MaskFinding(kind="block size", words=words, is_mistake=False)


def check_lengths(mask: BlockMask, shape: MaskShape) -> Iterator[MaskFinding]:
    """A block mask made for other lengths, or cut from a larger one."""
    made = tuple(mask.seq_lengths)
    if made != (shape.queries, shape.keys):
        words = (
            f"the block mask was made for {made[0]:,} {TIMES} {made[1]:,} tokens, and is used with "
            f"{shape.queries:,} {TIMES} {shape.keys:,}: its row {min(made[0], shape.queries)} and "
            "those after it have no blocks of their own. Make a block mask for each length."
        )
        yield MaskFinding(kind="shape", words=words)
    if getattr(mask.mask_mod, "__name__", "") == SLICED:
        words = (
            "the block mask was cut from a larger one with `[...]`, which takes its mask_mod away: "
            "row 0 of the part is not row 0 of the whole. Set `part.mask_mod` to the whole's "
            "mask_mod with the first query added to `q_idx`."
        )
        yield MaskFinding(kind="block mask", words=words)


def _cause(by_mask_mod: Tensor, captured: list[CapturedTensor], is_shared: bool) -> str:
    """Why a block mask may disagree with its own `mask_mod`."""
    if is_shared and bool((by_mask_mod != by_mask_mod[:1, :1]).any()):
        return (
            " The block mask has one row for all: it was made with `B=None` or `H=None`, so only "
            "`b=0` or `h=0` was asked. Give `create_block_mask` the numbers of both."
        )
    changed = [str(one) for one in captured if one.tensor._version]
    if changed:
        return f" {', '.join(changed)} was written to: since the block mask was made? Make it anew."
    if captured:
        return f" It reads {', '.join(map(str, captured))}: changed since the block mask was made?"
    return ""


def _table(counts: Tensor, indices: Tensor, columns: int) -> Tensor:
    """Ordered blocks as booleans, `[B, A, query blocks, key blocks]`."""
    counts, indices = counts.cpu(), indices.cpu().long()
    while counts.ndim < 3:
        counts, indices = counts[None], indices[None]
    is_there = torch.arange(indices.shape[-1]) < counts[..., None]
    # What lies behind a row's count may be any number: it goes to a column that is cut off.
    columns = max(columns, int(indices[is_there].max()) + 1 if bool(is_there.any()) else 0)
    table = torch.zeros(*indices.shape[:-1], columns + 1, dtype=torch.bool)
    return table.scatter(-1, indices.where(is_there, columns), True)[..., :columns]
