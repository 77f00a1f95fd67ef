"""Numbered videos of every kind, written once per run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.video.making import Kind, write_video
from tests.video.warm_child import fresh_children

NUM_FRAMES = 300

KINDS = [
    Kind("b_frames_gop_250", b_frames=3, options={"preset": "veryfast"}),
    Kind("b_frames_gop_30", gop=30, b_frames=2, options={"preset": "veryfast"}),
    Kind(
        "open_gop", gop=40, b_frames=3, options={"preset": "veryfast", "x264-params": "open-gop=1"}
    ),
    Kind("no_b_frames", gop=25),
    Kind("variable_rate", gop=50, b_frames=2, is_variable=True),
    Kind("matroska", suffix=".mkv", fps=30, gop=60, b_frames=2),
    Kind(
        "fragmented", b_frames=2, gop=50, container_options={"movflags": "frag_keyframe+empty_moov"}
    ),
    Kind(
        "hevc_ts", codec="libx265", suffix=".ts", gop=50, options={"x265-params": "log-level=none"}
    ),
    Kind("h264_ts", suffix=".ts", gop=50, b_frames=2),
    Kind(
        "vp9",
        codec="libvpx-vp9",
        suffix=".webm",
        gop=50,
        options={"cpu-used": "8", "deadline": "realtime"},
    ),
    Kind(
        "av1",
        codec="libsvtav1",
        gop=50,
        options={"preset": "10", "crf": "8", "svtav1-params": "lp=1:enable-tf=0"},
    ),
    Kind("mpeg4_avi", codec="mpeg4", suffix=".avi", gop=25, options={"qscale": "3"}),
    Kind("mpeg4_b_avi", codec="mpeg4", suffix=".avi", gop=25, b_frames=2),
    Kind("mjpeg_avi", codec="mjpeg", suffix=".avi"),
    Kind("mpeg2_ts", codec="mpeg2video", suffix=".ts", gop=15, b_frames=2),
]


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def numbered(request, video_folder: Path) -> tuple[Kind, Path]:
    """A kind of video and one of it with `NUM_FRAMES` frames."""
    return request.param, write_video(video_folder, request.param, NUM_FRAMES)


@pytest.fixture(scope="package", autouse=True)
def decoders_as_vidmem_starts_them() -> Iterator[None]:
    """Fresh interpreters: what a child imports too late, inside its box, is found here."""
    with fresh_children():
        yield
