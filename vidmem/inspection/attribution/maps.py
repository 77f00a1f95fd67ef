"""What a score rests on, as maps over the clip, over memory and over the picture.

All values are in log-odds: above 0 speaks for the class, below 0 against it. Tensors are float32
and on the CPU.

Letters: T frames, H W pixels, S remembered clips, t r c times, rows and columns of a memory grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.inspection.attribution.subject import Score


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelAttribution:
    """Integrated gradients on the pixels of a clip."""

    values: Tensor
    """`[T, H, W]`, summed over colours."""

    score: Score
    """The score of the clip."""

    neutral_score: Score
    """The score of a clip in the model's mean colour, after the same past."""

    @property
    def completeness_error(self) -> float:
        """How far the values are from adding up to the difference of the scores, in log-odds."""
        return _gap(self.values, self.score, self.neutral_score)

    def cells(self, rows: int, columns: int) -> Tensor:
        """The values summed over the cells of a coarse grid, `[T, rows, columns]`.

        Raises:
            SettingError: If there are more cells than pixels along a side.
        """
        frames, height, width = self.values.shape
        index = cell_index(height, width, rows, columns).flatten()
        sums = torch.zeros(frames, rows * columns, dtype=self.values.dtype)
        sums.index_add_(1, index, self.values.flatten(1))
        return sums.unflatten(1, (rows, columns))


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenAttribution:
    """Integrated gradients on one memory: a value for each token of each remembered clip."""

    stage: int | None
    """Stage of a FAM Swin, from 1; None: Spool's features."""

    values: Tensor
    """`[S, t, r, c]`, oldest clip first: each token at its own time and place in its clip."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MemoryAttribution:
    """Integrated gradients on memory tokens.

    Direct, like `DirectEffects`: what is read from each slot now, whichever clip it first came
    from. The path leads from tokens that say nothing to those that are there.
    """

    clips: tuple[int, ...]
    """Numbers of the remembered windows, oldest first."""

    maps: tuple[TokenAttribution, ...]
    """One per stage with memory."""

    score: Score

    baseline_score: Score
    """The score with tokens that say nothing: for FAM Swin its no-memory token in every slot, which
    is the same as empty slots; for Spool the features of neutral frames."""

    @property
    def by_clip(self) -> tuple[float, ...]:
        """The sum over the tokens of each clip, all stages together."""
        sums = torch.zeros(len(self.clips), dtype=torch.float64)
        for one in self.maps:
            sums += one.values.flatten(1).double().sum(1)
        return tuple(sums.tolist())

    @property
    def completeness_error(self) -> float:
        """How far the values are from adding up to the difference of the scores, in log-odds."""
        return sum(self.by_clip) - (self.score.log_odds - self.baseline_score.log_odds)


@dataclass(frozen=True, kw_only=True, eq=False)
class OcclusionMap:
    """How the score falls when a part of the picture is neutral in the whole clip."""

    values: Tensor
    """`[rows, columns]`: the score less that without this cell, in log-odds."""

    score: Score

    @property
    def probabilities(self) -> Tensor:
        """`[rows, columns]`: the same in probability."""
        # Probabilities are no sums: each comes from the log-odds without the cell.
        return self.score.probability - (self.score.log_odds - self.values).sigmoid()


def cell_index(height: int, width: int, rows: int, columns: int) -> Tensor:
    """`[H, W]`: which cell of a grid each pixel is in, row by row; cells differ by a pixel at most.

    Raises:
        SettingError: If there are more cells than pixels along a side.
    """
    if not 1 <= rows <= height or not 1 <= columns <= width:
        raise SettingError(
            f"a grid over {height} x {width} pixels has from 1 to as many rows and columns, "
            f"got {rows} x {columns}"
        )
    row, column = torch.arange(height) * rows // height, torch.arange(width) * columns // width
    return row[:, None] * columns + column


def _gap(values: Tensor, score: Score, baseline: Score) -> float:
    return float(values.double().sum()) - (score.log_odds - baseline.log_odds)
