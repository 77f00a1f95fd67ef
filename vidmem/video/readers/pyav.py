"""Sampled frames through PyAV: any codec, exact times, damage survived, needless work left out.

PyavSource
├─ PacketSource   packets on the time line, from a place where decoding may start
├─ decoded()      frames of them, and `Losses`: what did not come out, or came out broken
└─ Damage         what of that is told, and where pictures break off
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.damage import Damage
from vidmem.video.readers.decoding import SourceFrame, decoded, set_threads
from vidmem.video.readers.losses import Losses
from vidmem.video.readers.packet_source import Entry, open_packets
from vidmem.video.readers.skipping import skip_packets
from vidmem.video.readers.sources import Sample, Tick, no_tick
from vidmem.video.sampling import Gap, SampleClock

MOST_SECONDS_IN_VAIN = 5.0
"""Beyond the time asked for, before a place from which nothing decodes is given up."""


class PyavSource:
    """Frames of one video at a chosen size, as a `SampleSource`.

    Damage is survived: frames that are lost become a `Gap`, and reading goes on behind them.
    """

    def __init__(
        self,
        info: VideoInfo,
        width: int | None = None,
        height: int | None = None,
        *,
        skip: bool = True,
        tick: Tick = no_tick,
    ) -> None:
        if info.is_scanned and info.scan is None:
            info = probe_video(info.path, tick)  # it came from another process, without its scan
        self.info = info
        self.width = width or info.width
        self.height = height or info.height
        self.skip = skip
        self.tick = tick
        self._damage = Damage(info)
        self._packets = open_packets(info, tick)
        self._painter = VideoReformatter()

    @property
    def name(self) -> str:
        """The reader's name, "pyav"."""
        return "pyav"

    def samples(self, clock: SampleClock, start: int) -> Iterator[Sample]:
        """Sampled frames from number `start` to the end of the video; none where it has none."""
        index, shown, sample, is_break = start, None, None, False
        for following in self.frames_from(clock.latest_pts(start), clock if self.skip else None):
            earlier = shown.pts if shown else clock.latest_pts(start)
            broken_at = self._damage.break_between(earlier, following.pts)
            end_pts = following.pts if broken_at is None else broken_at
            while shown and clock.latest_pts(index) < end_pts:
                sample = sample or self._sample(index, shown)
                yield Sample(index, sample.pixels, sample.pts_seconds, is_break)
                index, is_break = index + 1, False
            if broken_at is not None:
                first = clock.first_sample(following.pts)
                is_break, index = is_break or first > index, max(index, first)
            elif shown is None:
                # A moment's damage: the next good frame stands for the first ones wanted.
                while clock.latest_pts(index) < following.pts:
                    yield self._sample(index, following)
                    index += 1
            shown, sample = following, None
        end = clock.samples_before(self._damage.end_pts)
        while shown and index < end:
            sample = sample or self._sample(index, shown)
            yield Sample(index, sample.pixels, sample.pts_seconds, is_break)
            index, is_break = index + 1, False

    def frames_from(self, pts: int, clock: SampleClock | None = None) -> Iterator[SourceFrame]:
        """Frames in the order they are shown, from the one on display at `pts` or earlier.

        Args:
            pts: In ticks; before the first frame means from the start.
            clock: If given, frames that no sampled frame needs may be missing.
        """
        frames: Iterator[SourceFrame] = iter(())
        first: SourceFrame | None = None
        for place in self._packets.places(pts):
            self._damage.forget_vain()
            frames = self._frames_of(place, pts, clock)
            first = next(frames, None)
            if place.is_start or (first is not None and first.pts <= pts):
                break
        if first is not None:
            yield first
            yield from frames

    def take_gaps(self) -> tuple[Gap, ...]:
        """The damage met since the last call."""
        return self._damage.take()

    def to_pixels(self, frame: VideoFrame) -> np.ndarray:
        """A frame at the size asked for, upright, uint8 `[H, W, 3]`."""
        orientation = self.info.orientation
        width, height = self.width, self.height
        if orientation.is_sideways:
            width, height = height, width
        # One reformatter for all frames: `frame.reformat` works its tables out anew for each.
        picture = self._painter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="BILINEAR", threads=1
        )
        return orientation.apply(picture.to_ndarray())

    def close(self) -> None:
        """Close the file."""
        self._packets.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _sample(self, index: int, shown: SourceFrame) -> Sample:
        seconds = float((shown.pts - self.info.start_pts) * self.info.tick)
        return Sample(index, self.to_pixels(shown.frame), seconds)

    def _frames_of(
        self, start: Entry, wanted_pts: int, clock: SampleClock | None
    ) -> Iterator[SourceFrame]:
        """Good frames from a place on, behind damage too, up to the end of the file."""
        entry: Entry | None = start
        last: SourceFrame | None = None
        losses = Losses(self.info.codec, float(1 / self.info.tick), self._packets.next_entry)
        give_up = wanted_pts + round(MOST_SECONDS_IN_VAIN / self.info.tick)
        while entry is not None:
            for one in self._good_frames(entry, losses, last, clock, None if last else give_up):
                last = one
                yield one
            if last is None and not start.is_start:
                return
            entry = self._packets.go_on(max(self._damage.end_pts, entry.pts))
            if entry is not None:
                losses.lose(self._damage.end_pts)
        if last is not None:
            self._damage.note_end(losses.end_start(last.pts), last)

    def _good_frames(
        self,
        entry: Entry,
        losses: Losses,
        last: SourceFrame | None,
        clock: SampleClock | None,
        give_up: int | None,
    ) -> Iterator[SourceFrame]:
        """Those from one place on; none where the first comes only behind `give_up`."""
        context = self._packets.context
        if not context.is_open:
            set_threads(context)
        packets = self._damage.watched(entry.packets)
        if clock is not None:
            packets = skip_packets(packets, clock)
        for one in decoded(packets, context, losses, self.tick):
            if one.pts < entry.pts:
                continue  # shown before the entry, and predicted from what was not read
            earlier = last.pts if last is not None else entry.pts - 1
            if losses.is_good(earlier, one.pts, one.frame):
                self._damage.note_good(losses.start_pts, one)
                losses.start_pts, last = None, one
                yield one
            elif last is None and not entry.is_start and give_up is not None and one.pts > give_up:
                return


class FrameCursor:
    """Walks to the frame on display at a time: forward where near, by seeking where far."""

    def __init__(self, source: PyavSource) -> None:
        self.source = source
        self.jump = max(1, round(2 / source.info.tick))
        self.current: SourceFrame | None = None
        self.ahead: SourceFrame | None = None
        self.frames: Iterator[SourceFrame] = iter(())

    def frame_at(self, pts: int) -> SourceFrame | None:
        """The last frame shown at `pts` or earlier; the first one where that is damaged."""
        if self.current is None or not 0 <= pts - self.current.pts <= self.jump:
            self.frames = self.source.frames_from(pts)
            self.current, self.ahead = next(self.frames, None), next(self.frames, None)
        while self.ahead is not None and self.ahead.pts <= pts:
            self.current, self.ahead = self.ahead, next(self.frames, None)
        return self.current
