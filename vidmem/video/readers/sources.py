"""What both readers have in common: samples in order, and the damage met on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from vidmem.video.packets.timeline import MIN_HOLE_FRAMES, MIN_HOLE_SECONDS
from vidmem.video.probe import MIN_EARLY_END_FRAMES, MIN_EARLY_END_SECONDS, VideoInfo
from vidmem.video.sampling import Gap, SampleClock


@dataclass(frozen=True)
class Sample:
    """A sampled frame as a reader gives it."""

    index: int
    """Number of the sampled frame: it is on display `index / fps` seconds after the first frame."""

    pixels: np.ndarray
    """uint8 `[H, W, 3]`; the same object again where the same source frame is on display."""

    pts_seconds: float
    """When its source frame is shown, from the first frame of the video."""

    is_behind_break: bool = False
    """The video has no pictures for long before it: sampled frames there are left out."""


class SampleSource(Protocol):
    """Reads sampled frames of one video in order."""

    info: VideoInfo

    @property
    def name(self) -> str:
        """The reader at work: "decord" or "pyav"."""
        ...

    def samples(self, clock: SampleClock, start: int) -> Iterator[Sample]:
        """Sampled frames from number `start` to the end of the video."""
        ...

    def take_gaps(self) -> tuple[Gap, ...]:
        """The damage met since the last call."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def ends_early(info: VideoInfo, end_pts: int) -> bool:
    """Whether this is well before the length the file gives for itself."""
    end_seconds = float((end_pts - info.start_pts) * info.tick)
    least_seconds = max(MIN_EARLY_END_SECONDS, MIN_EARLY_END_FRAMES / info.fps)
    return info.duration_seconds - end_seconds > least_seconds


def early_end(info: VideoInfo, end_pts: int) -> tuple[Gap, ...]:
    """A gap at the end, where the file has less than the length it gives for itself."""
    end_seconds = float((end_pts - info.start_pts) * info.tick)
    if not info.has_own_duration or not ends_early(info, end_pts):
        return ()
    reason = "the file ends before the length it gives for itself"
    return (Gap(start_seconds=end_seconds, end_seconds=info.duration_seconds, reason=reason),)


def is_hole(info: VideoInfo, end_pts: int, pts: int) -> bool:
    """Whether frames are missing between the end of one and the start of the next stored one."""
    ticks = max(MIN_HOLE_SECONDS / info.tick, MIN_HOLE_FRAMES * info.usual_duration)
    return pts - end_pts > (info.hole_ticks or ticks)


def hole(info: VideoInfo, end_pts: int, pts: int) -> Gap:
    """The gap where frames are missing."""
    start, end = ((place - info.start_pts) * info.tick for place in (end_pts, pts))
    reason = "the file has no frames here: they were never recorded, or are damaged"
    return Gap(start_seconds=float(start), end_seconds=float(end), reason=reason)


Tick = Callable[[], None]
"""Called now and then while decoding; may raise to stop it."""


def no_tick() -> None:
    """Nothing to do between packets."""
