"""`vidmem bench pool`: how far behind the worst stream is when frames come in real time.

Every stream's frames come at a steady rate, all streams out of step with each other, so that
together they ask for a given share of what the pool can do. The lag of a clip is the time from its
last frame's arrival to its prediction. A pool that is fair bounds it: a clip waits for the batch
under way, and then at most for one clip of every other stream.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from vidmem.models.interface import StreamModel
from vidmem.streaming.feed import FeedRequest
from vidmem.streaming.pool import StreamPool
from vidmem.streaming.settings import FPS_RANGE, StreamSettings
from vidmem.video.decode_process import SampledFrames


@dataclass(frozen=True, kw_only=True)
class LagBench:
    """What was measured, in seconds."""

    load: float
    """Of the pool's rate, asked for by all streams together."""

    clip_seconds: float
    """From one clip of a stream to its next."""

    worst_seconds: float
    mean_seconds: float
    bound_seconds: float
    """The batch under way and one clip of every stream, at the pool's rate, and its waiting."""

    num_clips: int


def bench_lag(
    model: StreamModel,
    pixels: Tensor,
    *,
    pool_rate: float,
    num_streams: int = 8,
    max_batch: int = 8,
    load: float = 0.7,
    clips_per_stream: int = 12,
) -> LagBench:
    """Watch streams that come in real time.

    Args:
        model: In eval mode.
        pixels: uint8 `[N, H, W, 3]`, shown again and again.
        pool_rate: Clips per second that the pool reaches.
        num_streams: In the pool.
        max_batch: The pool's.
        load: Share of that rate that is asked for.
        clips_per_stream: Measured, after two that are not.
    """
    settings = StreamSettings.for_model(model)
    fps = load * pool_rate / num_streams * settings.window_stride
    settings = settings.changed(fps=min(max(fps, FPS_RANGE[0]), FPS_RANGE[1]))
    clip_seconds = settings.window_stride / settings.fps
    lags: list[float] = []
    with StreamPool(model, max_batch=max_batch) as pool:
        feeds = {}
        began = time.monotonic() + 0.5
        for number in range(num_streams):
            feed = _TimedFeed(pixels, began + clip_seconds * number / num_streams)
            pool.add(str(number), Path("timed"), settings, open_feed=feed)
            feeds[str(number)] = feed
        while len(lags) < num_streams * clips_per_stream:
            name, prediction = next(pool)
            window = prediction.window
            # One frame more: with it a stream knows when the last one ends.
            came = feeds[name].came_at(window.start_frame + window.num_frames)
            if window.index >= 2:
                lags.append(time.monotonic() - came)
    return LagBench(
        load=settings.fps / settings.window_stride * num_streams / pool_rate,
        clip_seconds=clip_seconds,
        worst_seconds=max(lags),
        mean_seconds=sum(lags) / len(lags),
        bound_seconds=(num_streams + max_batch) / pool_rate + pool.max_wait_seconds,
        num_clips=len(lags),
    )


def lag_as_text(bench: LagBench) -> str:
    """In a sentence or two."""
    return (
        f"At {bench.load:.0%} of that, frames coming in real time and a clip of each stream every "
        f"{bench.clip_seconds:.2f} s, the worst of {bench.num_clips} predictions came "
        f"{bench.worst_seconds:.3f} s after its clip's last frame, {bench.mean_seconds:.3f} s on "
        f"average. The batch under way and one clip of every stream take {bench.bound_seconds:.3f} "
        "s: more than that no clip has to wait while the pool keeps its rate."
    )


class _TimedFeed:
    """A `Feed` whose frames are there when their time has come."""

    child_pid = None
    reader_name, reader_reason = "noise", "made for a measurement"

    def __init__(self, pixels: Tensor, began: float) -> None:
        self.pixels, self.began = pixels, began
        self.info: Any = SimpleNamespace(duration_seconds=1e9, fps=60.0, is_live=False)
        self._next, self._fps = 0, 1.0
        self._is_closed = threading.Event()

    def __call__(self, request: FeedRequest) -> _TimedFeed:
        self.set_fps(request.fps, request.start_frame)
        return self

    def came_at(self, frame: int) -> float:
        """When a frame was there."""
        return self.began + frame / self._fps

    def read(self, num_frames: int) -> SampledFrames:
        indices = torch.arange(self._next, self._next + num_frames)
        self._is_closed.wait(max(0.0, self.came_at(int(indices[-1])) - time.monotonic()))
        self._next += num_frames
        return SampledFrames(
            pixels=self.pixels[indices % len(self.pixels)],
            pts_seconds=indices.double() / self._fps,
            sample_indices=indices,
            gaps=(),
            is_end=False,
        )

    def seek(self, start_frame: int) -> None:
        self._next = start_frame

    def set_fps(self, fps: float, start_frame: int) -> None:
        self._fps, self._next = fps, start_frame

    def close(self) -> None:
        self._is_closed.set()
