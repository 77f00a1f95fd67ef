"""Packets into frames with their times; what the decoder refuses is noted and passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import av.error
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from vidmem.video.readers.losses import Losses
from vidmem.video.readers.packet_source import TimedPacket
from vidmem.video.readers.sources import Tick

MAX_THREADS = 4
DEALT_OUT_CODECS = {"mpeg4"}
"""Their decoder hands on wrong numbers where packets say "as before" (not coded): between key
frames, times are dealt out in the order in which frames come."""

MOST_IN_FLIGHT = 128
"""Packets whose frame may still come out of a decoder."""


@dataclass(slots=True)
class SourceFrame:
    """A decoded frame and when it is shown, in ticks."""

    frame: VideoFrame
    pts: int
    duration: int


def set_threads(context: VideoCodecContext) -> None:
    """Decode on several cores, before the first packet."""
    context.thread_type = "AUTO"
    # One core is left to the model: two threads on two cores take more processor time between
    # them than one does alone, and the whole run is then slower.
    context.thread_count = max(1, min((os.cpu_count() or 1) - 1, MAX_THREADS))


def decoded(
    packets: Iterator[TimedPacket], context: VideoCodecContext, losses: Losses, tick: Tick
) -> Iterator[SourceFrame]:
    """Decode packets up to their end. Times only go forward."""
    times = _Times(deals_out=context.codec.canonical_name in DEALT_OUT_CODECS)
    for packet in chain(packets, [None]):
        tick()
        if packet is not None:
            times.send(packet)
        frames, has_failed = _frames(context, packet, losses)
        if packet is not None and has_failed:
            losses.fail(packet)
            times.drop(packet)
        for frame in frames:
            yield times.timed(frame)


class _Times:
    """Which frame is shown when: by the packet it was in, whose number the decoder hands on."""

    def __init__(self, *, deals_out: bool) -> None:
        self._deals_out = deals_out
        self._in_flight: dict[int, tuple[int, int]] = {}
        self._waiting: set[int] = set()  # times of packets whose frame has not come out
        self._last: SourceFrame | None = None

    def send(self, packet: TimedPacket) -> None:
        """A packet goes into the decoder."""
        self._in_flight[packet.number] = (packet.pts, packet.duration)
        self._in_flight.pop(packet.number - MOST_IN_FLIGHT, None)
        if self._deals_out and not packet.packet.is_discard:
            self._waiting.add(packet.pts)

    def drop(self, packet: TimedPacket) -> None:
        """No frame will come of a packet."""
        self._waiting.discard(packet.pts)

    def timed(self, frame: VideoFrame) -> SourceFrame:
        """A frame that came out of the decoder, with its time."""
        last = self._last
        pts, duration = self._in_flight.get(frame.pts or 0, (None, 1))
        if self._deals_out and self._waiting and not frame.key_frame:
            pts = min(self._waiting)
        if last is not None and (pts is None or pts <= last.pts):
            pts = last.pts + last.duration  # a second frame of one packet
        pts = pts or 0
        if self._deals_out:
            self._waiting = {time for time in self._waiting if time > pts}
        self._last = SourceFrame(frame, pts, duration)
        return self._last


def _frames(
    context: VideoCodecContext, timed: TimedPacket | None, losses: Losses
) -> tuple[list[VideoFrame], bool]:
    """Frames whose `pts` is the number of the packet they were in; whether it was refused."""
    if timed is None:
        packet = None
    else:
        packet = timed.packet
        # The decoder gives each frame the time of its packet: a number leads back to all of it.
        packet.pts = packet.dts = timed.number
        if not packet.is_discard:
            losses.send(timed)
    try:
        return context.decode(packet), False
    except av.error.EOFError:
        return [], False
    except av.error.FFmpegError:
        return [], True
