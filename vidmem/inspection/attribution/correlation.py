"""Rank correlation of attention shares with effects: whether attention shows what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vidmem.inspection.attribution.effects import ClipEffect

FEWEST_CLIPS = 3
"""Two values have a rank correlation of 1 or -1 whatever they are."""


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, -1 to 1; equal values share the mean of their ranks.

    None where there is none: fewer than three values, or all values of one side alike.

    Raises:
        ValueError: If there are not as many of one as of the other, or some are not numbers.
    """
    if len(first) != len(second):
        raise ValueError(f"as many of one as of the other, got {len(first)} and {len(second)}")
    values = np.array([first, second], np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"ranks are of finite numbers, got {list(first)} and {list(second)}")
    if len(first) < FEWEST_CLIPS:
        return None
    ranks = np.stack([_ranks(row) for row in values])
    centred = ranks - ranks.mean(1, keepdims=True)
    spread = np.sqrt((centred**2).sum(1).prod())
    if spread == 0:
        return None
    return float(np.clip((centred[0] * centred[1]).sum() / spread, -1, 1))


def attention_agreement(shares: Mapping[int, float], effects: Sequence[ClipEffect]) -> float | None:
    """Rank correlation of the attention that clips got with the size of their effects.

    The size is in log-odds, without its sign: a clip that speaks against the class may be attended
    to for that. None for fewer than three clips, or where all effects are alike.

    Args:
        shares: Of attention, by window; windows without an effect are left out.
        effects: Direct or total ones; windows without a share are left out.
    """
    both = [effect for effect in effects if effect.clip in shares]
    return spearman(
        [shares[effect.clip] for effect in both], [abs(effect.log_odds) for effect in both]
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1 up; equal values share the mean of their ranks."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[group]
