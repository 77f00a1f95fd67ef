"""Which packets need not be decoded, because no sampled frame needs them.

At 4 frames per second from a file of 30, most frames are never looked at. A frame can be left out
when no other frame is predicted from it (a non-reference frame: the header of its packet says so),
and the last frames before a fresh start (an IDR frame) even when some of them are predicted from
others. The pixels are those of decoding everything; `measure_skip_gain` tells what it is worth.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from vidmem.video.sampling import SampleClock

MAX_GROUP_PACKETS = 600
MAX_GROUP_BYTES = 24 << 20
INTRA_ONLY_CODECS = {"mjpeg", "prores", "dnxhd", "rawvideo", "huffyuv", "ffv1", "dvvideo", "png"}

H264_SLICE, H264_IDR = 1, 5
HEVC_LAST_SLICE, HEVC_LAST_SUB_LAYER = 31, 15
HEVC_IDR = (19, 20)


@dataclass(frozen=True)
class PacketFacts:
    """What is known of a packet without decoding it."""

    pts: int | None
    is_reference: bool
    """Others may be predicted from it; True where the codec does not tell."""

    is_fresh_start: bool
    """Nothing from here on is predicted from anything before."""


class PacketReader:
    """Reads the headers of a stream's packets; knows how its codec packs them."""

    def __init__(self, context: VideoCodecContext) -> None:
        extradata = context.extradata or b""
        self.codec = context.codec.canonical_name
        self.has_reordered_frames = context.has_b_frames
        self.length_bytes = _nal_length_bytes(self.codec, extradata)

    def facts(self, packet: av.Packet) -> PacketFacts:
        """Look at one packet."""
        if self.codec == "h264":
            return self._h264(packet)
        if self.codec == "hevc":
            return self._hevc(packet)
        if self.codec in INTRA_ONLY_CODECS:
            return PacketFacts(packet.pts, False, True)
        is_fresh = packet.is_keyframe and self.codec in {"vp8", "vp9", "av1"}
        return PacketFacts(packet.pts, True, is_fresh)

    def _h264(self, packet: av.Packet) -> PacketFacts:
        for header in self._nal_headers(packet):
            kind = header[0] & 31
            if kind in (H264_SLICE, H264_IDR):
                return PacketFacts(packet.pts, header[0] & 0x60 != 0, kind == H264_IDR)
        return PacketFacts(packet.pts, True, False)

    def _hevc(self, packet: av.Packet) -> PacketFacts:
        for header in self._nal_headers(packet):
            kind, layer = header[0] >> 1 & 63, header[1] & 7
            if kind <= HEVC_LAST_SLICE:
                # In the lowest sub-layer only: in others, frames of a higher one may need it.
                is_unused = kind <= HEVC_LAST_SUB_LAYER and kind % 2 == 0 and layer == 1
                return PacketFacts(packet.pts, not is_unused, kind in HEVC_IDR)
        return PacketFacts(packet.pts, True, False)

    def _nal_headers(self, packet: av.Packet) -> Iterator[bytes]:
        """The first two bytes of each unit of a packet."""
        data = memoryview(packet)
        if not self.length_bytes:
            yield from _start_code_headers(bytes(data[:4096]))
            return
        position = 0
        while position + self.length_bytes + 2 <= len(data):
            start = position + self.length_bytes
            yield bytes(data[start : start + 2])
            position = start + int.from_bytes(data[position:start], "big")


def packets_to_decode(
    facts: Sequence[PacketFacts], clock: SampleClock, ends_before: PacketFacts | None
) -> list[bool]:
    """Which packets of a group have to be decoded for the sampled frames to come out right.

    Args:
        facts: Packets in the order of decoding, from a fresh start to the next, or a piece of that.
        clock: Which sampled frames are wanted.
        ends_before: The packet behind the group; None at the end of the file.
    """
    if any(fact.pts is None for fact in facts):
        return [True] * len(facts)
    times = sorted(fact.pts for fact in facts if fact.pts is not None)
    if ends_before is not None and ends_before.is_fresh_start and ends_before.pts is not None:
        times.append(ends_before.pts)
    is_needed = [_is_on_display(fact.pts, times, clock) for fact in facts if fact.pts is not None]
    last_needed = len(facts) - 1
    if ends_before is not None and ends_before.is_fresh_start:
        last_needed = max((i for i, needed in enumerate(is_needed) if needed), default=-1)
    return [
        needed or (fact.is_reference and position <= last_needed)
        for position, (fact, needed) in enumerate(zip(facts, is_needed, strict=True))
    ]


def skip_packets(
    packets: Iterable[av.Packet], reader: PacketReader, clock: SampleClock
) -> Iterator[av.Packet]:
    """Pass on the packets that sampled frames need, and the end of the stream."""
    for group, ends_before in _groups(packets, reader):
        keep = packets_to_decode([fact for _, fact in group], clock, ends_before)
        for (packet, _), is_kept in zip(group, keep, strict=True):
            if is_kept or not packet.size:
                yield packet


def decoded_share(packets: Iterable[av.Packet], reader: PacketReader, clock: SampleClock) -> float:
    """Share of the packets that `skip_packets` would have decoded; 1.0 for no packets."""
    num_packets = num_kept = 0
    for group, ends_before in _groups((packet for packet in packets if packet.size), reader):
        keep = packets_to_decode([fact for _, fact in group], clock, ends_before)
        num_packets, num_kept = num_packets + len(keep), num_kept + sum(keep)
    return num_kept / num_packets if num_packets else 1.0


@dataclass(frozen=True, kw_only=True)
class SkipGain:
    """Reading a file at a sampling rate with and without leaving frames out."""

    fps: float
    num_samples: int
    full_seconds: float
    skipping_seconds: float
    decoded_share: float
    """Decoded packets by packets of the file."""

    is_identical: bool
    """Both ways gave the same pixels."""

    @property
    def speed_up(self) -> float:
        """How many times faster it is to leave frames out."""
        return self.full_seconds / self.skipping_seconds


def measure_skip_gain(
    path: str | Path, fps: float = 4.0, *, max_samples: int = 400, size: int = 224
) -> SkipGain:
    """Read a file with PyAV both ways and compare time and pixels.

    Args:
        path: A video file.
        fps: Sampled frames per second of video.
        max_samples: Stop after this many sampled frames.
        size: Width and height of the pictures.
    """
    from vidmem.video.container import open_container, packets_of, video_stream
    from vidmem.video.probe import probe_video
    from vidmem.video.pyav_reader import PyavSource

    info = probe_video(path)
    clock = SampleClock.make(fps, info.tick, info.start_pts)
    seconds, checksums = [], []
    for skip in (False, True):
        started = time.perf_counter()
        with PyavSource(info, size, size, skip=skip) as source:
            samples = islice(source.samples(clock, 0), max_samples)
            checksums.append([hash(sample.pixels.tobytes()) for sample in samples])
        seconds.append(time.perf_counter() - started)
    with open_container(info.path) as container:
        stream = video_stream(container, info.path)
        packets = packets_of(container, stream)
        share = decoded_share(packets, PacketReader(stream.codec_context), clock)
    return SkipGain(
        fps=fps,
        num_samples=len(checksums[0]),
        full_seconds=seconds[0],
        skipping_seconds=seconds[1],
        decoded_share=share,
        is_identical=checksums[0] == checksums[1],
    )


def _is_on_display(pts: int, times: list[int], clock: SampleClock) -> bool:
    """Whether a frame is on display at a sampled time; True where what follows is not known."""
    following = bisect_right(times, pts)
    if following == len(times):
        return True
    return clock.latest_pts(clock.first_sample(pts)) < times[following]


def _groups(
    packets: Iterable[av.Packet], reader: PacketReader
) -> Iterator[tuple[list[tuple[av.Packet, PacketFacts]], PacketFacts | None]]:
    """Packets from one fresh start to the next, in pieces of bounded size."""
    group: list[tuple[av.Packet, PacketFacts]] = []
    num_bytes = 0
    for packet in packets:
        fact = reader.facts(packet) if packet.size else PacketFacts(None, True, False)
        is_full = len(group) >= MAX_GROUP_PACKETS or num_bytes >= MAX_GROUP_BYTES
        if group and (fact.is_fresh_start or is_full or not packet.size):
            yield group, (fact if packet.size else None)
            group, num_bytes = [], 0
        group.append((packet, fact))
        num_bytes += packet.size
    if group:
        yield group, None


def _nal_length_bytes(codec: str, extradata: bytes) -> int:
    """Bytes of the length before each unit; 0 where units begin with a start code."""
    if not extradata or extradata[0] != 1:
        return 0
    if codec == "h264" and len(extradata) > 4:
        return (extradata[4] & 3) + 1
    if codec == "hevc" and len(extradata) > 21:
        return (extradata[21] & 3) + 1
    return 0


def _start_code_headers(data: bytes) -> Iterator[bytes]:
    position = data.find(b"\x00\x00\x01")
    while position >= 0 and position + 5 <= len(data):
        yield data[position + 3 : position + 5]
        position = data.find(b"\x00\x00\x01", position + 3)
