"""Drawn videos as a file gives them: written, coded, and read back at another size."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn.behaviour import BarnConfig
from vidmem.data.barn.writing import write_video
from vidmem.video.probe import probe_video
from vidmem.video.readers.sampled_video import SampledVideo


def coded_frames(
    config: BarnConfig,
    *,
    file_size: tuple[int, int],
    quality: int,
    size: tuple[int, int],
    fps: float = 0.5,
) -> NDArray[np.uint8]:
    """`[N, H, W, 3]`: frames of a video that was written to a file and read from there.

    Args:
        config: Of the video.
        file_size: Width and height of the file.
        quality: Constant rate factor of H.264: lower is better and larger.
        size: Width and height of the frames returned.
        fps: Frames per second returned; the file has ten times as many.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "barn.mp4"
        width, height = file_size
        write_video(config, path, width=width, height=height, fps=10 * fps, quality=quality)
        video = SampledVideo(probe_video(path), fps=fps, size=size, reader="pyav")
        return np.stack([sample.pixels.copy() for sample in video.samples(0)])
