"""Variations of clips that leave their labels as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vidmem.models import ModelCard

REACH = 4
"""Pixels by which a clip may be moved."""


@dataclass(frozen=True)
class Variation:
    """How the clips of one batch are changed: mirrored, moved, recoloured, softened."""

    is_mirrored: NDArray[np.bool_]
    """`[B, 2]`: across and down."""

    shift: NDArray[np.int64]
    """`[B, 2]`: how far the clip moves to the right and down before it is mirrored, in pixels."""

    colour: Tensor
    """`[B, 3]`, 0 to 1: saturation, contrast, brightness."""

    is_soft: bool
    """Whether some detail is lost, as in a codec."""

    @classmethod
    def draw(cls, batch: int, rng: np.random.Generator, *, is_one_video: bool = False) -> Variation:
        """Draw one for each clip, or one for all of them, as those of one camera need."""
        # Seven numbers each: mirrored across and down, moved across and down, three of colour.
        draws = np.broadcast_to(rng.random((1 if is_one_video else batch, 7)), (batch, 7))
        return cls(
            is_mirrored=draws[:, :2] < 0.5,
            shift=(draws[:, 2:4] * (2 * REACH + 1)).astype(np.int64) - REACH,
            colour=torch.from_numpy(draws[:, 4:].copy()).float(),
            is_soft=bool(rng.random() < 0.15),
        )

    def of_pixels(
        self, pixels: NDArray[np.uint8], card: ModelCard, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Vary and normalise clips.

        Args:
            pixels: `[B, T, H, W, 3]`.
            card: Says how to normalise.
            dtype: Of the result.

        Returns:
            `[B, T, 3, H, W]`.
        """
        moved = np.stack([self._move(row, clip) for row, clip in enumerate(pixels)])
        # All of it is linear in the colours, so one matrix product per clip does it.
        matrix, offset = _colour(self.colour, card)
        flat = torch.from_numpy(moved).to(dtype).flatten(1, 3)
        clips = torch.baddbmm(offset[:, None].to(dtype), flat, matrix.to(dtype))
        clips = clips.view(pixels.shape).permute(0, 1, 4, 2, 3)
        return _soften(clips) if self.is_soft else clips

    def of_places(self, places: Tensor, width: int, height: int) -> Tensor:
        """Where points of the clips are afterwards.

        Args:
            places: `[B, ..., 2]`, as fractions of the picture from the left and the top.
            width: Of the picture, in pixels.
            height: Of the picture, in pixels.

        Returns:
            `[B, ..., 2]`, in pixels.
        """
        size = torch.tensor([width, height], dtype=places.dtype)
        between = [1] * (places.ndim - 2)
        shift = torch.from_numpy(self.shift).to(places.dtype).view(-1, *between, 2)
        is_mirrored = torch.from_numpy(self.is_mirrored.copy()).view(-1, *between, 2)
        moved = places * size + shift
        return torch.where(is_mirrored, size - moved, moved)

    def _move(self, row: int, clip: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Move `[T, H, W, 3]`, repeating the border, then mirror it."""
        height, width = clip.shape[1:3]
        left, top = REACH - self.shift[row]
        padded = np.pad(clip, ((0, 0), (REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
        moved = padded[:, top : top + height, left : left + width]
        across, down = self.is_mirrored[row]
        return moved[:, :: -1 if down else 1, :: -1 if across else 1]


def _colour(draws: Tensor, card: ModelCard) -> tuple[Tensor, Tensor]:
    """Saturation, contrast, brightness and normalisation, as one matrix `[B, 3, 3]` per clip.

    Returns:
        The matrix, to be multiplied from the right with 0..255 colours, and the offset `[B, 3]`.
    """
    saturation, contrast = 0.7 + 0.6 * draws[:, 0], 0.85 + 0.3 * draws[:, 1]
    grey = torch.full((3, 3), 1 / 3)
    mix = grey + saturation[:, None, None] * (torch.eye(3) - grey)
    mean, std = torch.tensor(card.mean), torch.tensor(card.std)
    # Contrast turns about middle grey, 0.5; brightness adds up to 0.05 to either side.
    shift = -0.5 * contrast + 0.45 + 0.1 * draws[:, 2]
    matrix = mix * contrast[:, None, None] / std
    return matrix / 255, (shift[:, None] - mean) / std


def _soften(clips: Tensor) -> Tensor:
    flat = clips.flatten(0, 1)
    small = F.interpolate(flat, scale_factor=0.75, mode="bilinear")
    return F.interpolate(small, size=flat.shape[-2:], mode="bilinear").view(clips.shape)
