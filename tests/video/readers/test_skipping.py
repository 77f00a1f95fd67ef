"""What is left out is never missed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.video.making import Kind, write_video
from vidmem.video import probe_video
from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.packets.bitstream import PacketFacts, PacketReader
from vidmem.video.readers.packet_source import TimedPacket
from vidmem.video.readers.pyav import PyavSource
from vidmem.video.readers.skipping import packets_to_decode, skip_packets
from vidmem.video.sampling import SampleClock


def facts(text: str) -> list[PacketFacts]:
    """Packets such as "I0 P4 b2 b1 b3": I starts afresh, b is no reference, numbers are times."""
    return [PacketFacts(int(w[1:]), w[0] in "IPB", w[0] == "I") for w in text.split()]


def kept(text: str, step: int, ends_before: str | None) -> str:
    clock = SampleClock(Fraction(1, step), Fraction(1), 0)
    group = facts(text)
    keep = packets_to_decode(group, clock, facts(ends_before)[0] if ends_before else None)
    return " ".join(w for w, is_kept in zip(text.split(), keep, strict=True) if is_kept)


def test_frames_that_nothing_needs_are_left_out() -> None:
    # Samples at 0, 4, 8: the references, and nothing else.
    assert kept("I0 P4 b2 b1 b3 P8 b6 b5 b7", 4, "I9") == "I0 P4 P8"
    # Samples at 0, 3, 6: of the others only those on display then.
    assert kept("I0 P4 b2 b1 b3 P8 b6 b5 b7", 3, "I9") == "I0 P4 b3 P8 b6"
    # Samples at every frame: all.
    assert kept("I0 P4 b2 b1 b3", 1, "I5") == "I0 P4 b2 b1 b3"


def test_the_tail_before_a_fresh_start_is_left_out() -> None:
    assert kept("I0 P1 P2 P3 P4 P5", 10, "I6") == "I0"
    assert kept("I6 P7 P8 P9 P10 P11", 10, "I12") == "I6 P7 P8 P9 P10"
    assert kept("I12 P13 P14 P15", 10, "I16") == ""
    # What is predicted across a key frame that is no fresh start stays, and so does the last frame.
    assert kept("I0 P1 P2 P3 P4 P5", 10, "P6") == "I0 P1 P2 P3 P4 P5"
    assert kept("I12 P13 P14 P15", 10, None) == "I12 P13 P14 P15"


def test_a_long_frame_is_kept_for_the_sample_it_covers() -> None:
    # The frame at 3 is on display until 20, so samples 10 needs it.
    assert kept("I0 P2 b1 b3", 10, "I20") == "I0 P2 b3"


def test_without_times_everything_is_decoded() -> None:
    clock = SampleClock(Fraction(1, 100), Fraction(1), 0)
    group = [PacketFacts(0, True, True), PacketFacts(None, False, False)]
    assert packets_to_decode(group, clock, PacketFacts(2, True, True)) == [True, True]


@pytest.mark.parametrize("fps", [0.7, 3.0, 8.0])
def test_skipping_gives_the_same_pixels(numbered, fps: float) -> None:
    _, path = numbered
    info = probe_video(path)
    clock = SampleClock.make(fps, info.tick, info.start_pts)
    read = []
    for skip in (False, True):
        with PyavSource(info, 128, 96, skip=skip) as source:
            read.append(list(source.samples(clock, 2)))
            assert source.take_gaps() == ()
    plain, skipped = read
    assert [s.pts_seconds for s in plain] == [s.pts_seconds for s in skipped]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(plain, skipped, strict=True))


def test_how_much_can_be_left_out(tmp_path) -> None:
    kind = Kind("b_frames", b_frames=3, gop=100, options={"preset": "veryfast"})
    path = write_video(tmp_path, kind, 200)
    info = probe_video(path)
    clock = SampleClock.make(2.0, info.tick, info.start_pts)
    with open_container(path) as container:
        stream = video_stream(container, path)
        reader = PacketReader(stream.codec_context)
        packets = [
            TimedPacket(one, number, one.pts, one.duration, reader.facts(one))
            for number, one in enumerate(packets_of(container, stream))
            if one.size
        ]
        assert 0 < len(list(skip_packets(packets, clock))) < 0.7 * len(packets)
