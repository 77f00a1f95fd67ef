"""What a way around a mask looks like, and what usually makes one that looks so."""

from __future__ import annotations

import torch
from torch import Tensor

AS_STRONG = 0.2
"""Of what the mask allows: from here on a leak is as strong, so the mask is not applied at all."""

MAX_OFFSETS = 4
"""Distances between neighbours that a convolution may reach."""


def leak_words(leaks: Tensor, allowed: Tensor, reaches: Tensor, strength: Tensor) -> str:
    """A guess at the cause, in a sentence.

    Args:
        leaks: `[Q, K]`, boolean: what reaches though it is not allowed.
        allowed: The same of what is.
        reaches: The same of all that reaches.
        strength: `[Q, K]`, how much.
    """
    rows, columns = leaks.shape
    if rows == columns and _is_scrambled(reaches):
        return (
            "Most rows do not depend on their own token: two axes were exchanged, or reshaped "
            "without a `transpose`."
        )
    if bool((leaks | allowed).all()):
        return _of_all(leaks, allowed, strength)
    offsets = _offsets(leaks)
    if rows == columns and len(offsets) <= MAX_OFFSETS:
        return f"It is always {_distances(offsets)}: a convolution, a pooling or a shift by so far."
    keys = leaks.any(0).nonzero().flatten().tolist()
    if len(keys) <= max(1, columns // 8):
        return f"It always comes from key {keys[0]}: a token that gathers from all, or a table."
    queries = leaks.any(1).nonzero().flatten().tolist()
    if len(queries) <= max(1, rows // 8):
        return f"It always goes to row {queries[0]}: a token that gathers from all."
    return "What is computed beside attention mixes tokens."


def _of_all(leaks: Tensor, allowed: Tensor, strength: Tensor) -> str:
    others = allowed & ~torch.eye(*allowed.shape, dtype=torch.bool)
    usual = float(strength[others].median()) if bool(others.any()) else 1.0
    if float(strength[leaks].median()) >= AS_STRONG * usual:
        return (
            "Every row depends on every token, and on those as much as on what is allowed: the "
            "mask is not applied, or a pooled token carries all to all."
        )
    return (
        "Every row depends on every token, on those less than on what is allowed: a statistic "
        "over tokens, such as a GroupNorm or BatchNorm over time, or a mean."
    )


def _is_scrambled(reaches: Tensor) -> bool:
    return float(reaches.diagonal().float().mean()) < 0.5


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
