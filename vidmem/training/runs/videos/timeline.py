"""Which stream each lane follows at each step: a function of the seed, whatever came before.

    lane 0   [ stream 0        ][ stream 2  ][ stream 4 ...
    lane 1   [ stream 1  ][ stream 3                ][ ...
    step       0     1     2     3     4     5     6

Streams are shuffled, and shuffled anew once all were taken. A lane takes every so-manieth of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vidmem.data import LongStream, LongStreams, Manifest

Reset = Literal["stream", "video"]


@dataclass(frozen=True)
class LanePlace:
    """Where a lane is at a step."""

    number: int
    """Of the stream, counted over all that were ever taken: it names what is drawn for it."""

    stream: LongStream
    segment: int
    """Segments of the stream that came before; 0: it begins here."""


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """How streams are made of samples."""

    manifest: Manifest
    minutes: float
    reset: Reset
    """`stream`: samples one after the other, in one stream. `video`: each is a stream."""

    fps: float
    width: int
    height: int

    def streams(self, seed: int) -> list[LongStream]:
        """All samples, shuffled, each once."""
        made = LongStreams(
            self.manifest,
            minutes=self.minutes,
            seed=seed,
            fps=self.fps,
            width=self.width,
            height=self.height,
        )
        if self.reset == "stream":
            return list(made)
        return [
            replace(stream, parts=(replace(part, start_frame=0),))
            for stream in made
            for part in stream.parts
        ]


class LaneTimeline:
    """The streams that lanes follow.

    Args:
        plan: How streams are made.
        seed: Of their order.
        num_lanes: That share them out.
        segment_frames: Sampled frames of a step; the last segment of a stream may have fewer.
    """

    def __init__(self, plan: StreamPlan, seed: int, num_lanes: int, segment_frames: int) -> None:
        self._plan, self._seed, self._num_lanes = plan, seed, num_lanes
        self._segment_frames = segment_frames
        self._streams: list[LongStream] = []
        self._num_epochs = 0
        self._known: dict[int, tuple[int, int]] = {}

    def place(self, lane: int, step: int) -> LanePlace:
        """Where a lane is at a step."""
        # From where it was last, since steps follow each other; from the start after going back.
        number, first = self._known.get(lane, (lane, 0))
        if step < first:
            number, first = lane, 0
        while step >= first + (length := self._num_segments(number)):
            number, first = number + self._num_lanes, first + length
        self._known[lane] = (number, first)
        return LanePlace(number, self._stream(number), step - first)

    def _num_segments(self, number: int) -> int:
        return -(-self._stream(number).num_frames // self._segment_frames)

    def _stream(self, number: int) -> LongStream:
        while number >= len(self._streams):
            source = np.random.SeedSequence([self._seed, self._num_epochs])
            self._streams += self._plan.streams(int(source.generate_state(1)[0]))
            self._num_epochs += 1
        return self._streams[number]
