"""A `score_mod` beside a mask: what it hides, and what it spoils."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vidmem.inspection.masks.checking.captures import too_short
from vidmem.inspection.masks.checking.code import control_flow, precedence
from vidmem.inspection.masks.checking.finding import MaskFinding, PairsFound
from vidmem.inspection.masks.checking.functions import captured_tensors, functions_of
from vidmem.inspection.masks.evaluation import MaskShape, evaluate_all
from vidmem.inspection.masks.spec import plural

ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]

PROBE = 1.0
"""The score that a `score_mod` is tried with: zero would hide what is multiplied."""


def check_scores(
    score_mod: ScoreMod, allowed: Tensor, device: torch.device
) -> Iterator[MaskFinding]:
    """What a `score_mod` makes of the pairs that a mask allows.

    Args:
        score_mod: `(score, b, h, q_idx, kv_idx) -> score`.
        allowed: `[B, A, Q, K]`, boolean.
        device: Where it is evaluated.
    """
    shape = MaskShape(*allowed.shape)
    functions, captured = functions_of(score_mod), captured_tensors(score_mod)
    line = functions[-1].answer_place if functions else ""
    try:
        is_nan = _where(score_mod, torch.isnan, shape, device)
        is_hidden = _where(score_mod, torch.isneginf, shape, device)
        is_endless = _where(score_mod, torch.isposinf, shape, device)
    except ValueError as error:
        causes = [f for one in functions for f in control_flow(one)] or [
            *too_short(captured, shape)
        ]
        reason = str(error.__cause__ or error).splitlines()[0]
        words = f"the score_mod cannot be asked for many pairs at once: {reason}"
        yield MaskFinding(kind="score_mod", words=words, line=line)
        yield from causes
        return
    for one in functions:
        yield from precedence(one)
    yield from _spoiled(is_nan & allowed, "NaN", line)
    yield from _spoiled(is_endless & allowed, "infinity", line)
    hidden = is_hidden & allowed
    empty = (hidden.any(-1, keepdim=True)) & ~(allowed & ~is_hidden).any(-1, keepdim=True)
    found = PairsFound.among(empty)
    if found:
        words = (
            f"{found.where(empty)}row {found.query} is -inf at every key that the mask allows, so "
            f"it sees nothing. {plural(found.count, 'such row')}."
        )
        yield found.finding("score_mod", words, line=line)
    found = PairsFound.among(hidden & ~empty)
    if found:
        words = (
            f"{found.where(hidden)}row {found.query}, key {found.key} is -inf, though the mask "
            f"allows it. {found.how_many()} Blocks that only a score_mod hides are computed all "
            "the same: hide them in the mask."
        )
        yield found.finding("score_mod", words, is_mistake=False, line=line)


def _spoiled(bad: Tensor, what: str, line: str) -> Iterator[MaskFinding]:
    found = PairsFound.among(bad)
    if found:
        words = (
            f"{found.where(bad)}row {found.query}, key {found.key} is {what} for a score of "
            f"{PROBE:g}. {found.how_many()}"
        )
        yield found.finding("score_mod", words, line=line)


def _where(
    score_mod: ScoreMod,
    test: Callable[[Tensor], Tensor],
    shape: MaskShape,
    device: torch.device,
) -> Tensor:
    """Where a score passes a test, `[B, A, Q, K]`, evaluated as a `mask_mod` is."""

    def mask_mod(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        score = torch.full((), PROBE, device=device)
        return test(score_mod(score, b, h, q_idx, kv_idx)) & (q_idx >= 0) & (kv_idx >= 0)

    return evaluate_all(mask_mod, shape, device)
