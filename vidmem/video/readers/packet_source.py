"""Packets of a file on the one time line, from any place where decoding may start.

There are two kinds of files. Most MP4 files, and large Matroska files, have an index that is relied
on: places are looked for in it (`IndexedPackets`). All others were looked through once
(`vidmem.video.packets.scan`), and every packet is known by its number (`ScannedPackets`): what is
read after a seek is then the same, with the same times, as what is read from the start.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import av
import av.error
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.packets.bitstream import ONE_START_CODECS, PacketFacts, PacketReader
from vidmem.video.packets.scan import FIRST_LEAP_SECONDS, KEY_ENTRY, LEAP_GROWTH, Scan
from vidmem.video.probe import VideoInfo
from vidmem.video.readers.sources import Tick, ends_early

NEAR_START_SECONDS = 2.0
"""So near, reading from the start costs no more than a seek."""

MOST_PLACES_TRIED = 2000
MOST_PACKETS_TO_PLACE = 4000
BACK_OFF_SECONDS = (1.0, 5.0, 20.0, 60.0)
"""How much earlier to look, when what decodes from a place is still too late."""

BYTE_SEEK_FORMATS = {"mpegts", "mpeg", "flv"}
"""Times are found in them by trial, so joined recordings lead astray; bytes do not."""


@dataclass(slots=True)
class TimedPacket:
    """A packet with something in it, and when its picture is shown."""

    packet: av.Packet
    number: int
    """In the order stored, of those with something in them."""

    pts: int
    duration: int
    facts: PacketFacts
    """What it says of itself; its `pts` is that of the line."""


@dataclass(slots=True)
class Entry:
    """Somewhere to decode from."""

    pts: int
    """Frames shown before it do not come out right from here."""

    packets: Iterator[TimedPacket]
    is_start: bool = False
    """There is nothing before it."""


class PacketSource(Protocol):
    """Packets of one file."""

    @property
    def context(self) -> VideoCodecContext:
        """The decoder of what is read now; another one after going back to the start."""
        ...

    def places(self, pts: int) -> Iterator[Entry]:
        """Places to decode from for what is on display at `pts`: the nearest, then earlier ones.

        The last one is the start of the file. Only the newest can be read.
        """
        ...

    def go_on(self, end_pts: int) -> Entry | None:
        """Behind damage that has ended the packets: where to go on; `None` at the file's end."""
        ...

    def next_entry(self, pts: int) -> int | None:
        """The time of the next picture behind `pts` that may be decoded afresh; `None`: none is."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_packets(info: VideoInfo, tick: Tick) -> PacketSource:
    """Open a file; `info` is that of `probe_video`."""
    if info.scan is not None:
        return ScannedPackets(info, info.scan, tick)
    return IndexedPackets(info, tick)


class _OpenFile:
    """A file open in PyAV, and its one stream."""

    def __init__(self, info: VideoInfo, tick: Tick) -> None:
        self.info, self.tick = info, tick
        self.reopen()

    def reopen(self) -> None:
        """Be at the start again; not all containers can go back to it."""
        self.container: InputContainer = open_container(self.info.path)
        self.stream = video_stream(self.container, self.info.path)
        self.reader = PacketReader(self.stream.codec_context)

    def packets(self) -> Iterator[av.Packet]:
        """Packets with something in them, from where the file is."""
        for packet in packets_of(self.container, self.stream):
            if packet.size:
                yield packet

    def timed(self, packet: av.Packet, number: int, pts: int, duration: int) -> TimedPacket:
        """A packet on the line."""
        facts = self.reader.facts(packet)
        if facts.pts != pts:
            facts = PacketFacts(
                pts,
                facts.is_reference,
                facts.is_fresh_start,
                facts.is_entry,
                facts.frames_to_recovery,
                facts.is_bidirectional,
            )
        return TimedPacket(packet, number, pts, duration, facts)

    def seek_time(self, time: int) -> bool:
        """Go to a time of the container; False where it cannot."""
        try:
            self.container.seek(time, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            return False
        return True

    def seek_byte(self, position: int) -> bool:
        """Go to a byte; False where the format cannot."""
        try:
            self.container.seek(position, unsupported_byte_offset=True)
        except (av.error.FFmpegError, TypeError):
            return False
        return True


class ScannedPackets:
    """Packets of a file that was looked through: each is known by its number."""

    def __init__(self, info: VideoInfo, scan: Scan, tick: Tick) -> None:
        self._file = _OpenFile(info, tick)
        self._info, self._scan = info, scan
        self._row = 0  # the next packet
        self._is_fresh = True
        self._shown = scan.line.pts.tolist()
        self._durations = scan.line.durations.tolist()
        self._sizes = scan.sizes.tolist()
        self._positions = scan.positions.tolist()
        self._entry_pts = [self._shown[number] for number in scan.recovered.tolist()]

    @property
    def context(self) -> VideoCodecContext:
        """The decoder."""
        return self._file.stream.codec_context

    def places(self, pts: int) -> Iterator[Entry]:
        """The nearest entry, and earlier ones, ever further apart; then the start."""
        margin = round(NEAR_START_SECONDS / self._info.tick)
        if pts > self._info.start_pts + margin and self._info.codec not in ONE_START_CODECS:
            # Times of entries go forward, but for leading pictures.
            index = bisect.bisect_right(self._entry_pts, pts) - 1
            back = 1
            while index > 0 and self._scan.entries[index] > 0:
                number = int(self._scan.entries[index])
                yield Entry(self._entry_pts[index], self._from(number))
                index, back = index - back, back * 2
        yield Entry(self._info.start_pts, self._from(0), is_start=True)

    def go_on(self, end_pts: int) -> Entry | None:
        """The next entry, where there are packets that were not read."""
        entries = self._scan.entries.tolist()
        index = bisect.bisect_left(entries, self._row)
        if self._row >= len(self._sizes) or index >= len(entries):
            return None
        return Entry(self._entry_pts[index], self._from(entries[index]))

    def next_entry(self, pts: int) -> int | None:
        """By what was scanned."""
        index = bisect.bisect_right(self._entry_pts, pts)
        return self._entry_pts[index] if index < len(self._entry_pts) else None

    def close(self) -> None:
        """Close the file."""
        self._file.container.close()

    def _from(self, number: int) -> Iterator[TimedPacket]:
        # At once, not with the first packet: the file may be opened anew, with another decoder.
        return self._numbered(self._at(number), number)

    def _numbered(self, packets: Iterator[av.Packet], number: int) -> Iterator[TimedPacket]:
        self._row = number
        for packet in packets:
            row = self._row
            if row >= len(self._sizes) or packet.size != self._sizes[row]:
                # The file was written on meanwhile, or reads differently behind damage.
                break
            self._row = row + 1
            yield self._file.timed(packet, row, self._shown[row], self._durations[row])
        else:
            return
        self._row = max(self._row, number + 1)

    def _at(self, number: int) -> Iterator[av.Packet]:
        """Packets from this one on: by a seek where it leads there, else from the start."""
        file = self._file
        if number > 0:
            names = set(self._info.container.split(","))
            seeks = (self._by_byte, self._by_time)
            for seek in seeks if names & BYTE_SEEK_FORMATS else reversed(seeks):
                packets = seek(number)
                if packets is not None:
                    return packets
        file.container.close()
        file.reopen()
        packets = file.packets()
        for row in range(number):
            if row % 256 == 0:
                file.tick()
            next(packets, None)
        return packets

    def _by_byte(self, number: int) -> Iterator[av.Packet] | None:
        # Packets that begin inside a block of the container have no place of their own.
        anchor = number
        while anchor > 0 and self._positions[anchor] < 0:
            anchor -= 1
        position = self._positions[anchor]
        if position < 0 or not self._file.seek_byte(position):
            return None
        return self._walk_to(anchor, number)

    def _by_time(self, number: int) -> Iterator[av.Packet] | None:
        time = int(self._scan.raw_times[number])
        if time < 0 or not self._file.seek_time(time):
            return None
        return self._walk_to(number, number)

    def _walk_to(self, anchor: int, number: int) -> Iterator[av.Packet] | None:
        """Find `anchor` among the packets that come, and go on to `number`."""
        packets = self._file.packets()
        for _ in range(MOST_PACKETS_TO_PLACE):
            self._file.tick()
            packet = next(packets, None)
            if packet is None:
                return None
            if self._is_at(packet, anchor):
                break
            if packet.pos is not None and packet.pos > self._positions[anchor] >= 0:
                return None
        else:
            return None
        for row in range(anchor + 1, number + 1):
            packet = next(packets, None)
            if packet is None or packet.size != self._sizes[row]:
                return None
        return chain([packet], packets)

    def _is_at(self, packet: av.Packet, number: int) -> bool:
        if packet.size != self._sizes[number]:
            return False
        position = self._positions[number]
        if position >= 0 and packet.pos is not None:
            is_shared = number > 0 and self._positions[number - 1] == position
            if packet.pos != position or not is_shared:
                return packet.pos == position
        raw = packet.dts if packet.dts is not None else packet.pts
        return raw is not None and raw == int(self._scan.raw_times[number])


class IndexedPackets:
    """Packets of a file whose index and times are relied on; not its marks of key frames."""

    def __init__(self, info: VideoInfo, tick: Tick) -> None:
        self._file = _OpenFile(info, tick)
        self._info = info
        self._number = 0
        entries = self._file.stream.index_entries
        self._key_times = sorted(one.timestamp for one in entries if one.flags & KEY_ENTRY)

    @property
    def context(self) -> VideoCodecContext:
        """The decoder."""
        return self._file.stream.codec_context

    def places(self, pts: int) -> Iterator[Entry]:
        """The nearest packet that says of itself that decoding may start there; earlier ones."""
        start, tick = self._info.start_pts, self._info.tick
        if pts > start + round(NEAR_START_SECONDS / tick):
            target, num_given = pts, 0
            for _ in range(MOST_PLACES_TRIED):
                first = self._first_at(target)
                if first is None or first.pts is None or first.pts <= start:
                    break
                facts = self._file.reader.facts(first)
                if facts.is_entry and first.pts <= pts:
                    yield Entry(first.pts, self._timed(chain([first], self._file.packets())))
                    if num_given == len(BACK_OFF_SECONDS):
                        break
                    back = round(BACK_OFF_SECONDS[num_given] / tick)
                    target, num_given = first.pts - back, num_given + 1
                else:
                    earlier = min(first.pts, first.dts if first.dts is not None else first.pts) - 1
                    target = min(target - 1, earlier)
                if target <= start:
                    break
        self._file.container.close()
        self._file.reopen()
        self._number = 0
        yield Entry(start, self._timed(self._file.packets()), is_start=True)

    def go_on(self, end_pts: int) -> Entry | None:
        """Look ahead for something readable, where the file should go on."""
        if not ends_early(self._info, end_pts):
            return None
        promised = self._info.start_pts + round(self._info.duration_seconds / self._info.tick)
        ahead = round(FIRST_LEAP_SECONDS / self._info.tick)
        while end_pts + ahead < promised:
            first = self._first_at(end_pts + ahead)
            is_entry = first is not None and self._file.reader.facts(first).is_entry
            if first is not None and is_entry and first.pts is not None and first.pts > end_pts:
                return Entry(first.pts, self._timed(chain([first], self._file.packets())))
            ahead = ahead * LEAP_GROWTH + 1
        return None

    def next_entry(self, pts: int) -> int | None:
        """By the marks of the index."""
        index = bisect.bisect_right(self._key_times, pts)
        return self._key_times[index] if index < len(self._key_times) else None

    def close(self) -> None:
        """Close the file."""
        self._file.container.close()

    def _first_at(self, time: int) -> av.Packet | None:
        self._file.tick()
        if not self._file.seek_time(time):
            return None
        return next(self._file.packets(), None)

    def _timed(self, packets: Iterator[av.Packet]) -> Iterator[TimedPacket]:
        usual, hole = self._info.usual_duration, self._info.hole_ticks
        for packet in packets:
            pts = packet.dts if packet.pts is None else packet.pts
            duration = packet.duration or 0
            if duration < usual // 4 or duration > hole > 0:
                duration = usual  # Matroska files with a made-up duration of one tick
            self._number += 1
            pts = self._info.start_pts if pts is None else pts
            yield self._file.timed(packet, self._number, pts, max(1, duration))
