"""A dataset of long streams: the samples of a manifest, shuffled and put one after the other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import overload

from vidmem.data.manifest.manifest import Manifest
from vidmem.data.manifest.sample import DatasetSample
from vidmem.data.streams.long_stream import LongStream, StreamPart
from vidmem.errors import SettingError
from vidmem.video import FeedLimits
from vidmem.video.sampling import ROUNDING_SECONDS

MAX_STREAMS = 1_000_000


class LongStreams(Sequence[LongStream]):
    """Streams of up to so many minutes, made of labelled samples one after the other.

    The samples are shuffled, and a stream takes them in turn as long as they fit into its length;
    what does not fit begins the next one. So each sample is in one stream, until all were taken.
    The same seed gives the same streams. Nothing is decoded before frames are asked for.

    ```python
    manifest = Manifest.read("ucf101", decode=True).subset("test")
    for stream in LongStreams(manifest, minutes=30, seed=0, fps=4, width=224, height=224):
        for frames in stream.batches(16):
            ...
    ```

    Args:
        manifest: The samples; the length of each must be known.
        minutes: Longest stream. A sample that is longer is cut to it.
        seed: Of the shuffling.
        fps: Sampled frames per second.
        width: Pixels across.
        height: Pixels down.
        num_streams: How many; `None`: as many as it takes to have each sample once.
        repeat: Let a stream go on with samples that it had, shuffled anew, until it is full. Else
            no sample comes twice in a stream: where all were taken, the next stream begins anew.
        limits: Of the decoders.

    Raises:
        SettingError: If there are no samples, the length of one is not known, or a number is
            impossible.
    """

    def __init__(  # noqa: PLR0913 - each setting by its name
        self,
        manifest: Manifest,
        *,
        minutes: float = 30.0,
        seed: int = 0,
        fps: float,
        width: int,
        height: int,
        num_streams: int | None = None,
        repeat: bool = False,
        limits: FeedLimits | None = None,
    ) -> None:
        _check(minutes, fps, (width, height), num_streams)
        self.manifest = manifest
        self.minutes, self.seed, self.fps = minutes, seed, fps
        self.width, self.height = width, height
        self._limits = limits or FeedLimits()
        self._max_frames = max(1, round(minutes * 60 * fps))
        spans = [_span_of(manifest, sample, fps) for sample in manifest.samples]
        self._spans = [(start, min(num, self._max_frames)) for start, num in spans]
        self.too_short = tuple(
            sample
            for sample, (_, num_frames) in zip(manifest.samples, self._spans, strict=True)
            if num_frames == 0
        )
        """Samples in which no sampled frame lies; they are in no stream."""

        self._orders = self._plan(num_streams, repeat=repeat)

    def __len__(self) -> int:
        return len(self._orders)

    @overload
    def __getitem__(self, index: int) -> LongStream: ...
    @overload
    def __getitem__(self, index: slice) -> list[LongStream]: ...
    def __getitem__(self, index: int | slice) -> LongStream | list[LongStream]:
        if isinstance(index, slice):
            return [self._stream(order) for order in self._orders[index]]
        return self._stream(self._orders[index])

    def __repr__(self) -> str:
        return f"LongStreams({len(self)} streams of up to {self.minutes:g} min, seed={self.seed})"

    def _plan(self, num_streams: int | None, *, repeat: bool) -> list[tuple[int, ...]]:
        """Which samples are in each stream, in order, by their numbers."""
        usable = [number for number, (_, num_frames) in enumerate(self._spans) if num_frames]
        if not usable:
            raise SettingError(
                f"long streams need samples that last at least {1 / self.fps:g} s, and "
                f"{self.manifest!r} has none"
            )
        source = random.Random(self.seed)
        orders: list[tuple[int, ...]] = []
        order: list[int] = []
        num_frames = 0
        while num_streams is None or len(orders) < num_streams:
            for number in source.sample(usable, len(usable)):
                if order and num_frames + self._spans[number][1] > self._max_frames:
                    orders.append(tuple(order))
                    order, num_frames = [], 0
                order.append(number)
                num_frames += self._spans[number][1]
            if not repeat:
                orders.append(tuple(order))
                order, num_frames = [], 0
            if num_streams is None:  # each sample was taken; what was begun is filled
                num_streams = len(orders) + bool(order)
        return orders[:num_streams]

    def _stream(self, order: Sequence[int]) -> LongStream:
        parts, start = [], 0
        for number in order:
            start_in_video, num_frames = self._spans[number]
            parts.append(
                StreamPart(
                    sample=self.manifest.samples[number],
                    start_frame=start,
                    num_frames=num_frames,
                    start_in_video=start_in_video,
                )
            )
            start += num_frames
        return LongStream(
            parts=tuple(parts),
            class_names=self.manifest.class_names,
            fps=self.fps,
            width=self.width,
            height=self.height,
            limits=self._limits,
        )


def _span_of(manifest: Manifest, sample: DatasetSample, fps: float) -> tuple[int, int]:
    """The first sampled frame of a sample in its video, and how many there are."""
    seconds = manifest.seconds_of(sample)
    if seconds is None:
        raise SettingError(
            f"the length of {sample.video} is not known; take manifest.check_videos(), or read the "
            "manifest with decode=True"
        )
    start = _frames_before(sample.start_seconds, fps)
    return start, max(0, _frames_before(sample.start_seconds + seconds, fps) - start)


def _frames_before(seconds: float, fps: float) -> int:
    """Sampled frames of a video before a time; as `SampleClock` counts those before its end."""
    exact = Fraction(fps).limit_denominator(1_000_000)
    return max(0, math.ceil((Fraction(seconds) - ROUNDING_SECONDS) * exact))


def _check(minutes: float, fps: float, size: tuple[int, int], num_streams: int | None) -> None:
    if not (minutes > 0 and math.isfinite(minutes)):
        raise SettingError(f"minutes must be above 0, got {minutes}")
    if not (fps > 0 and math.isfinite(fps)):
        raise SettingError(f"fps must be above 0 frames per second, got {fps}")
    if min(size) < 1:
        raise SettingError(f"width and height must be at least 1 pixel, got {size[0]} x {size[1]}")
    if num_streams is not None and not 1 <= num_streams <= MAX_STREAMS:
        raise SettingError(f"num_streams must be from 1 to {MAX_STREAMS}, got {num_streams}")
