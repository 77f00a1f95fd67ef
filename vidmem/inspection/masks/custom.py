"""A user's own `mask_mod`, so that it can be drawn as the package's masks are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.masks.spec import TIMES, Axis, Reason, check_at_least
from vidmem.nn.masks import MaskMod


@dataclass(frozen=True, kw_only=True)
class CustomMaskSpec:
    """Any `mask_mod`; what it means is not known, so its reasons are token numbers and its name."""

    predicate: MaskMod
    """`(b, h, q_idx, kv_idx) -> bool tensor`, as `flex_attention` takes it."""

    num_queries: int
    """Tokens that attend."""

    num_keys: int
    """Tokens attended to."""

    num_heads: int = 1
    """Heads that may differ."""

    batch_row: int = 0
    """The row of the batch that is drawn."""

    tokens_per_frame: int = 1
    """Above 1, the axes are in frames of so many tokens, numbered from 0."""

    alike: None = field(default=None, init=False)
    """See `MaskSpec`."""

    kinds: tuple[str, ...] = field(default=("allowed",), init=False)
    """One kind: a predicate has no reasons."""

    def __post_init__(self) -> None:
        check_at_least(0, batch_row=self.batch_row)
        check_at_least(
            1,
            num_queries=self.num_queries,
            num_keys=self.num_keys,
            num_heads=self.num_heads,
            tokens_per_frame=self.tokens_per_frame,
        )
        if not callable(self.predicate):
            kind = type(self.predicate).__name__
            raise SettingError(f"predicate must be a mask_mod, a function, got {kind}")

    @property
    def name(self) -> str:
        """The predicate's own name."""
        return getattr(self.predicate, "__name__", type(self.predicate).__name__)

    @property
    def title(self) -> str:
        """See `MaskSpec`."""
        return f"{self.name}, {self.num_queries:,} {TIMES} {self.num_keys:,} tokens"

    @cached_property
    def queries(self) -> Axis:
        """See `MaskSpec`."""
        return self._axis(self.num_queries)

    @cached_property
    def keys(self) -> Axis:
        """See `MaskSpec`."""
        return self._axis(self.num_keys)

    def head_name(self, head: int) -> str:
        """See `MaskSpec`."""
        return f"head {head}" if self.num_heads > 1 else ""

    def mask_mod(self) -> MaskMod:
        """See `MaskSpec`."""
        if not self.batch_row:
            return self.predicate

        def of_row(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
            return self.predicate(b + self.batch_row, h, q_idx, kv_idx)

        of_row.__name__ = self.name
        return of_row

    def explain(self, head: int, query: int, key: int) -> Reason:
        """See `MaskSpec`."""
        at = [torch.tensor(number) for number in (0, head, query, key)]
        is_allowed = bool(self.mask_mod()(*at))
        words = f"{self.queries.place(query)} to {self.keys.place(key)}, by {self.name}"
        return Reason(is_allowed, words, self.kinds[0] if is_allowed else "")

    def _axis(self, num_tokens: int) -> Axis:
        if self.tokens_per_frame == 1:
            return Axis.of_equal("token", [*map(str, range(num_tokens))])
        starts = range(0, num_tokens, self.tokens_per_frame)
        return Axis(
            title="frame",
            num_tokens=num_tokens,
            starts=tuple(starts),
            names=tuple(map(str, range(len(starts)))),
            phrases=tuple(f"frame {number}" for number in range(len(starts))),
        )
