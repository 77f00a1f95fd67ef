"""A mask of which every pair is known, so that it can be drawn as the package's masks are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from vidmem.inspection.masks.spec import TIMES, Axis, Reason
from vidmem.nn.masks import MaskMod

ALLOWED = "allowed"


@dataclass(frozen=True, kw_only=True, eq=False)
class DenseMaskSpec:
    """Pairs and, where pairs may attend for several reasons, the number of the reason."""

    name: str
    """Which mask."""

    kind_of: Tensor
    """`[A, Q, K]`, int8 on the CPU: 0 may not attend, from 1 the rule of `kinds` that allows it."""

    kinds: tuple[str, ...] = (ALLOWED,)
    """See `MaskSpec`."""

    alike: None = field(default=None, init=False)
    """See `MaskSpec`."""

    @classmethod
    def of_boolean(cls, name: str, allowed: Tensor) -> DenseMaskSpec:
        """A mask `[A, Q, K]`, boolean, true where a pair may attend."""
        return cls(name=name, kind_of=allowed.to(torch.int8))

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return f"{self.name}, {self.queries.num_tokens:,} {TIMES} {self.keys.num_tokens:,} tokens"

    @property
    def num_heads(self) -> int:
        """See `MaskSpec`."""
        return self.kind_of.shape[0]

    @property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return self._axes[0]

    @property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        return self._axes[1]

    @cached_property
    def _axes(self) -> tuple[Axis, Axis]:
        _, queries, keys = self.kind_of.shape
        of_queries, of_keys = (
            Axis.of_equal("token", [*map(str, range(count))]) for count in (queries, keys)
        )
        return of_queries, of_keys

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return f"head {head}" if self.num_heads > 1 else ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        allowed = self.kind_of > 0

        def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
            return allowed[h, q_idx, kv_idx]

        return mask_mod

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        number = int(self.kind_of[head, query, key])
        kind = self.kinds[number - 1] if number else ""
        by = f", {kind}" if kind and len(self.kinds) > 1 else ""
        return Reason(number > 0, f"query {query} to key {key}{by}", kind)


def union_spec(name: str, first: Tensor, second: Tensor, kinds: Sequence[str]) -> DenseMaskSpec:
    """Two masks in one drawing: the pairs of either, by which of them allows it.

    Args:
        name: What the drawing is of.
        first: `[A, Q, K]`, boolean.
        second: The same of the other.
        kinds: In words: in both, in the first only, in the second only.
    """
    first, second = first.cpu(), second.cpu()
    kind_of = (first & second).to(torch.int8) + 2 * (first & ~second) + 3 * (second & ~first)
    return DenseMaskSpec(name=name, kind_of=kind_of.to(torch.int8), kinds=tuple(kinds))
