"""What a file is."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from tests.video.conftest import NUM_FRAMES
from tests.video.making import Kind, write_video
from vidmem.video import VideoInfo, probe_safely, probe_video


def test_every_kind_is_described(numbered) -> None:
    kind, path = numbered
    info = probe_video(path)
    assert (info.width, info.height) == (kind.width, kind.height)
    assert info.size_bytes == path.stat().st_size
    assert info.rotation_degrees == 0
    assert not info.has_edit_list
    assert info.is_variable_rate == kind.is_variable
    assert not info.is_truncated
    if not kind.is_variable:
        assert info.fps == pytest.approx(kind.fps, abs=0.05)
        assert info.duration_seconds == pytest.approx(NUM_FRAMES / kind.fps, abs=0.1)
        assert abs(info.num_frames - NUM_FRAMES) <= 3
    if info.num_frames_is_exact:
        assert info.num_frames == NUM_FRAMES


def test_it_crosses_the_process_border_unchanged(tmp_path: Path) -> None:
    path = write_video(tmp_path, Kind("plain"), 10)
    info = probe_video(path)
    assert VideoInfo.from_json(json.loads(json.dumps(info.to_json()))) == info
    assert probe_safely(path) == info


def test_sound_that_lasts_longer_is_no_missing_picture(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        kind = Kind("sound", suffix=suffix, gop=10)
        path = write_video(tmp_path, kind, 50, with_sound=True)
        info = probe_video(path)
        assert info.has_own_duration
        assert info.duration_seconds == pytest.approx(2.0, abs=0.05)


def test_pixels_that_are_not_square(shared_videos: Path) -> None:
    info = probe_video(shared_videos / "human/mmaction2_demo.mp4")
    assert (info.width, info.height) == (340, 256)
    assert (info.display_width, info.display_height) == (427, 256)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-05-03T02:14:36.000000Z", "2026-05-03T02:14:36+00:00"),
        ("1904-01-01T00:00:00.000000Z", ""),  # a clock that was never set
        ("", ""),
    ],
)
def test_when_it_was_recorded_is_read_from_what_the_file_says(tmp_path: Path, said, read) -> None:
    plain = write_video(tmp_path, Kind("plain"), 5)
    out = tmp_path / "said.mp4"
    with av.open(str(plain)) as source, av.open(str(out), "w") as container:
        if said:
            container.metadata["creation_time"] = said
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    assert probe_video(out).recorded_at == read
    assert not probe_video(out).has_sound
