"""A mask made ready to show: who may attend to whom, block by block, and why.

From a few numbers (a spec) to a value that a figure or a page shows. What is drawn is bounded: of
long sequences, some tokens of each frame. What is counted is counted over all tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.custom import CustomMaskSpec
from vidmem.inspection.masks.evaluation import STRIP_CELLS, evaluate_like_flex
from vidmem.inspection.masks.spec import (
    TIMES,
    AlikeTokens,
    Axis,
    MaskSpec,
    Reason,
    check_at_least,
    plural,
    runs,
)
from vidmem.nn.block_masks import BLOCK_TOKENS

MAX_CELLS = 1 << 26
"""Pairs of tokens evaluated for one view, at most; takes a few seconds."""

MAX_DRAWN_TOKENS = 256
"""Tokens a side that can be drawn, at most."""

MAX_BLOCKS = 256
"""Blocks a side, at most."""

MAX_GROUPS = 1024
"""Groups of alike tokens up to which those are counted instead of tokens."""

EMPTY, PARTIAL, FULL = 0, 1, 2
"""What a block has to compute; see `BlockView.states`."""


@dataclass(frozen=True, eq=False)
class BlockView:
    """A mask block by block, as `flex_attention` computes it."""

    block_tokens: int
    """Tokens a side of a block."""

    num_allowed: NDArray[np.int64]
    """`[query blocks, key blocks]`, pairs that may attend."""

    @cached_property
    def states(self) -> NDArray[np.int8]:
        """`[query blocks, key blocks]`: 0 empty (skipped), 1 partial, 2 full (not masked).

        A block that reaches beyond the sequence holds places to mask, so it is never full.
        """
        is_full = self.num_allowed == self.block_tokens**2
        return ((self.num_allowed > 0).astype(np.int8) + is_full).astype(np.int8)

    def count(self, state: int) -> int:
        """How many blocks are `EMPTY`, `PARTIAL` or `FULL`."""
        return int((self.states == state).sum())

    @property
    def skipped_share(self) -> float:
        """The work saved: the share of blocks that are never computed."""
        return self.count(EMPTY) / self.states.size

    @property
    def times_less_work(self) -> float:
        """All blocks over those computed; infinity where none is."""
        computed = self.states.size - self.count(EMPTY)
        return self.states.size / computed if computed else float("inf")


@dataclass(frozen=True, eq=False)
class MaskView:
    """One head of a mask: a matrix to draw, its blocks, and what can be said of all its pairs."""

    spec: MaskSpec
    """The mask."""

    head: int
    """The head that is shown."""

    query_tokens: tuple[int, ...]
    """The queries that are drawn, all or some of each frame."""

    key_tokens: tuple[int, ...]
    """The keys that are drawn."""

    allowed: NDArray[np.bool_]
    """`[drawn queries, drawn keys]`, true: may attend."""

    num_allowed: int
    """Pairs that may attend, over all tokens."""

    empty_queries: tuple[int, ...]
    """Queries with nothing to attend to: attention gives them zeros or NaN, as the backend has it.
    """

    sees_itself: bool | None
    """Whether every token may attend to itself; None where queries and keys are not the same."""

    blocks: BlockView
    """The mask block by block, over all tokens."""

    @property
    def queries(self) -> Axis:
        """The tokens that attend."""
        return self.spec.queries

    @property
    def keys(self) -> Axis:
        """The tokens attended to."""
        return self.spec.keys

    @property
    def allowed_share(self) -> float:
        """The share of all pairs that may attend."""
        return self.num_allowed / (self.queries.num_tokens * self.keys.num_tokens)

    @property
    def is_sampled(self) -> bool:
        """Whether some tokens are not drawn."""
        return (
            len(self.query_tokens) < self.queries.num_tokens
            or len(self.key_tokens) < self.keys.num_tokens
        )

    @property
    def drawn(self) -> str:
        """What part of the mask is drawn, in words; empty where all of it is."""
        if not self.is_sampled:
            return ""
        return (
            f"drawn: {len(self.query_tokens):,} of {self.queries.num_tokens:,} queries, "
            f"{len(self.key_tokens):,} of {self.keys.num_tokens:,} keys"
        )

    @property
    def empty_places(self) -> tuple[str, ...]:
        """The queries with nothing to attend to, in words, neighbours together."""
        return tuple(self.queries.stretch(*run) for run in runs(self.empty_queries))

    @property
    def summary(self) -> str:
        """The view in a few sentences, for screen readers."""
        head = self.spec.head_name(self.head)
        blocks, size = self.blocks, f"{self.blocks.block_tokens} {TIMES} {self.blocks.block_tokens}"
        rows = len(self.empty_queries)
        nothing = f"{plural(rows, 'row')} with nothing to attend to" if rows else "no empty row"
        return (
            f"{self.spec.title}{', ' + head if head else ''}. "
            f"{self.allowed_share:.1%} of all pairs may attend; {nothing}. "
            f"In blocks of {size} tokens, {blocks.count(FULL):,} are full, "
            f"{blocks.count(PARTIAL):,} partial, {blocks.count(EMPTY):,} empty: "
            f"{blocks.skipped_share:.0%} of the work is skipped."
        )

    def explain(self, query: int, key: int) -> Reason:
        """Why the token numbered `query` may attend to the one numbered `key`, or not.

        Raises:
            SettingError: If there is no such token.
        """
        for name, token, axis in (("query", query, self.queries), ("key", key, self.keys)):
            if not 0 <= token < axis.num_tokens:
                raise SettingError(f"{name} must be in [0, {axis.num_tokens}), got {token}")
        return self.spec.explain(self.head, query, key)

    @cached_property
    def reasons(self) -> list[list[Reason]]:
        """`[drawn queries][drawn keys]`: why each drawn pair may attend, or not."""
        explain, head = self.spec.explain, self.head
        return [[explain(head, q, k) for k in self.key_tokens] for q in self.query_tokens]

    @cached_property
    def kinds(self) -> NDArray[np.int8]:
        """`[drawn queries, drawn keys]`: the rule that allows a pair, from 1 in `spec.kinds`.

        0 where it may not attend.
        """
        if len(self.spec.kinds) == 1:
            return self.allowed.astype(np.int8)
        number = {kind: i for i, kind in enumerate(("", *self.spec.kinds))}
        rows = [[number[reason.kind] for reason in row] for row in self.reasons]
        return np.array(rows, dtype=np.int8)

    def arrays(self) -> dict[str, NDArray]:
        """The view as named arrays, to be saved with `numpy.savez`."""
        return {
            "query_tokens": np.array(self.query_tokens),
            "key_tokens": np.array(self.key_tokens),
            "allowed": self.allowed,
            "kinds": self.kinds,
            "empty_queries": np.array(self.empty_queries, dtype=np.int64),
            "block_tokens": np.array(self.blocks.block_tokens),
            "block_states": self.blocks.states,
            "block_num_allowed": self.blocks.num_allowed,
        }


def view_mask(
    spec: MaskSpec,
    *,
    head: int = 0,
    block_tokens: int = BLOCK_TOKENS,
    max_drawn_tokens: int = 64,
) -> MaskView:
    """Evaluate one head of a mask, to be shown.

    Args:
        spec: Which mask, under which numbers.
        head: The head to show.
        block_tokens: Tokens a side of a block; 128 is the default of `flex_attention`.
        max_drawn_tokens: Tokens a side of the matrix, at most 256; of longer sequences some tokens
            of each frame are drawn.

    Raises:
        SettingError: If a number is out of its range, or the mask too large to look at.
        ValueError: If a user's `mask_mod` does not give one boolean per pair.
    """
    _check(spec, head, block_tokens, max_drawn_tokens)
    drawn_queries = spec.queries.drawn_tokens(max_drawn_tokens)
    drawn_keys = spec.keys.drawn_tokens(max_drawn_tokens)
    counted = _count(spec, head, block_tokens)
    return MaskView(
        spec=spec,
        head=head,
        query_tokens=drawn_queries,
        key_tokens=drawn_keys,
        allowed=_evaluate(spec, head, drawn_queries, drawn_keys).numpy(),
        num_allowed=int(counted.num_allowed.sum()),
        empty_queries=tuple(counted.empty_queries.tolist()),
        sees_itself=counted.sees_itself if spec.queries == spec.keys else None,
        blocks=BlockView(block_tokens, counted.num_allowed.numpy()),
    )


def _check(spec: MaskSpec, head: int, block_tokens: int, max_drawn_tokens: int) -> None:
    if not 0 <= head < spec.num_heads:
        raise SettingError(f"head must be in [0, {spec.num_heads}), got {head}")
    check_at_least(1, block_tokens=block_tokens, max_drawn_tokens=max_drawn_tokens)
    if max_drawn_tokens > MAX_DRAWN_TOKENS:
        raise SettingError(
            f"max_drawn_tokens must be at most {MAX_DRAWN_TOKENS}, got {max_drawn_tokens}"
        )
    num_queries, num_keys = spec.queries.num_tokens, spec.keys.num_tokens
    if num_queries * num_keys > MAX_CELLS:
        raise SettingError(
            f"a mask of {num_queries:,} {TIMES} {num_keys:,} tokens is too large to look at: "
            f"{num_queries * num_keys:,} pairs, at most {MAX_CELLS:,}; take fewer frames, or fewer "
            "tokens for each"
        )
    longest = max(num_queries, num_keys)
    if longest > MAX_BLOCKS * block_tokens:
        raise SettingError(
            f"block_tokens must be at least {-(-longest // MAX_BLOCKS)} for {longest:,} tokens "
            f"(at most {MAX_BLOCKS} blocks a side), got {block_tokens}"
        )


@dataclass(frozen=True, eq=False)
class _Counted:
    """What is known of all pairs of a mask."""

    num_allowed: Tensor
    """`[query blocks, key blocks]`."""

    empty_queries: Tensor
    sees_itself: bool


def _count(spec: MaskSpec, head: int, block_tokens: int) -> _Counted:
    alike = spec.alike
    if alike is None or int(max(alike.queries.max(), alike.keys.max())) >= MAX_GROUPS:
        return _count_all(spec, head, block_tokens)
    return _count_groups(spec, alike, head, block_tokens)


def _count_groups(spec: MaskSpec, alike: AlikeTokens, head: int, block_tokens: int) -> _Counted:
    """One pair for each pair of groups is asked: some hundred, where there are millions."""
    allowed = _evaluate(spec, head, _firsts(alike.queries), _firsts(alike.keys))
    # How many tokens of each group are in a block, on both sides: their products are pairs.
    of_queries, of_keys = (
        _tokens_in_blocks(groups, count, block_tokens)
        for groups, count in zip((alike.queries, alike.keys), allowed.shape, strict=True)
    )
    num_allowed = of_queries @ allowed.double() @ of_keys.T
    sees_itself = True
    if len(alike.queries) == len(alike.keys):
        sees_itself = bool(allowed[alike.queries, alike.keys].all())
    is_empty = ~allowed.any(1)
    return _Counted(
        num_allowed.round().to(torch.int64),
        is_empty[alike.queries].nonzero().flatten(),
        sees_itself,
    )


def _firsts(groups: Tensor) -> list[int]:
    """The first token of each group."""
    ordered = groups.argsort(stable=True)
    counts = groups.bincount()
    return ordered[counts.cumsum(0) - counts].tolist()


def _tokens_in_blocks(groups: Tensor, num_groups: int, block_tokens: int) -> Tensor:
    """`[blocks, groups]`, float64: tokens of a group in a block."""
    num_blocks = -(-len(groups) // block_tokens)
    block_of = torch.arange(len(groups)) // block_tokens
    counts = (block_of * num_groups + groups).bincount(minlength=num_blocks * num_groups)
    return counts.reshape(num_blocks, num_groups).double()


def _count_all(spec: MaskSpec, head: int, block_tokens: int) -> _Counted:
    counts, empty, sees_itself = [], [], True
    for start, rows in _strips(spec, head, block_tokens):
        counts.append(_count_blocks(rows, block_tokens))
        empty.append(start + (~rows.any(1)).nonzero().flatten())
        # The strip's first row is query `start`, which meets itself in column `start`.
        sees_itself = sees_itself and bool(rows.diagonal(start).all())
    return _Counted(torch.cat(counts), torch.cat(empty), sees_itself)


def _strips(spec: MaskSpec, head: int, block_tokens: int) -> Iterator[tuple[int, Tensor]]:
    """The whole mask, some rows of blocks at a time: the first row's number, `[rows, K]`."""
    num_queries, num_keys = spec.queries.num_tokens, spec.keys.num_tokens
    step = max(1, STRIP_CELLS // (num_keys * block_tokens)) * block_tokens
    for start in range(0, num_queries, step):
        rows = range(start, min(start + step, num_queries))
        yield start, _evaluate(spec, head, rows, range(num_keys))


def _evaluate(spec: MaskSpec, head: int, queries: Sequence[int], keys: Sequence[int]) -> Tensor:
    """The mask for some queries and keys, `[Q, K]`."""
    query_of, key_of, mask_mod = torch.tensor(queries), torch.tensor(keys), spec.mask_mod()
    if isinstance(spec, CustomMaskSpec):
        return evaluate_like_flex(mask_mod, query_of, key_of, heads=torch.tensor([head]))[0, 0]
    # The package's own predicates broadcast, which spares the transforms of `create_mask`.
    zero, at = torch.zeros(1, 1, dtype=torch.long), torch.full((1, 1), head)
    return mask_mod(zero, at, query_of[:, None], key_of[None, :]).expand(len(queries), len(keys))


def _count_blocks(rows: Tensor, block_tokens: int) -> Tensor:
    """Pairs that may attend in each block of some rows: `[query blocks, key blocks]`."""
    padding = (0, -rows.shape[1] % block_tokens, 0, -rows.shape[0] % block_tokens)
    padded = torch.nn.functional.pad(rows, padding)
    in_rows = padded.unflatten(1, (-1, block_tokens)).sum(2, dtype=torch.int32)
    return in_rows.unflatten(0, (-1, block_tokens)).sum(1)
