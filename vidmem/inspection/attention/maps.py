"""Tokens as places of the picture: which lie in a region, which to sample, how to pool many.

Everything here is numbers in and numbers out; nothing knows a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from vidmem.errors import SettingError

MAX_SIDE = 64
"""Rows and columns of a view by default."""

_ROUNDING = 1e-9
"""Tolerance of a fraction times a count, so that a border on a token's edge stays on it: 0.07 * 100
is 7.000000000000001."""


@dataclass(frozen=True, kw_only=True)
class PictureBox:
    """A rectangle of the picture as the model sees it, as fractions of its height and width."""

    top: float = 0.0
    bottom: float = 1.0
    left: float = 0.0
    right: float = 1.0

    def __post_init__(self) -> None:
        edges = (self.top, self.bottom, self.left, self.right)
        is_fitting = all(0 <= edge <= 1 for edge in edges)
        if not is_fitting or self.top > self.bottom or self.left > self.right:
            raise SettingError(
                "a region's edges must be fractions from 0 to 1, top and left first, got "
                f"top {self.top:g}, bottom {self.bottom:g}, left {self.left:g}, "
                f"right {self.right:g}"
            )

    @classmethod
    def at(cls, y: float, x: float) -> Self:
        """The point clicked, `y` down and `x` to the right: one token stands for it."""
        return cls(top=y, bottom=y, left=x, right=x)


WHOLE = PictureBox()


@dataclass(frozen=True)
class TokenGrid:
    """How tokens lie over the picture."""

    rows: int
    columns: int

    extent: tuple[float, float] = (1.0, 1.0)
    """Heights and widths of the picture that the tokens cover: more than 1 where it was padded at
    the bottom and on the right."""

    def box(self, region: PictureBox) -> tuple[range, range]:
        """The rows and columns of tokens that a region touches, at least one of each."""
        return (
            _touched(region.top, region.bottom, self.rows, self.extent[0]),
            _touched(region.left, region.right, self.columns, self.extent[1]),
        )

    def region(self, rows: range, columns: range) -> PictureBox:
        """The part of the picture that these tokens stand for."""
        height, width = (
            n / count for n, count in zip(self.extent, (self.rows, self.columns), strict=True)
        )
        return PictureBox(
            top=min(rows.start * height, 1.0),
            bottom=min(rows.stop * height, 1.0),
            left=min(columns.start * width, 1.0),
            right=min(columns.stop * width, 1.0),
        )


def sample_axes(sizes: Sequence[int], most: int | None) -> list[np.ndarray]:
    """Evenly spread positions along each axis, whose combinations are `most` at most; None: all.

    The longest axis is thinned first, by half at a time.

    >>> [axis.tolist() for axis in sample_axes((8, 3), 12)]
    [[1, 3, 5, 7], [0, 1, 2]]
    """
    counts = list(sizes)
    while most is not None and math.prod(counts) > max(most, 1):
        longest = counts.index(max(counts))
        counts[longest] = -(-counts[longest] // 2)
    return [_spread(size, count) for size, count in zip(sizes, counts, strict=True)]


def group_edges(count: int, most: int | None = MAX_SIDE) -> np.ndarray:
    """`[G + 1]`: where neighbours are cut into at most `most` groups, of nearly one size.

    >>> group_edges(5, 2).tolist()
    [0, 2, 5]
    """
    groups = count if most is None else min(count, most)
    return np.arange(groups + 1) * count // max(groups, 1)


def sum_groups(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """`[..., N]` to `[..., G]`: the sum of each group of neighbours; sums over all stay."""
    if not values.shape[-1]:
        return values
    return np.add.reduceat(values, edges[:-1], axis=-1)


def _touched(start: float, stop: float, count: int, extent: float) -> range:
    first = min(math.floor(start * count / extent + _ROUNDING), count - 1)
    return range(first, min(max(math.ceil(stop * count / extent - _ROUNDING), first + 1), count))


def _spread(size: int, count: int) -> np.ndarray:
    return (2 * np.arange(count) + 1) * size // (2 * count)
