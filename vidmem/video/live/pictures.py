"""Pictures that are handed over instead of decoded: what they are, and the model's size."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from vidmem.errors import SettingError
from vidmem.video.probe import VideoInfo


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A copy of a picture, uint8 `[H, W, 3]`, at another size."""
    if picture.shape[:2] == (height, width):
        return picture.copy()
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(small)


def pushed_info(name: str, width: int, height: int) -> VideoInfo:
    """A `VideoInfo` for pictures that are handed over: live, with no length and no file.

    Raises:
        SettingError: If they have no pixels.
    """
    if width < 1 or height < 1:
        raise SettingError(f"width and height must be at least 1 pixel, got {width} x {height}")
    return VideoInfo(
        path=Path(name),
        container="pushed",
        codec="rgb24",
        pixel_format="rgb24",
        stream_index=0,
        width=width,
        height=height,
        rotation_degrees=0,
        pixel_aspect=1.0,
        fps=25.0,
        duration_seconds=math.inf,
        has_own_duration=False,
        num_frames=0,
        num_frames_is_exact=False,
        start_seconds=0.0,
        size_bytes=0,
        has_edit_list=False,
        is_variable_rate=True,
        is_truncated=False,
        has_reordered_frames=False,
        time_base=(1, 1_000_000),
        start_pts=0,
        uses_decode_times=False,
        address=name,
        is_live=True,
    )
