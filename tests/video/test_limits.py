"""What a video may cost before anything of it is shown: pixels of a frame, memory, processes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO

import av
import pytest
from PIL import Image

from vidmem.errors import DecoderError, UnreadableVideoError
from vidmem.video import open_video, probe_safely, probe_video
from vidmem.video.child import together
from vidmem.video.container import MAX_PIXELS


def write_gif(path, width: int, height: int, num_frames: int = 10):
    """Frames of one pixel on a canvas of any size: a few hundred bytes."""
    frame = b"\x21\xf9\x04\x04\x0a\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
    frame += b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF0, 0, 0) + b"\0\0\0\xff\xff\xff"
    path.write_bytes(head + frame * num_frames + b"\x3b")
    return path


def test_a_tiny_file_with_a_huge_canvas_is_refused_before_it_is_decoded(tmp_path):
    huge = write_gif(tmp_path / "canvas.gif", 16_000, 16_000)
    assert huge.stat().st_size < 1200
    for probe in (probe_video, probe_safely, open_video):
        with pytest.raises(UnreadableVideoError, match=r"16,000 x 16,000 pixels, and at most 64"):
            probe(huge)
    side = int(MAX_PIXELS**0.5)
    with pytest.raises(UnreadableVideoError):
        probe_video(write_gif(tmp_path / "wide.gif", 65_535, 1000))
    assert side * side <= MAX_PIXELS
    assert probe_video(write_gif(tmp_path / "small.gif", 320, 240)).width == 320


def test_frames_that_grow_huge_on_the_way_are_not_decoded(tmp_path):
    path = tmp_path / "grows.mkv"
    small, huge = (jpeg(*size) for size in ((64, 48), (9000, 9000)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(8):
            packet = av.Packet(small if number < 5 else huge)
            packet.stream, packet.time_base = stream, Fraction(1, 5)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    with open_video(path) as video:
        assert [frame.pixels.shape[:2] for frame in video] == [(48, 64)] * 5


def jpeg(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.new("L", (width, height)).save(file, "JPEG", quality=1)
    return file.getvalue()


@dataclass
class Child:
    last_rss_bytes: int


def test_of_decoders_that_are_too_large_together_the_largest_one_ends(monkeypatch):
    monkeypatch.setattr(together, "max_total_bytes", lambda: 1000)
    small, large = Child(300), Child(600)
    assert together.why_to_end(large, [small, large]) == ""
    small.last_rss_bytes = 500
    assert "all decoders together" in together.why_to_end(large, [small, large])
    assert together.why_to_end(small, [small, large]) == ""
    assert 0 < together.max_total_bytes.__call__() < 10**15


def test_a_server_starts_no_more_decoders_than_it_may(tmp_path):
    path = write_gif(tmp_path / "small.gif", 320, 240)
    together.limit_children(0)
    try:
        with pytest.raises(DecoderError, match="as many as may be at once"):
            probe_safely(path)
    finally:
        together.limit_children(None)
    assert probe_safely(path).height == 240
