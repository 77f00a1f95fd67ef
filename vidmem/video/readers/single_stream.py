"""One stream of a video, copied into a file of its own: all of it that decord is given.

Decord's FFmpeg is of 2020, looks into every stream of a file, and follows lists to other files. So
it never sees the file itself: only packets of the stream that was looked at, in a container that
was written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import av
import av.error

from vidmem.errors import DecoderError
from vidmem.units import file_size
from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.packets.bitstream import PacketReader
from vidmem.video.probe import VideoInfo
from vidmem.video.readers.sources import Tick, no_tick

MAX_COPY_BYTES = 512 << 20
"""Decord reads a file whole before its first frame, and a disk has other uses."""

MOST_UNTIMED = 17
"""Packets in a row without a time of decoding: as many as a codec can reorder."""

CODECS_WITH_KEY_FRAMES_TOLD = {"h264", "hevc"}
"""Whose packets say themselves whether they are key frames."""


class StreamCopyError(DecoderError):
    """The stream cannot be copied, or its copy would be read wrongly."""


def copy_stream(info: VideoInfo, file: BinaryIO, tick: Tick = no_tick) -> None:
    """Write the video stream of a file, and nothing else, in times from its first frame.

    Raises:
        StreamCopyError: If that fails, or the container calls packets key frames that are none.
    """
    mp4 = "3gp" if info.codec == "h263" else "mp4"  # its older sister, which has that codec too
    kind = mp4 if "mp4" in info.container else "matroska"
    try:
        with open_container(info.path) as given, av.open(file, "w", format=kind) as copy:
            stream = video_stream(given, info.path)
            reader = PacketReader(stream.codec_context)
            target = copy.add_stream_from_template(stream)
            num_bytes = 0
            for packet, pts, dts in _timed(packets_of(given, stream)):
                tick()
                _check_key_frame(packet, reader)
                num_bytes += packet.size
                if num_bytes > MAX_COPY_BYTES:
                    raise StreamCopyError(f"its stream is larger than {file_size(MAX_COPY_BYTES)}")
                packet.pts, packet.dts = pts - info.start_pts, dts - info.start_pts
                packet.stream = target
                copy.mux(packet)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StreamCopyError(f"its stream cannot be copied for decord ({reason})") from error
    file.flush()


def _timed(packets: Iterator[av.Packet]) -> Iterator[tuple[av.Packet, int, int]]:
    """Packets with when they are shown and decoded; Matroska does not say the latter at first."""
    waiting: list[tuple[av.Packet, int]] = []
    for packet in packets:
        if not packet.size or packet.pts is None:
            continue
        waiting.append((packet, packet.pts))
        if packet.dts is None:
            if len(waiting) > MOST_UNTIMED:
                raise StreamCopyError("its packets do not say when they are decoded")
            continue
        dts, times = packet.dts, [packet.dts]
        for _, pts in reversed(waiting[:-1]):
            dts = min(pts, dts - 1)
            times.append(dts)
        for (one, pts), decoded in zip(waiting, reversed(times), strict=True):
            yield one, pts, decoded
        waiting = []
    for one, pts in waiting:
        yield one, pts, pts


def _check_key_frame(packet: av.Packet, reader: PacketReader) -> None:
    is_told = reader.codec in CODECS_WITH_KEY_FRAMES_TOLD
    if is_told and packet.is_keyframe and not reader.facts(packet).is_fresh_start:
        raise StreamCopyError("not all of its key frames can be decoded from, as decord believes")
