"""What is found in a mask: one mistake with the smallest example of where, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from vidmem.inspection.masks.spec import runs

FindingKind = Literal[
    "not evaluated",
    "python control flow",
    "operator precedence",
    "shape",
    "rows that see nothing",
    "does not see itself",
    "future",
    "window",
    "document",
    "prefix",
    "sink",
    "padding",
    "keys per query",
    "asymmetry",
    "heads differ",
    "batch rows differ",
    "upside down",
    "captured tensor",
    "block mask",
    "block size",
    "score_mod",
    "way around the mask",
    "not reached",
]
"""What is wrong, in a word or two."""

FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)

MAX_STRETCHES = 3
"""Stretches of rows that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class MaskFinding:
    """One mistake, or one thing to know."""

    kind: FindingKind
    """What is wrong."""

    words: str
    """Where and how, in sentences: a row and a column, a block, a tensor."""

    is_mistake: bool = True
    """False for what may be meant, and should be known."""

    line: str = ""
    """Which line of the mask's source it points at: `masks.py, line 12: return q_idx >= kv_idx`."""

    pair: tuple[int, int] | None = None
    """The query and the key of the first example."""

    head: int = 0
    """The head of that example."""

    batch_row: int = 0
    """The row of the batch of that example."""

    num_pairs: int = 0
    """Pairs that are so, of all heads and batch rows; 0: it is not about pairs."""

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        mark = "mistake" if self.is_mistake else "note"
        where = f"\n    at {self.line}" if self.line else ""
        return f"{mark}, {self.kind}: {self.words}{where}"


@dataclass(frozen=True)
class PairsFound:
    """The pairs of a mask that something is said of: how many, the first, which rows."""

    batch_row: int
    head: int
    query: int
    key: int
    count: int
    queries: tuple[int, ...]

    @classmethod
    def among(cls, bad: Tensor) -> PairsFound | None:
        """The true places of `[B, A, Q, K]`; None where there is none."""
        count = int(bad.sum())
        if not count:
            return None
        first = int(bad.flatten().to(torch.uint8).argmax())
        _, heads, num_queries, num_keys = bad.shape
        rest, key = divmod(first, num_keys)
        rest, query = divmod(rest, num_queries)
        batch_row, head = divmod(rest, heads)
        queries = tuple(bad.any(-1).any(0).any(0).nonzero().flatten().tolist())
        return cls(batch_row, head, query, key, count, queries)

    @property
    def pair(self) -> tuple[int, int]:
        """Query and key of the first."""
        return self.query, self.key

    def where(self, bad: Tensor) -> str:
        """`batch row 1, head 2, ` where a mask has several, else empty."""
        batch, heads = bad.shape[:2]
        row = f"batch row {self.batch_row}, " if batch > 1 else ""
        return row + (f"head {self.head}, " if heads > 1 else "")

    def how_many(self) -> str:
        """`12 such pairs, in rows 3 to 9`."""
        if self.count == 1:
            return "It is the only such pair."
        return f"{self.count:,} such pairs, in {rows_in_words(self.queries)}."

    def finding(self, kind: FindingKind, words: str, **more: Any) -> MaskFinding:
        """A finding about these pairs."""
        return MaskFinding(
            kind=kind,
            words=words,
            pair=self.pair,
            head=self.head,
            batch_row=self.batch_row,
            num_pairs=self.count,
            **more,
        )


def rows_in_words(rows: Sequence[int]) -> str:
    """`row 3`, `rows 3 to 9, 12 and 14 to 20`, `rows 0, 2, 4 and 61 more stretches`."""
    stretches = [*runs(rows)]
    shown = [str(a) if b - a == 1 else f"{a} to {b - 1}" for a, b in stretches[:MAX_STRETCHES]]
    more = len(stretches) - len(shown)
    if more:
        shown.append(f"{more:,} more stretch" + ("es" if more > 1 else ""))
    words = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"row{'s' if len(rows) > 1 else ''} {words}"
