"""A long stream: samples one after the other, decoded as they are asked for.

    sample       [ archery ][ bowling     ][ archery ][ ...
    frame        0          40             96         136      sampled frames of the stream
    of its video 0          12             0                   a sample may begin in its video

No file is written, and no more frames are held than one batch and what the decoder has ahead.
"""

from __future__ import annotations

import contextlib
import itertools
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vidmem.data.manifest.sample import DatasetSample
from vidmem.errors import EmptyVideoError, VidmemError
from vidmem.video import FeedLimits, FrameFeed

CHUNK_FRAMES = 8
LEADS = (32, 512)
"""How many frames before a missing one are looked through for the last good one, first."""


@dataclass(frozen=True, kw_only=True)
class StreamPart:
    """A sample in a stream."""

    sample: DatasetSample
    start_frame: int
    """Its first frame, in sampled frames of the stream."""

    num_frames: int
    start_in_video: int
    """Its first frame, in sampled frames of its video."""

    @property
    def end_frame(self) -> int:
        """The frame behind its last one."""
        return self.start_frame + self.num_frames


@dataclass(frozen=True)
class StreamFrames:
    """Frames of a stream in a row."""

    pixels: Tensor
    """uint8 `[N, H, W, 3]`"""

    start_frame: int
    """The number of the first one in the stream."""

    part_numbers: Tensor
    """int64 `[N]`: the part that each is of."""

    is_repeated: Tensor
    """bool `[N]`: the video has no picture there, and the last one before stands in for it."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        return f"StreamFrames(pixels={list(self.pixels.shape)}, start_frame={self.start_frame})"


@dataclass(frozen=True, kw_only=True)
class LongStream:
    """Samples one after the other."""

    parts: tuple[StreamPart, ...]
    """In order, without gaps."""

    class_names: tuple[str, ...]
    fps: float
    """Sampled frames per second."""

    width: int
    height: int
    limits: FeedLimits

    @property
    def num_frames(self) -> int:
        """Sampled frames."""
        return self.parts[-1].end_frame

    @property
    def duration_seconds(self) -> float:
        """How long it lasts."""
        return self.num_frames / self.fps

    def part_number_at(self, frame: int) -> int:
        """The part that a frame is of.

        Raises:
            ValueError: If there is no such frame.
        """
        if not 0 <= frame < self.num_frames:
            raise ValueError(f"frame must be in [0, {self.num_frames}), got {frame}")
        return bisect_right(self._starts, frame) - 1

    def classes_at(self, seconds: float) -> tuple[int, ...]:
        """Indices of the classes at a moment, in `[0, duration_seconds)`.

        Raises:
            ValueError: If it is none of the stream.
        """
        # The frame on display: that of a moment a rounding error before a frame is the frame's.
        return self.parts[self.part_number_at(int(seconds * self.fps + 1e-6))].sample.classes

    def class_indices(self) -> Tensor:
        """The class of every frame, int64 `[num_frames]`; -1 where the label is held back.

        Raises:
            ValueError: If a sample has several classes; `parts` has them.
        """
        if any(len(part.sample.classes) > 1 for part in self.parts):
            raise ValueError("samples of this stream have several classes; see `parts` for them")
        classes = torch.tensor([(*part.sample.classes, -1)[0] for part in self.parts])
        return classes.repeat_interleave(torch.tensor([part.num_frames for part in self.parts]))

    def read(self, start_frame: int, num_frames: int) -> StreamFrames:
        """Some frames from any place on; fewer at the end.

        Raises:
            ValueError: If `start_frame` is not in the stream or `num_frames` below 1.
            UnreadableVideoError: If a video cannot be read.
            DecoderError: If a decoder hangs, crashes or grows too large.
        """
        return next(self.batches(num_frames, start_frame=start_frame))

    def batches(self, batch_frames: int, *, start_frame: int = 0) -> Iterator[StreamFrames]:
        """The frames from a place on, so many at a time; the last batch may have fewer.

        A batch goes over the border of two samples where there is one in it.

        Args:
            batch_frames: Frames in a batch.
            start_frame: The first one.

        Raises:
            ValueError: If `start_frame` is not in the stream or `batch_frames` below 1.
            UnreadableVideoError: If a video cannot be read.
            DecoderError: If a decoder hangs, crashes or grows too large.
        """
        if batch_frames < 1:
            raise ValueError(f"batch_frames must be at least 1, got {batch_frames}")
        first = self.part_number_at(start_frame)
        return self._batches(batch_frames, start_frame, first)

    def _batches(self, batch_frames: int, start_frame: int, first: int) -> Iterator[StreamFrames]:
        frames = self._frames(start_frame, first)
        while batch := tuple(itertools.islice(frames, batch_frames)):
            numbers, pixels, is_repeated = zip(*batch, strict=True)
            yield StreamFrames(
                pixels=torch.stack(pixels),
                start_frame=start_frame,
                part_numbers=torch.tensor(numbers),
                is_repeated=torch.tensor(is_repeated),
            )
            start_frame += len(batch)

    def _frames(self, start_frame: int, first: int) -> Iterator[tuple[int, Tensor, bool]]:
        """Frame by frame, with the number of its part; the next decoder starts ahead of its turn.

        To start one takes longer than to decode a clip of a few seconds.
        """
        begins = [max(part.start_frame, start_frame) for part in self.parts]
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._open, first, begins[first])
            try:
                for number in range(first, len(self.parts)):
                    feed = ahead.result()
                    if number + 1 < len(self.parts):
                        ahead = pool.submit(self._open, number + 1, begins[number + 1])
                    with feed:
                        yield from self._part_frames(number, begins[number], feed)
            finally:
                with contextlib.suppress(VidmemError):
                    ahead.result().close()

    def _part_frames(
        self, number: int, begin: int, feed: FrameFeed
    ) -> Iterator[tuple[int, Tensor, bool]]:
        """The frames of a part from one on, with those that stand in for missing ones."""
        part = self.parts[number]
        wanted = part.start_in_video + begin - part.start_frame
        end = part.start_in_video + part.num_frames
        last: Tensor | None = None
        for index, pixels in _decoded(feed, wanted, end):
            if last is None and index > wanted:
                before = self._last_before(part, wanted)
                # Where nothing good is before, as at the start of a damaged file, this one is.
                last = pixels if before is None else before
            while last is not None and wanted < index:
                yield number, last, True
                wanted += 1
            yield number, pixels, False
            last, wanted = pixels, index + 1
        if wanted < end and last is None:
            last = self._last_before(part, wanted)
        while wanted < end:
            if last is None:
                raise EmptyVideoError(
                    f"{part.sample.video} has no picture that can be decoded from "
                    f"{part.start_in_video / self.fps:g} s on; leave out what is there"
                )
            yield number, last, True
            wanted += 1

    def _last_before(self, part: StreamPart, frame: int) -> Tensor | None:
        """The last picture of a part before a frame of its video; `None`: there is none."""
        for lead in (*LEADS, frame):
            last = None
            start = max(part.start_in_video, frame - lead)
            with self._feed(part, start) as feed:
                for _, pixels in _decoded(feed, start, frame):
                    last = pixels
            if last is not None or start == part.start_in_video:
                return last
        return None

    def _open(self, number: int, begin: int) -> FrameFeed:
        part = self.parts[number]
        return self._feed(part, part.start_in_video + begin - part.start_frame)

    def _feed(self, part: StreamPart, start: int) -> FrameFeed:
        return FrameFeed(
            part.sample.video,
            fps=self.fps,
            width=self.width,
            height=self.height,
            start_frame=start,
            limits=self.limits,
        )

    @cached_property
    def _starts(self) -> list[int]:
        return [part.start_frame for part in self.parts]


def _decoded(feed: FrameFeed, start: int, end: int) -> Iterator[tuple[int, Tensor]]:
    """What can be decoded between two frames of a video, with their numbers."""
    is_end = False
    while not is_end and start < end:
        frames = feed.read(min(CHUNK_FRAMES, end - start))
        indices = frames.sample_indices.tolist()
        for index, pixels in zip(indices, frames.pixels, strict=True):
            if index < end:
                yield index, pixels
        start = indices[-1] + 1 if indices else start
        is_end = frames.is_end
