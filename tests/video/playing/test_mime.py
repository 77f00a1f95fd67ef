"""What a browser is asked: the names of codecs, with profile and level, of every kind of file."""

from __future__ import annotations

import pytest

from tests.video.making import Kind, write_video
from vidmem.video import probe_video

# By the headers of the files, as `ffprobe -show_streams` and MP4Box tell them.
REAL = {
    "animals/tracktor_mouse_first_half.mp4": 'video/mp4; codecs="avc1.',
    "animals/zamba_chimpandsee_EK000018.AVI": "",
    "human/decord_flipping_a_pancake.mkv": 'video/x-matroska; codecs="avc1.',
    "human/mmaction2_test.avi": "",
    "livestock/cows_freestall_night.gif": "",
    "tricky/exo_bear-vp9.webm": 'video/webm; codecs="vp09.00.',
    "tricky/exo_sample_av1.mp4": 'video/mp4; codecs="av01.0.',
    "tricky/torchcodec_av1_video.mkv": 'video/webm; codecs="av01.0.',
    "tricky/exo_sample_h265.ts": "",
    "tricky/torchcodec_h265_video.mp4": 'video/mp4; codecs="hvc1.1.6.L',
    "tricky/torchcodec_h264_10bits.mp4": 'video/mp4; codecs="avc1.6e',
    "tricky/torchcodec_nasa_13013.mp4": "",  # the second of its tracks is the best, and is read
    "tricky/decord_video_90.mov": 'video/mp4; codecs="avc1.',
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_named_by_their_headers(shared_videos, name):
    mime = probe_video(shared_videos / name).mime
    assert mime.startswith(REAL[name])
    assert bool(mime) == bool(REAL[name])


@pytest.mark.parametrize(
    ("kind", "mime"),
    [
        # Baseline is 66 (0x42) with both constraints that browsers ask for; High is 100 (0x64).
        (Kind("b", options={"profile": "baseline"}), 'video/mp4; codecs="avc1.42c0'),
        (Kind("h", options={"profile": "high", "preset": "fast"}), 'video/mp4; codecs="avc1.6400'),
        (Kind("m", suffix=".mkv"), 'video/x-matroska; codecs="avc1.'),
        (Kind("v", codec="libvpx", suffix=".webm"), 'video/webm; codecs="vp8"'),
        (Kind("n", codec="libvpx-vp9", suffix=".webm"), 'video/webm; codecs="vp09.00.10.08"'),
        (Kind("t", suffix=".ts"), ""),
        (Kind("a", codec="mpeg4", suffix=".avi"), ""),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_drawn_files_are_named_by_their_headers(tmp_path, kind, mime):
    options = kind.options if kind.codec == "libx264" else {"deadline": "realtime", "cpu-used": "8"}
    kind = Kind(kind.name, codec=kind.codec, suffix=kind.suffix, options=options)
    found = probe_video(write_video(tmp_path, kind, 30)).mime
    assert found.startswith(mime)
    assert bool(found) == bool(mime)


def test_sound_is_named_too(tmp_path):
    info = probe_video(write_video(tmp_path, Kind("s"), 10, with_sound=True))
    assert info.mime.endswith(', mp4a.40.2"')
    assert info.has_sound
