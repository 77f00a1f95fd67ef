"""The pairs of a mask held against what was meant, and against what no mask wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidmem.inspection.masks.checking.finding import (
    FindingKind,
    MaskFinding,
    PairsFound,
    rows_in_words,
)
from vidmem.inspection.masks.checking.intent import IntendedMask, IntentRule
from vidmem.inspection.masks.spec import plural


@dataclass(frozen=True, eq=False)
class PairChecks:
    """All that is asked of the pairs of one mask."""

    allowed: Tensor
    """`[B, A, Q, K]`, boolean."""

    meant: IntendedMask

    def findings(self) -> list[MaskFinding]:
        """What is wrong, the leaks first."""
        violations = [*self._seen(), *self._unseen()]
        turned = [*self._upside_down(), *self._shifted()] if violations else []
        return [
            *turned,
            *violations,
            *self._empty_rows(),
            *self._itself(),
            *self._counts(),
            *self._asymmetry(),
            *self._alike(),
            *self._padding_attends(),
        ]

    def _seen(self) -> Iterator[MaskFinding]:
        """Pairs that attend and were meant not to."""
        for rule in self.meant.rules():
            bad = self.allowed & rule.hidden
            found = PairsFound.among(bad)
            if found:
                words = (
                    f"{found.where(bad)}row {found.query} sees key {found.key}, "
                    f"{rule.words(found.batch_row, *found.pair)}. {found.how_many()}"
                )
                yield found.finding(rule.kind, words + self._off_by_one(rule, bad))

    def _off_by_one(self, rule: IntentRule, bad: Tensor) -> str:
        if rule.kind not in ("window", "future"):
            return ""
        window = self.meant.intent.window
        back, ahead = window if window is not None else (None, 0)
        distance = self._distance(bad)
        if distance is not None and distance in (ahead + 1, None if back is None else -back - 1):
            return " It is off by one: one key more than meant, in each of these rows."
        return ""

    def _distance(self, bad: Tensor) -> int | None:
        """How far keys are after their queries, where that is the same for all pairs."""
        distances = self.meant.ahead.expand_as(bad)[bad]
        low, high = int(distances.min()), int(distances.max())
        return low if low == high else None

    def _unseen(self) -> Iterator[MaskFinding]:
        """Pairs that do not attend and were meant to."""
        for kind, required in self.meant.required().items():
            bad = required & ~self.allowed
            found = PairsFound.among(bad)
            if not found:
                continue
            distance = int(self.meant.ahead[0, 0, found.query, found.key])
            side = f"{distance} ahead" if distance > 0 else f"{-distance} back"
            words = (
                f"{found.where(bad)}row {found.query} does not see key {found.key}, {side}, "
                f"which {_REQUIRED[kind]}. {found.how_many()}"
            )
            yield found.finding(kind, words + self._one_too_few(kind, bad))

    def _one_too_few(self, kind: FindingKind, bad: Tensor) -> str:
        window = self.meant.intent.window
        if kind != "window" or window is None:
            return ""
        if self._distance(bad) in (-window[0], window[1]):
            return " It is off by one: one key less than meant, in each of these rows."
        return ""

    def _upside_down(self) -> list[MaskFinding]:
        """Whether the mask turned round, or its opposite, would be what was meant."""
        hidden, required = self.meant.hidden(), [*self.meant.required().values()]
        turned = self.allowed.transpose(2, 3)
        is_square = turned.shape == self.allowed.shape
        # Both may fit a triangle: of one that was turned over, its own keys are still seen.
        sees_itself = bool(self.allowed[:, :, (self.meant.ahead[0, 0] == 0)].any())
        if is_square and sees_itself and _fits(turned, hidden, required):
            words = "with queries and keys exchanged it would be as meant: `q_idx` and `kv_idx`, "
            words += "or the two sides of a comparison, are the wrong way round."
            return [MaskFinding(kind="upside down", words=f"Row for column: {words}")]
        if _fits(~self.allowed, hidden, required):
            words = (
                "the opposite of the mask would be as meant. True means *may attend* here, as in "
                "`scaled_dot_product_attention` and `flex_attention`; `nn.MultiheadAttention` "
                "means *is masked* by it. Row 0 sees "
                f"{_keys_seen(self.allowed[0, 0, 0])}."
            )
            return [MaskFinding(kind="upside down", words=words[0].upper() + words[1:])]
        return []

    def _shifted(self) -> list[MaskFinding]:
        """Whether the mask takes query 0 to stand at key 0, where the queries are the last keys."""
        first = self.meant.first_query
        if not first or self.meant.intent.first_query is not None:
            return []
        other = IntendedMask(replace(self.meant.intent, first_query=0), self.meant.shape)
        if not _fits(self.allowed, other.hidden(), [*other.required().values()]):
            return []
        words = (
            f"Row 0 stands at key {first}, as queries are the last of the keys, but the mask takes "
            f"it to stand at key 0: add {first} to `q_idx`, or the length of the cache. If that is "
            "meant, say `first_query=0`."
        )
        return [MaskFinding(kind="shape", words=words, pair=(0, first))]

    def _empty_rows(self) -> Iterator[MaskFinding]:
        is_empty = ~self.allowed.any(-1, keepdim=True)
        found = PairsFound.among(is_empty)
        if not found:
            return
        padding = self.meant.padding
        places = self.meant.query_places()
        is_padding = padding is not None and bool(
            padding[found.batch_row % len(padding), places[found.query]]
        )
        what = " is padding and" if is_padding else ""
        words = (
            f"{found.where(is_empty)}row {found.query}{what} sees nothing. "
            f"{plural(found.count, 'such row')}: {rows_in_words(found.queries)}. Attention gives "
            "zeros or NaN there, as the backend has it, and NaN spreads in the next layer."
        )
        yield MaskFinding(
            kind="rows that see nothing",
            words=words,
            pair=(found.query, 0),
            head=found.head,
            batch_row=found.batch_row,
        )

    def _itself(self) -> Iterator[MaskFinding]:
        """Queries that see some keys, but not their own."""
        own = (self.meant.ahead == 0) & self.allowed.any(-1, keepdim=True) & ~self.allowed
        own = own & ~self.meant.hidden()
        found = PairsFound.among(own)
        if found:
            words = (
                f"{found.where(own)}row {found.query} does not see its own key {found.key}. "
                f"{found.how_many()}"
            )
            yield found.finding("does not see itself", words, is_mistake=False)

    def _counts(self) -> Iterator[MaskFinding]:
        wanted = self.meant.intent.keys_per_query
        if wanted is None:
            return
        counts = self.allowed.sum(-1, keepdim=True)
        wrong = counts != wanted
        found = PairsFound.among(wrong)
        if not found:
            return
        seen = int(counts[found.batch_row, found.head, found.query, 0])
        last = self.meant.shape.queries - 1
        is_edge = {0, last} & set(found.queries) and last // 2 not in found.queries
        why = " It is so at the edges: shift the window inwards there, do not cut it."
        words = (
            f"{found.where(wrong)}row {found.query} sees {plural(seen, 'key')} where {wanted} were "
            f"meant. {plural(found.count, 'such row')}: {rows_in_words(found.queries)}."
            f"{why if is_edge else ''}"
        )
        yield MaskFinding(kind="keys per query", words=words, pair=(found.query, 0))

    def _asymmetry(self) -> Iterator[MaskFinding]:
        if not self.meant.intent.symmetric:
            return
        if self.meant.shape.queries != self.meant.shape.keys:
            words = f"{self.meant.shape} cannot be symmetric: there must be as many of both."
            yield MaskFinding(kind="asymmetry", words=words)
            return
        bad = self.allowed & ~self.allowed.transpose(2, 3)
        found = PairsFound.among(bad)
        if found:
            words = (
                f"{found.where(bad)}row {found.query} sees key {found.key}, but row {found.key} "
                f"does not see key {found.query}. {found.how_many()}"
            )
            yield found.finding("asymmetry", words)

    def _alike(self) -> Iterator[MaskFinding]:
        intent = self.meant.intent
        sides: tuple[tuple[int, bool | None, FindingKind, str], ...] = (
            (1, intent.heads_alike, "heads differ", "head"),
            (0, intent.batch_alike, "batch rows differ", "batch row"),
        )
        for axis, is_meant, kind, noun in sides:
            first = self.allowed.narrow(axis, 0, 1)
            bad = self.allowed != first
            found = PairsFound.among(bad)
            if is_meant is False or not found or self._differ_by_intent(axis):
                continue
            number = found.head if axis else found.batch_row
            words = (
                f"{noun} {number} differs from {noun} 0 at row {found.query}, key {found.key}: "
                f"{'only it' if self._at(found) else f'only {noun} 0'} sees it. "
                f"{found.how_many()}"
            )
            yield found.finding(kind, words, is_mistake=bool(is_meant))

    def _differ_by_intent(self, axis: int) -> bool:
        """Whether batch rows were said to have documents or padding of their own."""
        given = (self.meant.documents, self.meant.padding)
        is_meant = any(one is not None and len(one) > 1 for one in given)
        return axis == 0 and is_meant and self.meant.intent.batch_alike is None

    def _at(self, found: PairsFound) -> bool:
        return bool(self.allowed[found.batch_row, found.head, found.query, found.key])

    def _padding_attends(self) -> Iterator[MaskFinding]:
        padding = self.meant.padding
        if padding is None:
            return
        bad = self.allowed & padding[:, None, self.meant.query_places(), None]
        found = PairsFound.among(bad)
        if found:
            words = (
                f"{found.where(bad)}row {found.query} is padding and attends, to key {found.key}. "
                f"{found.how_many()} That costs nothing but time, unless what these rows give is "
                "pooled or has a loss."
            )
            yield found.finding("padding", words, is_mistake=False)


_REQUIRED: dict[FindingKind, str] = {
    "window": "is inside the window that was meant",
    "prefix": "is of the prefix that all were meant to see",
    "sink": "is a sink that all later queries were meant to see",
}


def _fits(allowed: Tensor, hidden: Tensor, required: list[Tensor]) -> bool:
    """Whether a mask has some pairs in most rows, none that is hidden and all that are required."""
    if bool((allowed & hidden).any()) or any(bool((one & ~allowed).any()) for one in required):
        return False
    # Nothing at all fits most intents; a mask is not turned round for being empty then.
    return float(allowed.any(-1).float().mean()) > 0.5


def _keys_seen(row: Tensor) -> str:
    keys = row.nonzero().flatten().tolist()
    return rows_in_words(keys).replace("row", "key", 1) if keys else "nothing"


def describe_reach(allowed: Tensor, first_query: int) -> str:
    """How many keys queries see, and how far, in a sentence."""
    counts = allowed.sum(-1)
    if not bool(allowed.any()):
        return "No query sees anything."
    some = allowed.any(0).any(0)
    queries = torch.arange(allowed.shape[2]) + first_query
    ahead = torch.arange(allowed.shape[3])[None, :] - queries[:, None]
    back, front = -int(ahead[some].min()), int(ahead[some].max())
    low, high = int(counts.min()), int(counts.max())
    keys = plural(high, "key") if low == high else f"{low:,} to {high:,} keys"
    far = f"{max(back, 0):,} back and {max(front, 0):,} ahead of its own"
    return f"A query sees {keys}, up to {far}."
