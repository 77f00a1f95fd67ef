"""Variations of clips that leave their labels as they are."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vidmem.models import ModelCard

REACH = 4
"""Pixels by which a clip may be moved."""


def augment(
    pixels: NDArray[np.uint8],
    card: ModelCard,
    rng: np.random.Generator,
    *,
    is_one_video: bool = False,
) -> Tensor:
    """Vary clips in light, colour, sharpness, side and place, and normalise them.

    Args:
        pixels: `[B, T, H, W, 3]`.
        card: Says how to normalise.
        rng: Where chance comes from.
        is_one_video: All clips get the same variation, as those of one camera do.

    Returns:
        `[B, T, 3, H, W]`, float32.
    """
    draws = rng.random((1 if is_one_video else len(pixels), 7))
    draws = np.broadcast_to(draws, (len(pixels), 7))
    moved = [_move(clip, draw) for clip, draw in zip(pixels, draws, strict=True)]
    matrix, offset = _colour(torch.from_numpy(draws[:, 4:7].copy()).float(), card)
    flat = torch.from_numpy(np.stack(moved)).float().flatten(1, 3)
    clips = torch.baddbmm(offset[:, None], flat, matrix).view(pixels.shape)
    clips = clips.permute(0, 1, 4, 2, 3)
    return _soften(clips) if rng.random() < 0.15 else clips


def look_closely(
    pixels: NDArray[np.uint8],
    poses: NDArray[np.float32],
    size: int,
    spread: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Cut a square around an animal, turned so that it points right, give or take.

    Args:
        pixels: `[B, T, H, W, 3]`.
        poses: `[B, 3]`: place as fractions from the left and the top, direction in radians.
        size: Of the square, in pixels.
        spread: Half the range of directions, in radians; pi: any.
        rng: Where chance comes from.

    Returns:
        `[B, T, size, size, 3]`.
    """
    height, width = pixels.shape[2:4]
    chance = torch.from_numpy(rng.random((len(pixels), 3)) * 2 - 1).float()
    x, y, angle = torch.from_numpy(poses).float().unbind(1)
    turn = angle + spread * chance[:, 0]
    scale_x, scale_y = size / width, size / height
    rows = [
        torch.stack([scale_x * turn.cos(), -scale_x * turn.sin(), 2 * x - 1], 1),
        torch.stack([scale_y * turn.sin(), scale_y * turn.cos(), 2 * y - 1], 1),
    ]
    affine = torch.stack(rows, 1)
    affine[:, :, 2] += 0.3 * chance[:, 1:] * torch.tensor([scale_x, scale_y])
    planes = torch.from_numpy(pixels).permute(0, 1, 4, 2, 3).flatten(1, 2).float()
    grid = F.affine_grid(affine, [len(pixels), 1, size, size], align_corners=False)
    cut = F.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return cut.unflatten(1, (-1, 3)).permute(0, 1, 3, 4, 2).to(torch.uint8).numpy()


def _move(clip: NDArray[np.uint8], draws: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Mirror `[T, H, W, 3]` and move it by some pixels, repeating the border."""
    if draws[0] < 0.5:
        clip = clip[:, :, ::-1]
    if draws[1] < 0.5:
        clip = clip[:, ::-1]
    dy, dx = (draws[2:4] * (2 * REACH + 1)).astype(int) - REACH
    rows = np.clip(np.arange(clip.shape[1]) + dy, 0, clip.shape[1] - 1)
    columns = np.clip(np.arange(clip.shape[2]) + dx, 0, clip.shape[2] - 1)
    return clip[:, rows][:, :, columns]


def _colour(draws: Tensor, card: ModelCard) -> tuple[Tensor, Tensor]:
    """Saturation, contrast, brightness and normalisation, as one matrix `[B, 3, 3]` per clip.

    Returns:
        The matrix, to be multiplied from the right with 0..255 colours, and the offset `[B, 3]`.
    """
    saturation, contrast = 0.7 + 0.6 * draws[:, 0], 0.85 + 0.3 * draws[:, 1]
    grey = torch.full((3, 3), 1 / 3)
    mix = grey + saturation[:, None, None] * (torch.eye(3) - grey)
    mean, std = torch.tensor(card.mean), torch.tensor(card.std)
    shift = -0.5 * contrast + 0.45 + 0.1 * draws[:, 2]
    matrix = mix * contrast[:, None, None] / std
    return matrix / 255, (shift[:, None] - mean) / std


def _soften(clips: Tensor) -> Tensor:
    """Lose some detail, as a codec does."""
    flat = clips.flatten(0, 1)
    small = F.interpolate(flat, scale_factor=0.75, mode="bilinear")
    return F.interpolate(small, size=flat.shape[-2:], mode="bilinear").view(clips.shape)
