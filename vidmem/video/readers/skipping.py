"""Which packets need not be decoded, because no sampled frame needs them.

At 4 frames per second from a file of 30, most frames are never looked at. A frame can be left out
when no other frame is predicted from it (a non-reference frame: the header of its packet says so),
and the last frames before a fresh start (an IDR frame) even when some of them are predicted from
others. The pixels are those of decoding everything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress

from vidmem.video.packets.bitstream import PacketFacts
from vidmem.video.readers.packet_source import TimedPacket
from vidmem.video.sampling import SampleClock

MAX_GROUP_PACKETS = 600
MAX_GROUP_BYTES = 24 << 20
"""Packets are held back up to the next fresh start, but not more than these."""


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


def skip_packets(packets: Iterable[TimedPacket], clock: SampleClock) -> Iterator[TimedPacket]:
    """Pass on the packets that sampled frames need."""
    for group, ends_before in _groups(packets):
        keep = packets_to_decode([one.facts for one in group], clock, ends_before)
        yield from compress(group, keep)


def _is_on_display(pts: int, times: list[int], clock: SampleClock) -> bool:
    """Whether a frame is on display at a sampled time; True where what follows is not known."""
    following = bisect_right(times, pts)
    if following == len(times):
        return True
    return clock.latest_pts(clock.first_sample(pts)) < times[following]


def _groups(
    packets: Iterable[TimedPacket],
) -> Iterator[tuple[list[TimedPacket], PacketFacts | None]]:
    """Packets from one fresh start to the next, in pieces of bounded size."""
    group: list[TimedPacket] = []
    num_bytes = 0
    for packet in packets:
        is_full = len(group) >= MAX_GROUP_PACKETS or num_bytes >= MAX_GROUP_BYTES
        if group and (packet.facts.is_fresh_start or is_full):
            yield group, packet.facts
            group, num_bytes = [], 0
        group.append(packet)
        num_bytes += packet.packet.size
    if group:
        yield group, None
