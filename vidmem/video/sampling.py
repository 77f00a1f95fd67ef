"""Which frames make each window: integers and seconds, no file and no tensor.

    time      0.00   0.25   0.50   0.75   1.00   1.25   1.50 s
    sampled   0      1      2      3      4      5      6        at 4 frames per second
    windows   [0 ............ 3]   [4 ............ 7]            clip_frames=4, window_stride=4

Sampled frame `k` is the source frame on display `k / fps` seconds after the first one shown. Ranges
are closed at the start and open at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

ROUNDING_SECONDS = Fraction(1, 2000)
"""Containers round times to their ticks, Matroska to a millisecond: a frame this late counts."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A place in the video: which sampled frames, and when they are shown."""

    index: int
    """Number of the window, from 0."""

    start_frame: int
    """Its first sampled frame."""

    num_frames: int
    """Sampled frames in it, the repeated ones at the end of the video included."""

    num_real_frames: int
    """Sampled frames that the video really has here."""

    start_seconds: float
    """When its first sampled frame is shown, from the first frame of the video."""

    end_seconds: float
    """Half open: a sampling interval after its last real sampled frame."""

    is_last: bool


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch of the video that could not be decoded."""

    start_seconds: float
    end_seconds: float
    reason: str


@dataclass(frozen=True)
class SampleClock:
    """Times of sampled frames in the ticks of a stream, without rounding errors."""

    fps: Fraction
    time_base: Fraction
    """Seconds of a tick."""

    start_pts: int
    """Ticks at which the first frame is shown."""

    @classmethod
    def make(cls, fps: float, time_base: Fraction, start_pts: int) -> SampleClock:
        """Make a clock; `fps` is taken for the simple fraction it nearly always is (29.97, 1/3)."""
        return cls(Fraction(fps).limit_denominator(1_000_000), time_base, start_pts)

    def latest_pts(self, sample: int) -> int:
        """The last tick at which a frame may start and still be on display at this sample."""
        per_sample, tolerance, parts = self._integers
        return self.start_pts + (sample * per_sample + tolerance) // parts

    def first_sample(self, pts: int) -> int:
        """The first sampled frame that a source frame starting at `pts` can be on display for."""
        per_sample, tolerance, parts = self._integers
        return max(0, -(((pts - self.start_pts) * parts - tolerance) // -per_sample))

    def pts_at(self, seconds: float) -> int:
        """The last tick at which a frame may start and still be on display at this time."""
        tolerance = min(self.time_base / 2, ROUNDING_SECONDS)
        exact = Fraction(seconds).limit_denominator(1_000_000)
        return self.start_pts + (exact + tolerance) // self.time_base

    def samples_before(self, end_pts: int) -> int:
        """How many sampled frames a video has whose last frame ends at `end_pts`."""
        seconds = (end_pts - self.start_pts) * self.time_base - ROUNDING_SECONDS
        return max(0, -(-seconds * self.fps // 1))

    @cached_property
    def _integers(self) -> tuple[int, int, int]:
        """Ticks from a sample to the next, and the tolerance, as counts of a part of a tick."""
        tolerance = min(self.time_base / 2, ROUNDING_SECONDS) / self.time_base
        per_sample = 1 / (self.fps * self.time_base)
        parts = lcm(tolerance.denominator, per_sample.denominator)
        return int(per_sample * parts), int(tolerance * parts), parts

    def seconds(self, pts: int) -> float:
        """Ticks to seconds since the first frame shown."""
        return float((pts - self.start_pts) * self.time_base)


def check_sampling(fps: float, clip_frames: int, window_stride: int) -> None:
    """Refuse impossible numbers.

    Raises:
        ValueError: If `fps` is not above 0, or one of the counts is below 1.
    """
    if not fps > 0:
        raise ValueError(f"fps must be above 0 frames per second, got {fps}")
    if clip_frames < 1:
        raise ValueError(f"clip_frames must be at least 1 sampled frame, got {clip_frames}")
    if window_stride < 1:
        raise ValueError(f"window_stride must be at least 1 sampled frame, got {window_stride}")


def num_sampled_frames(duration_seconds: float, fps: float) -> int:
    """Sampled frames of a video of this length; at least one."""
    ticks = Fraction(duration_seconds).limit_denominator(1_000_000)
    rate = Fraction(fps).limit_denominator(1_000_000)
    return max(1, int(-(-(ticks - ROUNDING_SECONDS) * rate // 1)))


def num_windows(num_samples: int, clip_frames: int, window_stride: int) -> int:
    """Windows needed so that every sampled frame is in one, where the stride allows it."""
    if num_samples <= 0:
        return 0
    return 1 + max(0, -(-(num_samples - clip_frames) // window_stride))


def make_window(
    index: int,
    start_frame: int,
    *,
    num_frames: int,
    num_real_frames: int,
    fps: float,
    is_last: bool,
) -> Window:
    """A window with its times worked out."""
    return Window(
        index=index,
        start_frame=start_frame,
        num_frames=num_frames,
        num_real_frames=num_real_frames,
        start_seconds=start_frame / fps,
        end_seconds=(start_frame + num_real_frames) / fps,
        is_last=is_last,
    )


def sample_windows(
    num_samples: int, *, fps: float, clip_frames: int, window_stride: int
) -> Iterator[Window]:
    """All windows of a video of `num_samples` sampled frames; the last one may be padded.

    Raises:
        ValueError: If a number is impossible.
    """
    check_sampling(fps, clip_frames, window_stride)
    count = num_windows(num_samples, clip_frames, window_stride)
    for index in range(count):
        start_frame = index * window_stride
        yield make_window(
            index,
            start_frame,
            num_frames=clip_frames,
            num_real_frames=min(clip_frames, num_samples - start_frame),
            fps=fps,
            is_last=index == count - 1,
        )
