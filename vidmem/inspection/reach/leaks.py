"""What a way around a mask looks like, and what usually makes one that looks so."""

from __future__ import annotations

import torch
from torch import Tensor

from vidmem.inspection.reach.measuring import ModuleOutput

AS_STRONG, MUCH_WEAKER = 0.8, 0.05
"""Of what the mask allows: a leak as strong as that is a mask that is not applied; one far weaker
comes from a statistic. In between it may be either."""

MAX_OFFSETS = 4
"""Distances between neighbours that a convolution may reach."""

SCRAMBLED_SHARE = 0.1
"""Of what is allowed: if so much does not arrive, beside leaks, tokens were put in wrong places."""

STATISTIC = (
    "a statistic over tokens, such as a GroupNorm or BatchNorm over time, a mean or a pooled token"
)


def leak_words(
    leaks: Tensor,
    allowed: Tensor,
    reaches: Tensor,
    strength: Tensor,
    module: ModuleOutput | None = None,
) -> str:
    """A guess at the cause, in a sentence.

    Args:
        leaks: `[Q, K]`, boolean: what reaches though it is not allowed.
        allowed: The same of what is.
        reaches: The same of all that reaches.
        strength: `[Q, K]`, how much.
        module: The part of the model where it shows first, if that is known.
    """
    rows, columns = leaks.shape
    if bool((leaks | allowed).all()):
        return _of_all(leaks, allowed, strength, module)
    offsets = _offsets(leaks)
    if rows == columns and len(offsets) <= MAX_OFFSETS:
        return f"It is always {_distances(offsets)}: a convolution, a pooling or a shift by so far."
    keys = leaks.any(0).nonzero().flatten().tolist()
    if len(keys) <= max(1, columns // 8):
        return f"It always comes from key {keys[0]}: a token that gathers from all, or a table."
    queries = leaks.any(1).nonzero().flatten().tolist()
    if len(queries) <= max(1, rows // 8):
        return f"It always goes to row {queries[0]}: a token that gathers from all."
    if int((allowed & ~reaches).sum()) >= SCRAMBLED_SHARE * int(allowed.sum()):
        return (
            "Beside it, other rows do not get what they may see: tokens were put in wrong places, "
            "by a `reshape` or `view` without a `transpose`, or by exchanged axes."
        )
    return "What is computed beside attention mixes tokens."


def _of_all(leaks: Tensor, allowed: Tensor, strength: Tensor, module: ModuleOutput | None) -> str:
    begin = "Every row depends on every token"
    if module is not None and "Norm" in module.kind:
        return f"{begin}: {STATISTIC}."
    others = allowed & ~torch.eye(*allowed.shape, dtype=torch.bool)
    usual = float(strength[others].median()) if bool(others.any()) else 1.0
    share = float(strength[leaks].median()) / usual if usual else AS_STRONG
    if share >= AS_STRONG:
        return f"{begin}, on all about as much: the mask is not applied, or a pooled token is."
    if share <= MUCH_WEAKER:
        return f"{begin}, on those far less than on what is allowed: {STATISTIC}."
    return f"{begin}: the mask is not applied, or there is {STATISTIC}."


def _offsets(leaks: Tensor) -> list[int]:
    queries, keys = leaks.nonzero().unbind(1)
    return (keys - queries).unique().tolist()


def _distances(offsets: list[int]) -> str:
    ahead = [n for n in offsets if n > 0]
    back = [-n for n in offsets if n < 0]
    words = []
    for numbers, side in ((sorted(back), "back"), (ahead, "ahead")):
        if numbers:
            low, high = numbers[0], numbers[-1]
            words.append(f"{low if low == high else f'{low} to {high}'} {side}")
    return " or ".join(words)
