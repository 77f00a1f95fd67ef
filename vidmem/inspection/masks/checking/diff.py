"""Two masks side by side: where they disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.checking.examined import examine
from vidmem.inspection.masks.checking.finding import rows_in_words
from vidmem.inspection.masks.checking.given import AnyMask, GivenShape
from vidmem.inspection.masks.dense import union_spec
from vidmem.inspection.masks.evaluation import MaskShape
from vidmem.inspection.masks.view import MaskView, view_mask
from vidmem.nn.block_masks import BLOCK_TOKENS

IN_BOTH, ONLY_FIRST, ONLY_SECOND = "in both", "only in the first", "only in the second"

MAX_ROWS = 5
"""Rows that are told apart in words."""


@dataclass(frozen=True)
class MaskRowDifference:
    """One row of which two masks say something else."""

    batch_row: int
    head: int
    query: int
    only_first: tuple[int, ...]
    """Keys that the first mask alone lets it see."""

    only_second: tuple[int, ...]
    """Keys that the second mask alone lets it see."""

    def __str__(self) -> str:
        parts = [
            f"only the {name} sees {rows_in_words(keys).replace('row', 'key', 1)}"
            for name, keys in (("first", self.only_first), ("second", self.only_second))
            if keys
        ]
        return f"row {self.query}: {', '.join(parts)}"


@dataclass(frozen=True, eq=False)
class MaskDiff:
    """Where two masks disagree."""

    names: tuple[str, str]
    """Of the first and the second."""

    first: Tensor
    """`[B, A, Q, K]`, boolean."""

    second: Tensor
    """The same of the second."""

    @property
    def num_first(self) -> int:
        """Pairs that the first alone allows, of all heads and batch rows."""
        return int((self.first & ~self.second).sum())

    @property
    def num_second(self) -> int:
        """Pairs that the second alone allows."""
        return int((self.second & ~self.first).sum())

    @property
    def are_equal(self) -> bool:
        """Whether they agree everywhere."""
        return not self.num_first and not self.num_second

    def rows(self) -> Iterator[MaskRowDifference]:
        """The rows that differ, from the first batch row and head on."""
        differs = (self.first != self.second).any(-1)
        for batch_row, head, query in differs.nonzero().tolist():
            at = (batch_row, head, query)
            first, second = self.first[at], self.second[at]
            only_first = (first & ~second).nonzero().flatten().tolist()
            only_second = (second & ~first).nonzero().flatten().tolist()
            yield MaskRowDifference(*at, tuple(only_first), tuple(only_second))

    def view(
        self,
        *,
        head: int = 0,
        batch_row: int = 0,
        block_tokens: int = BLOCK_TOKENS,
        max_drawn_tokens: int = 64,
    ) -> MaskView:
        """One head of both in one drawing, coloured by which of them allows a pair.

        Raises:
            SettingError: If there is no such head or row.
        """
        if not 0 <= batch_row < len(self.first):
            raise SettingError(f"batch_row must be in [0, {len(self.first)}), got {batch_row}")
        name = " and ".join(self.names)
        kinds = (IN_BOTH, ONLY_FIRST, ONLY_SECOND)
        spec = union_spec(name, self.first[batch_row], self.second[batch_row], kinds)
        return view_mask(
            spec, head=head, block_tokens=block_tokens, max_drawn_tokens=max_drawn_tokens
        )

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        rows = [row for _, row in zip(range(MAX_ROWS), self.rows(), strict=False)]
        return {
            "names": list(self.names),
            "only_first": self.num_first,
            "only_second": self.num_second,
            "rows": [vars(row) for row in rows],
            "words": str(self),
        }

    def __str__(self) -> str:
        first, second = self.names
        shape = MaskShape(*self.first.shape)
        if self.are_equal:
            return f"{first} and {second} agree on all {shape.num_pairs:,} pairs."
        differs = (self.first != self.second).any(-1)
        queries = differs.any(0).any(0).nonzero().flatten().tolist()
        lines = [
            f"{first} and {second} disagree on {self.num_first + self.num_second:,} of "
            f"{shape.num_pairs:,} pairs, in {rows_in_words(queries)}: {self.num_first:,} only the "
            f"first allows, {self.num_second:,} only the second."
        ]
        for _, row in zip(range(MAX_ROWS), self.rows(), strict=False):
            place = f"batch row {row.batch_row}, " if shape.batch > 1 else ""
            place += f"head {row.head}, " if shape.heads > 1 else ""
            lines.append(f"    {place}{row}")
        more = int(differs.sum()) - MAX_ROWS
        return "\n".join([*lines, f"    and {more:,} more rows"] if more > 0 else lines)


def diff_masks(
    first: AnyMask,
    second: AnyMask,
    shape: GivenShape | None = None,
    *,
    names: tuple[str, str] | None = None,
) -> MaskDiff:
    """Where two masks disagree: how many pairs, and the first rows, in words.

    Args:
        first: As `check_mask` takes it.
        second: The same.
        shape: As of `check_mask`; may be left out where one of the two has its own.
        names: What to call them; None: what they are called.

    Raises:
        SettingError: If a mask cannot be evaluated, or they have not the same shape.
    """
    if shape is None:
        own = [examine(mask, None).shape for mask in (first, second) if not _is_function(mask)]
        if not own:
            raise SettingError("two mask_mods need a shape, (queries, keys) or (batch, heads, ...)")
        shape = (own[0].batch, own[0].heads, own[0].queries, own[0].keys)
    pairs = []
    for mask in (first, second):
        examined = examine(mask, shape)
        if examined.allowed is None:
            raise SettingError(f"{examined.given.name} cannot be evaluated: {examined.error}")
        pairs.append((examined.given.name, examined.allowed))
    (name, allowed), (other_name, other) = pairs
    return MaskDiff(names or (name, other_name), allowed, other)


def _is_function(mask: AnyMask) -> bool:
    return not hasattr(mask, "shape")
