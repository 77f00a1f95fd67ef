"""Which frames are sampled and what a window is: integers and seconds, no file and no tensor.

    time      0.00   0.25   0.50   0.75   1.00   1.25   1.50 s
    sampled   0      1      2      3      4      5      6        at 4 frames per second
    windows   [0 ............ 3]   [4 ............ 7]            clip_frames=4, window_stride=4

Sampled frame `k` is the source frame on display `k / fps` seconds after the first one shown. Ranges
are closed at the start and open at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

ROUNDING_SECONDS = Fraction(1, 2000)
"""Containers round times to their ticks, Matroska to a millisecond: a frame this late counts."""

STAND_IN_SECONDS = 0.5
"""Damage of up to so long is bridged by the frame before it; in longer ones nothing is sampled."""


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
