"""A video as sampled frames, from PyAV or, where it was asked for, from decord."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from vidmem.units import clock
from vidmem.video.probe import VideoInfo
from vidmem.video.readers.decord import DecordError, DecordSource
from vidmem.video.readers.pyav import PyavSource
from vidmem.video.readers.reader import choose_source
from vidmem.video.readers.sources import Sample, Tick, no_tick
from vidmem.video.sampling import Gap, SampleClock


class SampledVideo:
    """Sampled frames at a rate and a size; goes on with PyAV where decord fails."""

    def __init__(
        self,
        info: VideoInfo,
        *,
        fps: float,
        size: tuple[int, int],
        reader: str = "auto",
        tick: Tick = no_tick,
        copy: BinaryIO | None = None,
    ) -> None:
        self.info = info
        self.size = size
        self.tick = tick
        self.clock = SampleClock.make(fps, info.tick, info.start_pts)
        choice = choose_source(info, size, reader, tick=tick, copy=copy)
        self._source = choice.source
        self.reader_reason = choice.reason

    @property
    def reader_name(self) -> str:
        """The reader at work: "decord" or "pyav"."""
        return self._source.name

    def set_fps(self, fps: float) -> None:
        """Sample at another rate from the next call of `samples` on; the reader stays."""
        self.clock = SampleClock.make(fps, self.info.tick, self.info.start_pts)

    def samples(self, start: int) -> Iterator[Sample]:
        """Sampled frames from number `start` to the end of the video."""
        following = start
        try:
            for sample in self._source.samples(self.clock, start):
                following = sample.index + 1
                yield sample
        except DecordError as error:
            self._go_on_with_pyav(str(error), following)
            yield from self._source.samples(self.clock, following)

    def relieve(self) -> None:
        """Hold back a decoder that decodes ahead, while nobody reads; from another thread."""
        if isinstance(self._source, DecordSource):
            with contextlib.suppress(DecordError):
                self._source.relieve()

    def take_gaps(self) -> tuple[Gap, ...]:
        """The damage met since the last call."""
        return self._source.take_gaps()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _go_on_with_pyav(self, reason: str, following: int) -> None:
        self._source.close()
        width, height = self.size
        self._source = PyavSource(self.info, width, height, tick=self.tick)
        seconds = float(following / self.clock.fps)
        self.reader_reason = f"PyAV from {clock(seconds, has_tenths=True)} on, because {reason}"
