"""Many barn videos as one array of clips on disk, drawn by several processes.

Layout: V videos, N clips of each in a row, T frames of a clip.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn import BarnConfig, render_clips


@dataclass(frozen=True, kw_only=True)
class BarnClips:
    """Videos of equal length as clips, pixels memory-mapped."""

    pixels: NDArray[np.uint8]
    """`[V, N, T, H, W, 3]`"""

    labels: NDArray[np.int64]
    """`[V, N]`, index into `CLASS_NAMES`."""

    delay_clips: NDArray[np.int64]
    """`[V, N]`, clips since the visit that decides a look-alike rest; -1 elsewhere."""

    purity: NDArray[np.float32]
    """`[V, N]`, share of the window that has its label."""


@dataclass(frozen=True, kw_only=True)
class ClipShape:
    """How videos are cut into clips."""

    num_clips: int
    """Clips of one video."""

    fps: float
    """Sampled frames per second."""

    clip_frames: int
    """Sampled frames of a clip."""

    size: int
    """Height and width in pixels."""

    @property
    def minutes(self) -> float:
        """Length of a video, with a little to spare."""
        return (self.num_clips * self.clip_frames / self.fps + 1) / 60


def draw_barn_clips(
    seeds: Sequence[int],
    shape: ClipShape,
    folder: Path,
    *,
    num_processes: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> BarnClips:
    """Draw one video per seed into `folder/pixels.npy`.

    Args:
        seeds: One per video; the pixels depend on nothing else.
        shape: How the videos are cut.
        folder: Made if needed. About 50 kB per frame at 128 pixels.
        num_processes: Drawn side by side.
        progress: Called with videos done and videos in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pixels.npy"
    size = (len(seeds), shape.num_clips, shape.clip_frames, shape.size, shape.size, 3)
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=size)
    labels = np.zeros(size[:2], np.int64)
    delays = np.full(size[:2], -1, np.int64)
    purity = np.ones(size[:2], np.float32)
    jobs = [(path, row, seed, shape) for row, seed in enumerate(seeds)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes) as pool:
        for done, (row, *columns) in enumerate(pool.imap_unordered(_draw_video, jobs), 1):
            labels[row], delays[row], purity[row] = columns
            if progress:
                progress(done, len(seeds))
    pixels = np.load(path, mmap_mode="r")
    return BarnClips(pixels=pixels, labels=labels, delay_clips=delays, purity=purity)


def _draw_video(
    job: tuple[Path, int, int, ClipShape],
) -> tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    path, row, seed, shape = job
    clips = render_clips(
        BarnConfig(minutes=shape.minutes, seed=seed),
        fps=shape.fps,
        clip_frames=shape.clip_frames,
        size=shape.size,
        num_clips=shape.num_clips,
    )
    np.lib.format.open_memmap(path, mode="r+")[row] = clips.pixels
    return row, clips.labels, clips.delay_clips, clips.purity
