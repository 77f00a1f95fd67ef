"""Which way up a stored picture is: turned, and perhaps mirrored, by the file's display matrix."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """What brings a stored picture upright: mirror it, then turn it."""

    turns: int = 0
    """Quarter turns, counter-clockwise: 0 to 3."""

    is_mirrored: bool = False
    """Left and right are exchanged, before turning."""

    @classmethod
    def of(cls, frame: VideoFrame) -> Orientation:
        """Read it from a decoded frame; upright where the matrix makes no sense."""
        for side in cast(Iterable[Any], frame.side_data):  # its type is declared wrongly
            if side.type == Type.DISPLAYMATRIX:
                return cls.from_matrix(bytes(side))
        return cls()

    @classmethod
    def from_matrix(cls, data: bytes) -> Orientation:
        """From FFmpeg's nine numbers, of which four turn, mirror and scale.

        Other angles than quarter turns become the nearest of these; what would flatten the picture
        is ignored.
        """
        if len(data) < 36:
            return cls()
        a, b, _, c, d = struct.unpack("=9i", data[:36])[:5]
        # A stored point (p, q), q down, is shown at (a p + c q, b p + d q).
        determinant = a * d - b * c
        if determinant == 0:
            return cls()
        is_mirrored = determinant < 0
        if is_mirrored:
            a, b = -a, -b
        clockwise = math.degrees(math.atan2(b - c, a + d)) if (a + d or b - c) else 0.0
        return cls(turns=round(-clockwise / 90) % 4, is_mirrored=is_mirrored)

    @property
    def is_sideways(self) -> bool:
        """Whether width and height are exchanged."""
        return self.turns % 2 == 1

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """A stored picture `[H, W, 3]`, upright."""
        if self.is_mirrored:
            pixels = pixels[:, ::-1]
        if self.turns:
            pixels = np.rot90(pixels, self.turns)
        return np.ascontiguousarray(pixels)
