"""Frames for measuring a pool without a video: the same ones again and again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import torch
from torch import Tensor

from vidmem.streaming.feeds.feed import FeedRequest, RecordedFeed
from vidmem.video.frame_feed import SampledFrames


class EndlessFeed(RecordedFeed):
    """A `Feed` that is never out of frames, and its own opener: calling it opens it."""

    child_pid = None
    reader_name, reader_reason = "noise", "made for a measurement"

    def __init__(self, pixels: Tensor) -> None:
        """Repeat frames, uint8 `[N, H, W, 3]`, for ever."""
        self.pixels = pixels
        # As much of a `VideoInfo` as a run reads.
        self.info: Any = SimpleNamespace(duration_seconds=1e9, fps=60.0, is_live=False)
        self._next, self._fps = 0, 1.0

    def __call__(self, request: FeedRequest) -> Self:
        """Start at the frame and rate of a request."""
        self.set_fps(request.fps, request.start_frame)
        return self

    def read(self, num_frames: int) -> SampledFrames:
        """The next frames, at once."""
        indices = torch.arange(self._next, self._next + num_frames)
        self._next += num_frames
        return SampledFrames(
            pixels=self.pixels[indices % len(self.pixels)],
            pts_seconds=indices.double() / self._fps,
            sample_indices=indices,
            gaps=(),
            is_end=False,
        )

    def seek(self, start_frame: int) -> None:
        """Go on at another sampled frame, at once."""
        self._next = start_frame

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Go on at another rate, from sampled frame `start_frame` of that rate."""
        self._fps, self._next = fps, start_frame

    def close(self) -> None:
        """Nothing to close: there is no file and no process."""
