"""What moves between two frames: few numbers, of the whole picture and of each cell.

A frozen image encoder knows where and what, and is nearly blind to movement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 112
"""Rows and columns at which frames are compared: noise of single pixels is averaged out."""

CHANGED = 0.06
"""Grey difference, of 1, beyond which a pixel has changed..."""

NOISES = 5.0
"""...if it is also so many times the usual difference of its frame: dark footage is noisy."""

_GREY = (0.299, 0.587, 0.114)
_SMALL = 1e-4

NO_MOTION = math.log(_SMALL)
"""What every channel is where nothing moves."""

_MAD_TO_STD = 1.4826


def motion_channels(
    before: Tensor, now: Tensor, grid: tuple[int, int], std: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """The motion from one frame to the next, in logarithms.

    The brightness of a whole picture may flicker: the median difference is taken off first. The
    bars of a letterbox do not, and are no part of the picture: nothing moves in them.

    Args:
        before: `[N, 3, H, W]`, normalised colours.
        now: The frames after these.
        grid: Rows and columns of the cells.
        std: Of each colour, by which the frames were divided.

    Returns:
        Of each cell `[N, P, 3]` and of the whole picture `[N, 3]`, float32: mean and maximum of the
        grey difference, and the share of pixels that changed.
    """
    grey_NHW, before_NHW = _grey(now, std), _grey(before, std)
    difference_NHW = grey_NHW - before_NHW
    # Bars are exactly 0; single pixels of a picture may be, but hardly a row or column, and twice.
    is_zero_NHW = (grey_NHW == 0) & (before_NHW == 0)
    is_bar_NHW = is_zero_NHW.all(2, keepdim=True) | is_zero_NHW.all(1, keepdim=True)
    shift = _median(difference_NHW, is_bar_NHW)[:, None, None]
    away_NHW = (difference_NHW - shift).abs().masked_fill(is_bar_NHW, 0.0)
    noise = _median(away_NHW, is_bar_NHW) * _MAD_TO_STD
    limit = torch.clamp(NOISES * noise, min=CHANGED)[:, None, None]
    is_changed_NHW = (away_NHW > limit).float()
    maps = away_NHW[:, None], is_changed_NHW[:, None]
    of_cells = [
        F.adaptive_avg_pool2d(maps[0], grid),
        F.adaptive_max_pool2d(maps[0], grid),
        F.adaptive_avg_pool2d(maps[1], grid),
    ]
    of_frame = [away_NHW.mean((1, 2)), away_NHW.amax((1, 2)), is_changed_NHW.mean((1, 2))]
    cells_NP3 = torch.cat(of_cells, 1).flatten(2).transpose(1, 2)
    return (cells_NP3 + _SMALL).log(), (torch.stack(of_frame, 1) + _SMALL).log()


def _median(maps_NHW: Tensor, is_bar_NHW: Tensor) -> Tensor:
    """`[N]`, of the picture; 0 where all of it are bars."""
    values = maps_NHW.masked_fill(is_bar_NHW, torch.nan).flatten(1)
    return values.nanmedian(1).values.nan_to_num(0.0)


def _grey(frames_N3HW: Tensor, std: Sequence[float]) -> Tensor:
    """`[N, SIDE, SIDE]`, up to a constant that differences do not see."""
    shares = [share * spread for share, spread in zip(_GREY, std, strict=True)]
    weights = frames_N3HW.new_tensor(shares, dtype=torch.float32)
    grey_NHW = torch.einsum("nchw,c->nhw", frames_N3HW.float(), weights)
    return F.adaptive_avg_pool2d(grey_NHW[:, None], (SIDE, SIDE))[:, 0]
