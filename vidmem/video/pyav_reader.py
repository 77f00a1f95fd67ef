"""Sampled frames through PyAV: any codec, exact times, damage survived, needless work left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self

import av
import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.probe import VideoInfo
from vidmem.video.sampling import Gap, SampleClock
from vidmem.video.skipping import PacketReader, skip_packets
from vidmem.video.sources import (
    Sample,
    Tick,
    early_end,
    ends_early,
    hole,
    is_hole,
    no_tick,
)

BACK_OFF_SECONDS = (0.0, 1.0, 5.0, 20.0, 60.0)
"""How much earlier to look for a key frame, when the last place was still too late."""

NOT_SEEKABLE_FORMATS = {"gif", "avi", "mjpeg", "h264", "hevc", "m4v", "mpegvideo", "apng"}
FIRST_LEAP_SECONDS, LEAP_GROWTH = 0.5, 2
"""How far to look for something readable behind damage that ends the file early."""

MAX_PACKETS_TO_KEY_FRAME = 2000
ONE_FRAME_PER_PACKET = {"h264", "hevc"}
MAX_THREADS = 4


@dataclass(slots=True)
class SourceFrame:
    """A decoded frame and when it is shown, in ticks."""

    frame: VideoFrame
    pts: int
    duration: int


@dataclass(slots=True)
class _Place:
    """A key frame to decode from."""

    pts: int
    packets: Iterator[av.Packet]


@dataclass(slots=True)
class _Lost:
    """Frames that went into the decoder and have not come out."""

    failed_pts: int | None = None
    """Time of the first packet that the decoder refused since the last report."""

    start_pts: int | None = None
    """Time of the first lost frame since the last good one."""

    needs_key_frame: bool = False


class PyavSource:
    """Frames of one video at a chosen size; see `SampleSource`."""

    def __init__(
        self,
        info: VideoInfo,
        width: int | None = None,
        height: int | None = None,
        *,
        skip: bool = True,
        tick: Tick = no_tick,
    ) -> None:
        self.info = info
        self.width = width or info.width
        self.height = height or info.height
        self.skip = skip and not info.uses_decode_times
        self.tick = tick
        self.end_pts = 0
        """End of the last frame read."""

        self._gaps: list[Gap] = []
        self._sent: dict[int, bool] = {}
        self._lost = _Lost()
        self._reformatter = VideoReformatter()
        self._open()

    @property
    def name(self) -> str:
        """Which reader this is."""
        return "pyav"

    def samples(self, clock: SampleClock, start: int) -> Iterator[Sample]:
        """Sampled frames from number `start` to the end of the video."""
        index, shown, sample = start, None, None
        for found in self.frames_from(clock.latest_pts(start), clock if self.skip else None):
            while shown and clock.latest_pts(index) < found.pts:
                sample = sample or self._sample(index, shown)
                yield Sample(index, sample.pixels, sample.pts_seconds)
                index += 1
            if shown is None:
                # Where the first frames wanted are damaged, the next good one stands for them.
                while clock.latest_pts(index) < found.pts:
                    yield self._sample(index, found)
                    index += 1
            shown, sample = found, None
        end = clock.samples_before(self.end_pts)
        while shown and index < end:
            sample = sample or self._sample(index, shown)
            yield Sample(index, sample.pixels, sample.pts_seconds)
            index += 1

    def frames_from(self, pts: int, clock: SampleClock | None = None) -> Iterator[SourceFrame]:
        """Frames in the order they are shown, from the one on display at `pts` or earlier.

        Args:
            pts: In ticks; before the first frame means from the start.
            clock: If given, frames that no sampled frame needs may be missing.
        """
        place: _Place | None = self._seek(pts)
        previous: SourceFrame | None = None
        while place is not None:
            packets = self._watched(place.packets)
            if clock is not None:
                packets = skip_packets(packets, PacketReader(self._context), clock)
            for found in self._decode(packets):
                if found.pts < place.pts:
                    continue  # shown before the key frame and predicted from what was not read
                self._note_lost(previous.pts if previous else place.pts - 1, found)
                if self._lost.needs_key_frame:
                    continue
                self._report_lost(found.pts)
                self.end_pts = found.pts + found.duration
                previous = found
                yield found
            place = self._behind_damage(previous, place)
        self._report_end(previous)

    def take_gaps(self) -> tuple[Gap, ...]:
        """The damage met since the last call."""
        gaps, self._gaps = tuple(self._gaps), []
        return gaps

    def to_pixels(self, frame: VideoFrame) -> np.ndarray:
        """A frame at the size asked for, upright, uint8 `[H, W, 3]`."""
        rotation = self.info.rotation_degrees
        width, height = self.width, self.height
        if rotation in (90, 270):
            width, height = height, width
        # One reformatter for all frames: `frame.reformat` works its tables out anew for each.
        picture = self._reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="BILINEAR", threads=1
        )
        pixels = picture.to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, rotation // 90)) if rotation else pixels

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> None:
        self._container = open_container(self.info.path)
        self._stream = video_stream(self._container, self.info.path)
        self._context = self._stream.codec_context
        self._context.thread_type = "AUTO"
        # One core is left to the model: two threads on two cores take more processor time between
        # them than one does alone, and the whole run is then slower.
        self._context.thread_count = max(1, min((os.cpu_count() or 1) - 1, MAX_THREADS))

    def _sample(self, index: int, found: SourceFrame) -> Sample:
        seconds = float((found.pts - self.info.start_pts) * self.info.tick)
        return Sample(index, self.to_pixels(found.frame), seconds)

    def _seek(self, pts: int) -> _Place:
        """Go to a key frame shown at `pts` or earlier."""
        self._sent, self._lost = {}, _Lost()
        margin = round(2 / self.info.tick)
        if self._can_seek() and pts > self.info.start_pts + margin:
            for back in BACK_OFF_SECONDS:
                target = pts - round(back / self.info.tick)
                if target <= self.info.start_pts:
                    break
                found = self._key_frame_before(target)
                if found and found.pts <= pts:
                    return found
        self.close()
        self._open()
        return _Place(self.info.start_pts, packets_of(self._container, self._stream))

    def _behind_damage(self, last: SourceFrame | None, tried: _Place) -> _Place | None:
        """Where to go on when packets end long before the file should; None at its end."""
        if last is None or not self._can_seek() or not ends_early(self.info, self.end_pts):
            return None
        promised = self.info.start_pts + round(self.info.duration_seconds / self.info.tick)
        start = max(self.end_pts, tried.pts)
        ahead = round(FIRST_LEAP_SECONDS / self.info.tick)
        while start + ahead < promised:
            found = self._key_frame_before(start + ahead)
            if found and found.pts > start:
                if self._lost.start_pts is None:
                    self._lost.start_pts = self.end_pts
                return found
            ahead = ahead * LEAP_GROWTH + 1
        return None

    def _can_seek(self) -> bool:
        formats = set(self.info.container.split(","))
        return not (self.info.uses_decode_times or formats & NOT_SEEKABLE_FORMATS)

    def _key_frame_before(self, target: int) -> _Place | None:
        """Jump to about `target` and find the next key frame; None where there is none near."""
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return None
        packets = packets_of(self._container, self._stream)
        for packet in islice(packets, MAX_PACKETS_TO_KEY_FRAME):
            self.tick()
            if packet.is_keyframe and packet.size and not packet.is_corrupt:
                return None if packet.pts is None else _Place(packet.pts, chain([packet], packets))
        return None

    def _decode(self, packets: Iterator[av.Packet]) -> Iterator[SourceFrame]:
        """Decode packets; errors are noted and passed over. Times are made to increase."""
        last: SourceFrame | None = None
        for packet in chain(packets, [None]):
            self.tick()
            for frame in self._send(packet):
                last = self._timed(frame, last)
                yield last

    def _watched(self, packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
        """Pass packets on and note where the file has none for long."""
        end_pts: int | None = None
        for packet in packets:
            if packet.pts is not None and packet.size:
                if end_pts is not None and is_hole(self.info, end_pts, packet.pts):
                    self._gaps.append(hole(self.info, end_pts, packet.pts))
                end_pts = max(end_pts or packet.pts, packet.pts + (packet.duration or 0))
            yield packet

    def _send(self, packet: av.Packet | None) -> list[VideoFrame]:
        if packet is not None and packet.pts is not None and not packet.is_discard:
            self._sent[packet.pts] = packet.is_keyframe
        try:
            return self._context.decode(packet)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError:
            if packet is not None and packet.pts is not None:
                failed = self._lost.failed_pts
                self._lost.failed_pts = packet.pts if failed is None else min(packet.pts, failed)
            return []

    def _timed(self, frame: VideoFrame, last: SourceFrame | None) -> SourceFrame:
        usual = self.info.usual_duration
        duration = frame.duration or usual
        if duration < usual // 4:
            duration = usual  # Matroska files with a made-up duration of one tick
        pts = frame.dts if self.info.uses_decode_times else frame.pts
        if last is not None and (pts is None or pts <= last.pts):
            pts = last.pts + last.duration
        return SourceFrame(frame, self.info.start_pts if pts is None else pts, duration)

    def _note_lost(self, earlier: int, found: SourceFrame) -> None:
        """Note frames that were sent to the decoder and never came out of it."""
        lost = [sent for sent in self._sent if earlier < sent < found.pts]
        is_key_lost = any(self._sent[sent] for sent in lost)
        self._sent = {sent: key for sent, key in self._sent.items() if sent > found.pts}
        if self._lost.needs_key_frame and found.frame.key_frame:
            self._lost.needs_key_frame = False
        if not lost or not self._counts_as_lost(lost, found):
            return
        start = min(lost)
        self._lost.start_pts = min(start, self._lost.start_pts or start)
        self._lost.failed_pts = None
        # What is predicted from a lost key frame is no picture: wait for the next one.
        self._lost.needs_key_frame |= is_key_lost and not found.frame.key_frame

    def _counts_as_lost(self, lost: list[int], found: SourceFrame) -> bool:
        """Whether these are damage: some packets hold no frame to show, or half of one."""
        if self.info.uses_decode_times:
            return False
        has_failed = self._lost.failed_pts is not None and self._lost.failed_pts < found.pts
        is_one_per_packet = (
            self.info.codec in ONE_FRAME_PER_PACKET and not found.frame.interlaced_frame
        )
        return has_failed or is_one_per_packet or len(lost) > 1

    def _report_lost(self, pts: int) -> None:
        if self._lost.start_pts is not None:
            self._add_gap(self._lost.start_pts, pts, "frames are damaged and cannot be decoded")
            self._lost.start_pts = None

    def _report_end(self, last: SourceFrame | None) -> None:
        """Note what was sent to the decoder last and never came out, and an early end."""
        if last is None:
            return
        behind = [sent for sent in self._sent if sent > last.pts]
        start = self._lost.start_pts
        if start is None and behind and self._lost.failed_pts is not None:
            start = min(behind)
        if start is not None:
            promised = self.info.start_pts + round(self.info.duration_seconds / self.info.tick)
            self._add_gap(start, max(promised, start + last.duration), "the end is damaged")
        else:
            self._gaps.extend(early_end(self.info, self.end_pts))

    def _add_gap(self, start_pts: int, end_pts: int, reason: str) -> None:
        first = self.info.start_pts
        start = max(0.0, float((start_pts - first) * self.info.tick))
        self._gaps.append(
            Gap(
                start_seconds=start,
                end_seconds=float((end_pts - first) * self.info.tick),
                reason=reason,
            )
        )


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
