"""How sure a macro-F1 is: the interval that resampled blocks of time give.

Moments of a video are not independent, so whole blocks are drawn, with replacement, and the score
is computed anew (block bootstrap: Künsch 1989, Annals of Statistics 17:1217). Blocks should be
longer than most bouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidmem.labels.results.pairing import PairedTrack

DEFAULT_BLOCK_SECONDS = 60.0
NUM_DRAWS = 1000
FEWEST_BLOCKS = 5


@dataclass(frozen=True, kw_only=True)
class ScoreInterval:
    """From the 2.5th to the 97.5th percentile of the draws."""

    low: float | None
    """`None`: undefined, for the reason below."""

    high: float | None
    num_blocks: int
    block_seconds: float
    seed: int
    undefined: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "low": self.low,
            "high": self.high,
            "level_percent": 95,
            "num_blocks": self.num_blocks,
            "block_seconds": self.block_seconds,
            "num_draws": NUM_DRAWS,
            "seed": self.seed,
            "undefined_because": self.undefined or None,
        }


def block_confusions(
    pairs: Sequence[PairedTrack], codes: Mapping[str, int], block_seconds: float
) -> NDArray[np.float64]:
    """Seconds of each pair of classes in each block of time of each video, `[blocks, C, C]`."""
    blocks: dict[tuple[int, int], NDArray[np.float64]] = {}
    for number, one in enumerate(pairs):
        for stretch in (stretch for run in one.runs for stretch in run):
            start = stretch.start_seconds
            while start < stretch.end_seconds:
                index = int(start // block_seconds)
                end = min((index + 1) * block_seconds, stretch.end_seconds)
                if end <= start:  # an edge that rounding put a step too early
                    index, end = index + 1, min((index + 2) * block_seconds, stretch.end_seconds)
                block = blocks.setdefault((number, index), np.zeros((len(codes),) * 2))
                block[codes[stretch.first], codes[stretch.second]] += end - start
                start = end
    return np.array(list(blocks.values())).reshape(-1, len(codes), len(codes))


def macro_f1_interval(
    blocks: NDArray[np.float64], is_counted: Sequence[bool], *, block_seconds: float, seed: int
) -> ScoreInterval:
    """The interval of macro-F1 over classes.

    Args:
        blocks: Of `block_confusions`; rows are labels.
        is_counted: Whether a class is one of the mean.
        block_seconds: As they were made.
        seed: Of the draws; the same gives the same interval.
    """
    few = {"num_blocks": len(blocks), "block_seconds": block_seconds, "seed": seed}
    if len(blocks) < FEWEST_BLOCKS:
        reason = f"fewer than {FEWEST_BLOCKS} blocks of {block_seconds:g} s"
        return ScoreInterval(low=None, high=None, undefined=reason, **few)
    generator = np.random.default_rng(seed)
    share = np.full(len(blocks), 1 / len(blocks))
    draws = generator.multinomial(len(blocks), share, size=NUM_DRAWS)
    scores = _macro_f1(np.tensordot(draws, blocks, axes=1), np.asarray(is_counted))
    scores = scores[~np.isnan(scores)]
    if not len(scores):
        return ScoreInterval(low=None, high=None, undefined="no behaviour in any block", **few)
    low, high = np.percentile(scores, (2.5, 97.5)).tolist()
    return ScoreInterval(low=low, high=high, **few)


def _macro_f1(
    confusions: NDArray[np.float64], is_counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Of many confusions `[N, C, C]`, each over the classes that it has; NaN: over none."""
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    both = confusions.sum(1) + confusions.sum(2)
    is_there = (both > 1e-9) & is_counted
    f1 = np.where(is_there, 2 * hits / np.where(is_there, both, 1), 0)
    num_classes = is_there.sum(1)
    return np.where(num_classes > 0, f1.sum(1) / np.maximum(num_classes, 1), np.nan)
