"""All packets of a file looked at once, without decoding any: times, places, and where to begin.

It costs about a second for three hours of 240p. Files whose index can be relied on for all that
are not scanned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vidmem.video.container import packets_of
from vidmem.video.packets.bitstream import PacketReader
from vidmem.video.packets.display_order import DisplayOrder
from vidmem.video.packets.timeline import Line, StoredTimes, draw_line

MAX_SCANNED_INDEXED_BYTES = 256 << 20
"""Larger Matroska files with an index are taken at their word."""

NUM_PACKETS_JUDGED = 64
FIRST_LEAP_SECONDS, LEAP_GROWTH = 0.5, 2
"""How far to look for something readable behind damage that ends the file early."""

MIN_EARLY_END_SECONDS = 0.5
AVI_CHUNK_HEADER_BYTES = 8
DEFAULT_FPS = 25
MOST_SECONDS = 100 * 365 * 24 * 3600.0
"""Lengths and times beyond are damage."""

KEY_ENTRY = 1
"""FFmpeg's AVINDEX_KEYFRAME."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A stream's packets in the order stored, and when their pictures are shown."""

    line: Line
    raw_times: np.ndarray
    """int64 `[N]`: what the container itself goes to them by; -1: nothing."""

    positions: np.ndarray
    """int64 `[N]`: bytes from the start of the file; -1: not known."""

    sizes: np.ndarray
    """int64 `[N]`, bytes."""

    is_hidden: np.ndarray
    """bool `[N]`: an edit list keeps it from being shown."""

    entries: np.ndarray
    """int64 `[E]`: packets from which decoding may start."""

    recovered: np.ndarray
    """int64 `[E]`: the first packet behind each whose picture is right."""

    def __len__(self) -> int:
        return len(self.sizes)


class _Collector:
    """Takes the packets of a stream one after the other."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._stream = stream
        self._reader = PacketReader(stream.codec_context)
        self._order = DisplayOrder(stream.codec_context)
        self._index_times = _avi_index(container, stream)
        self._first: list[av.Packet] = []
        self._takes_order: bool | None = None
        self.stored = StoredTimes()
        self.raw_times: list[int] = []
        self.positions: list[int] = []
        self.sizes: list[int] = []
        self._is_hidden: list[bool] = []
        self._entries: list[int] = []
        self._recovery: list[int] = []

    def take(self, packet: av.Packet) -> None:
        """One more packet."""
        self._note(packet)
        if self._takes_order is None:
            self._first.append(packet)
            if len(self._first) == NUM_PACKETS_JUDGED:
                self._judge_first()
        elif self._takes_order:
            self._order.take(packet)

    def scan(self, line: Line) -> Scan:
        """What was collected."""
        entries = np.array(self._entries, dtype=np.int64)
        recovered = entries + np.array(self._recovery, dtype=np.int64)
        return Scan(
            line=line,
            raw_times=np.array(self.raw_times, dtype=np.int64),
            positions=np.array(self.positions, dtype=np.int64),
            sizes=np.array(self.sizes, dtype=np.int64),
            is_hidden=np.array(self._is_hidden, dtype=bool),
            entries=entries,
            recovered=np.minimum(recovered, len(self.sizes) - 1),
        )

    def ranks(self) -> np.ndarray | None:
        """Places in the order shown, where times of packets do not give them."""
        if self._takes_order is None:
            self._judge_first()
        return self._order.ranks() if self._takes_order else None

    def _judge_first(self) -> None:
        context, first = self._stream.codec_context, self._first
        self._takes_order = self._order.is_known and are_times_of_storing(context, first)
        for packet in first if self._takes_order else ():
            self._order.take(packet)
        self._first = []

    def _note(self, packet: av.Packet) -> None:
        pts, dts = packet.pts, packet.dts
        position = packet.pos if packet.pos is not None else -1
        indexed = self._index_times.get(position - AVI_CHUNK_HEADER_BYTES)
        if indexed is not None:
            # Behind damage an AVI's packets are counted on from before it: its index knows better.
            pts = indexed + pts - dts if pts is not None and dts is not None else None
            dts = indexed
        self.stored.pts.append(pts)
        self.stored.dts.append(dts)
        self.stored.durations.append(packet.duration or 0)
        raw = packet.dts if packet.dts is not None else packet.pts
        self.raw_times.append(-1 if raw is None else raw)
        self.positions.append(position)
        # Others are not parsed: a key frame that is not marked is only a place less to begin.
        if packet.is_keyframe and not packet.is_corrupt:
            facts = self._reader.facts(packet)
            if facts.is_entry:
                self._entries.append(len(self.sizes))
                self._recovery.append(facts.frames_to_recovery)
        self.sizes.append(packet.size)
        self._is_hidden.append(packet.is_discard)


def needs_scan(
    container: InputContainer, stream: VideoStream, size_bytes: int, first: list[av.Packet]
) -> bool:
    """Whether a file's index and the times it stores cannot simply be relied on.

    Args:
        container: The open file.
        stream: Its video stream.
        size_bytes: Of the file.
        first: The first packets of the stream.
    """
    names = set(container.format.name.split(","))
    is_in_doubt = are_times_of_storing(stream.codec_context, first)
    if "mp4" in names:
        has_index = 0 < stream.frames == len(stream.index_entries)
        return is_in_doubt or not has_index
    if "matroska" in names:
        has_index = len(stream.index_entries) > 1 and bool(container.duration)
        return is_in_doubt or not has_index or size_bytes <= MAX_SCANNED_INDEXED_BYTES
    return True


def are_times_of_storing(context: VideoCodecContext, first: list[av.Packet]) -> bool:
    """Whether pictures are reordered, and the packets' times know nothing of it."""
    reader = PacketReader(context)
    times = [packet.pts for packet in first]
    known = [time for time in times if time is not None]
    has_b = any(reader.facts(packet).is_bidirectional for packet in first)
    is_forward = all(a <= b for a, b in pairwise(known))
    return has_b and bool(context.has_b_frames) and (len(known) < len(times) or is_forward)


def scan_packets(
    container: InputContainer,
    stream: VideoStream,
    *,
    promised_seconds: float = 0.0,
    tick: Callable[[], None] = lambda: None,
) -> Scan | None:
    """Look at all packets of a stream, from where the container is; `None` if there are none.

    Args:
        container: Just opened.
        stream: Which one.
        promised_seconds: The length that the container gives for itself: behind damage that ends
            the file before, something readable is looked for.
        tick: Called now and then.
    """
    time_base = stream.time_base or Fraction(1, 90_000)
    collected = _Collector(container, stream)
    for number, packet in enumerate(_all_packets(container, stream, promised_seconds, collected)):
        if number % 256 == 0:
            tick()
        collected.take(packet)
    if not collected.sizes:
        return None
    line = draw_line(
        collected.stored,
        tick_seconds=float(time_base),
        default_duration=_default_duration(stream, time_base),
        ranks=collected.ranks(),
    )
    return collected.scan(line)


def _all_packets(
    container: InputContainer,
    stream: VideoStream,
    promised_seconds: float,
    collected: _Collector,
) -> Iterator[av.Packet]:
    """Packets with something in them, also those behind damage that ends the file early."""
    while True:
        for packet in packets_of(container, stream):
            if packet.size:
                yield packet
        following = _behind_damage(container, stream, promised_seconds, collected)
        if following is None:
            return
        yield following


def _behind_damage(
    container: InputContainer,
    stream: VideoStream,
    promised_seconds: float,
    collected: _Collector,
) -> av.Packet | None:
    time_base = stream.time_base or Fraction(1, 90_000)
    stored = collected.stored
    times = (p if d is None else d for p, d in zip(stored.pts, stored.dts, strict=True))
    known = [time for time in times if time is not None]
    if not known or not promised_seconds:
        return None
    first, last, farthest = known[0], max(known), max(collected.positions)
    promised = first + round(promised_seconds / time_base)
    if (promised - last) * time_base < MIN_EARLY_END_SECONDS:
        return None
    ahead = round(FIRST_LEAP_SECONDS / time_base)
    while last + ahead < promised:
        try:
            container.seek(last + ahead, stream=stream, backward=True)
        except av.error.FFmpegError:
            return None
        for packet in packets_of(container, stream):
            raw = packet.dts if packet.dts is not None else packet.pts
            is_new = packet.pos is None or packet.pos > farthest
            if packet.size and raw is not None and raw > last and is_new:
                return packet
            break
        ahead = ahead * LEAP_GROWTH + 1
    return None


def _avi_index(container: InputContainer, stream: VideoStream) -> dict[int, int]:
    if container.format.name != "avi":
        return {}
    return {entry.pos: entry.timestamp for entry in stream.index_entries if entry.size}


def _default_duration(stream: VideoStream, time_base: Fraction) -> int:
    rate = stream.average_rate or stream.guessed_rate
    fps = rate if rate and 0 < rate <= 480 else Fraction(DEFAULT_FPS)
    return max(1, round(1 / (fps * time_base)))


def promised_seconds(container: InputContainer, stream: VideoStream, start_pts: int) -> float:
    """Length of the video stream as its container writes it down; 0.0 where it does not.

    FFmpeg guesses the length of other files from their ends; those guesses are left aside.
    """
    names = set(container.format.name.split(","))
    if not names & _FORMATS_WITH_LENGTH:
        return 0.0
    seconds = _promised(container, stream, start_pts, names)
    return seconds if math.isfinite(seconds) and 0 < seconds < MOST_SECONDS else 0.0


_FORMATS_WITH_LENGTH = {"mp4", "matroska", "webm", "avi", "flv", "mxf", "asf"}


def _promised(
    container: InputContainer, stream: VideoStream, start_pts: int, names: set[str]
) -> float:
    time_base = stream.time_base or Fraction(1, 90_000)
    start_seconds = float(start_pts * time_base)
    if stream.duration and "asf" not in names:
        # A fragmented file counts from zero, and its first frame may be shown later.
        is_fragmented = "mp4" in names and stream.frames == 0
        return float(stream.duration * time_base) - (start_seconds if is_fragmented else 0.0)
    # Matroska has the length of a stream as a tag: "00:01:40.040000000".
    tag = next((v for k, v in stream.metadata.items() if k.startswith("DURATION")), "")
    try:
        hours, minutes, seconds = (float(part) for part in tag.split(":"))
        return max(0.0, hours * 3600 + minutes * 60 + seconds - start_seconds)
    except ValueError:
        pass
    if len(container.streams) == 1:
        return file_seconds(container, start_pts, time_base)
    return 0.0


def file_seconds(container: InputContainer, start_pts: int, time_base: Fraction) -> float:
    """Length of the whole file, sound included, as FFmpeg tells or guesses it; 0.0 if not."""
    if not container.duration:
        return 0.0
    # Matroska counts its length from zero, the others from their first packet.
    is_from_zero = "matroska" in container.format.name
    zero_seconds = 0.0 if is_from_zero else (container.start_time or 0) / 1e6
    return container.duration / 1e6 - max(0.0, float(start_pts * time_base) - zero_seconds)
