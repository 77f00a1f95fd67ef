"""Many barn videos as one array of clips, drawn by several processes.

Layout: V videos, N clips of each in a row, T frames of a clip.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vidmem.data.barn import MOMENTS, BarnConfig, LabelledClips, render_clips


@dataclass(frozen=True, kw_only=True)
class BarnClips:
    """Videos of equal length as clips."""

    pixels: NDArray[np.uint8]
    """`[V, N, T, H, W, 3]`"""

    labels: NDArray[np.int64]
    """`[V, N]`, index into `CLASS_NAMES`."""

    delay_clips: NDArray[np.int64]
    """`[V, N]`, clips since the visit that decides a look-alike rest; -1 elsewhere."""

    purity: NDArray[np.float32]
    """`[V, N]`, share of the window that has its label."""

    sow_places: NDArray[np.float32]
    """`[V, N, K, 3, 2]`, where the sows are at K moments of a clip; see `LabelledClips`."""

    sow_kinds: NDArray[np.int64]
    """`[V, N, K, 3]`, what they do, index into `SIGHTING_KINDS`."""


@dataclass(frozen=True, kw_only=True)
class ClipShape:
    """How videos are cut into clips."""

    num_clips: int
    """Clips of one video."""

    fps: float
    """Sampled frames per second."""

    clip_frames: int
    """Sampled frames of a clip."""

    width: int
    """Pixels."""

    height: int
    """Pixels."""

    @property
    def minutes(self) -> float:
        """Length of a video, with a little to spare."""
        return (self.num_clips * self.clip_frames / self.fps + 1) / 60


def draw_barn_clips(
    seeds: Sequence[int],
    shape: ClipShape,
    *,
    num_processes: int = 2,
    swap_visits: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> BarnClips:
    """Draw one video per seed, in memory: 35 MB each, at 48 clips of 16 frames of 160 x 96.

    Args:
        seeds: One per video; the pixels depend on nothing else.
        shape: How the videos are cut.
        num_processes: Drawn side by side.
        swap_visits: Draw the videos' twins; see `BarnVideo`.
        progress: Called with videos done and videos in all.
    """
    size = (len(seeds), shape.num_clips)
    drawn = BarnClips(
        pixels=np.empty((*size, shape.clip_frames, shape.height, shape.width, 3), np.uint8),
        labels=np.zeros(size, np.int64),
        delay_clips=np.full(size, -1, np.int64),
        purity=np.ones(size, np.float32),
        sow_places=np.zeros((*size, MOMENTS, 3, 2), np.float32),
        sow_kinds=np.zeros((*size, MOMENTS, 3), np.int64),
    )
    jobs = [(row, seed, shape, swap_visits) for row, seed in enumerate(seeds)]
    # Not by fork, after which a process with torch's threads may hang.
    with multiprocessing.get_context("spawn").Pool(num_processes) as pool:
        for done, (row, clips) in enumerate(pool.imap_unordered(_draw_video, jobs), 1):
            for column in fields(drawn):
                getattr(drawn, column.name)[row] = getattr(clips, column.name)
            if progress:
                progress(done, len(seeds))
    return drawn


def _draw_video(job: tuple[int, int, ClipShape, bool]) -> tuple[int, LabelledClips]:
    row, seed, shape, swap_visits = job
    clips = render_clips(
        BarnConfig(minutes=shape.minutes, seed=seed),
        fps=shape.fps,
        clip_frames=shape.clip_frames,
        width=shape.width,
        height=shape.height,
        num_clips=shape.num_clips,
        swap_visits=swap_visits,
    )
    return row, clips
