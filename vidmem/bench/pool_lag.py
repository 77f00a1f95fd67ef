"""`vidmem bench pool`: how far behind the worst stream is when frames come in real time.

Every stream's frames come at a steady rate, all streams out of step with each other, so that
together they need a given share of what the pool can do. The lag of a clip is the time from its
last frame's arrival to its prediction. A pool that is fair bounds it: a clip waits for the batch
under way, and then at most for one clip of every other stream.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vidmem.bench.endless_feed import EndlessFeed
from vidmem.models.interface import StreamModel
from vidmem.streaming.pool.pool import StreamPool
from vidmem.streaming.settings import FPS_RANGE, StreamSettings
from vidmem.video.frame_feed import SampledFrames


@dataclass(frozen=True, kw_only=True)
class LagBench:
    """How long after its last frame a clip's prediction came, in seconds."""

    load: float
    """Clips per second of all streams together, as a share of the pool's rate."""

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
    """Measure the lag of streams whose frames come in real time.

    Args:
        model: In eval mode.
        pixels: uint8 `[N, H, W, 3]`, shown again and again.
        pool_rate: Clips per second that the pool reaches.
        num_streams: In the pool.
        max_batch: The pool's.
        load: Clips per second of all streams together, as a share of that rate.
        clips_per_stream: Measured, after two that are not.
    """
    settings = StreamSettings.for_model(model)
    fps = load * pool_rate / num_streams * settings.window_stride
    settings = settings.changed(fps=min(max(fps, FPS_RANGE[0]), FPS_RANGE[1]))
    clip_seconds = settings.window_stride / settings.fps
    lags: list[float] = []
    with StreamPool(model, max_batch=max_batch) as pool:
        feeds = {}
        began = time.monotonic() + 0.5  # by then all streams have joined
        for number in range(num_streams):
            feed = _TimedFeed(pixels, began + clip_seconds * number / num_streams)
            pool.add(str(number), Path("timed"), settings, open_feed=feed)
            feeds[str(number)] = feed
        while len(lags) < num_streams * clips_per_stream:
            name, prediction = next(pool)
            window = prediction.window
            # One frame more: with it a stream knows when the last one ends.
            came = feeds[name].came_at(window.start_frame + window.num_frames)
            if window.index >= 2:  # the first ones also wait for threads and memory to be set up
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
    """The lags and their bound, in two sentences."""
    return (
        f"At {bench.load:.0%} of that, frames coming in real time and a clip of each stream every "
        f"{bench.clip_seconds:.2f} s, the worst of {bench.num_clips} predictions came "
        f"{bench.worst_seconds:.3f} s after its clip's last frame, {bench.mean_seconds:.3f} s on "
        f"average. The batch under way and one clip of every stream take {bench.bound_seconds:.3f} "
        "s: more than that no clip has to wait while the pool keeps its rate."
    )


class _TimedFeed(EndlessFeed):
    """Gives each frame once it would have been filmed."""

    def __init__(self, pixels: Tensor, began: float) -> None:
        super().__init__(pixels)
        self.began = began
        self._is_closed = threading.Event()

    def came_at(self, frame: int) -> float:
        """When a frame was there."""
        return self.began + frame / self._fps

    def read(self, num_frames: int) -> SampledFrames:
        last = self._next + num_frames - 1
        self._is_closed.wait(max(0.0, self.came_at(last) - time.monotonic()))
        return super().read(num_frames)

    def close(self) -> None:
        self._is_closed.set()
