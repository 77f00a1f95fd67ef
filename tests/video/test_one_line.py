"""One time line for every kind of file: what is read in order, sought and resumed is the same.

Every picture shows its own number, so that a wrong one is caught, and not only a wrong time.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.video.making import Kind, read_number, read_numbers, write_video
from vidmem.video import open_video, probe_video
from vidmem.video.readers.sampled_video import SampledVideo

NUM_FRAMES, FPS = 70, 10
SIZE = (64, 48)

PLAIN = Kind("", fps=FPS, gop=12, width=64, height=48)
X265 = {"x265-params": "log-level=none:keyint=12:bframes=2"}
MPEG = {"qscale": "2"}
MPEG2_FPS = 25  # MPEG-2 knows few rates

PAIRS = [
    replace(PLAIN, name="h264", suffix=".mp4"),
    replace(PLAIN, name="h264_b", suffix=".mov", b_frames=2),
    replace(
        PLAIN,
        name="h264_b_fragmented",
        suffix=".mp4",
        b_frames=2,
        container_options={"movflags": "frag_keyframe+empty_moov"},
    ),
    replace(PLAIN, name="hevc_b", suffix=".mp4", codec="libx265", options=X265),
    replace(PLAIN, name="mpeg4_b", suffix=".mp4", codec="mpeg4", b_frames=2, options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".mkv", b_frames=2),
    replace(
        PLAIN, name="h264_open", suffix=".mkv", b_frames=2, options={"x264-params": "open-gop=1"}
    ),
    replace(PLAIN, name="ffv1", suffix=".mkv", codec="ffv1"),
    replace(PLAIN, name="mpeg2_b", suffix=".mkv", codec="mpeg2video", b_frames=2, options=MPEG),
    replace(PLAIN, name="theora", suffix=".ogv", codec="libtheora", options=MPEG),
    replace(PLAIN, name="vp8", suffix=".webm", codec="libvpx", options={"deadline": "realtime"}),
    replace(
        PLAIN,
        name="vp9_live",
        suffix=".webm",
        codec="libvpx-vp9",
        options={"cpu-used": "8", "deadline": "realtime"},
        container_options={"live": "1"},
    ),
    replace(
        PLAIN,
        name="av1",
        suffix=".mkv",
        codec="libsvtav1",
        options={"preset": "12", "svtav1-params": "lp=1"},
    ),
    replace(PLAIN, name="h264_b", suffix=".avi", b_frames=2),
    replace(PLAIN, name="mpeg4_b", suffix=".avi", codec="mpeg4", b_frames=2, options=MPEG),
    replace(PLAIN, name="mjpeg", suffix=".avi", codec="mjpeg", options=MPEG),
    replace(PLAIN, name="ffv1", suffix=".avi", codec="ffv1"),
    replace(PLAIN, name="h264_b", suffix=".ts", b_frames=2),
    replace(PLAIN, name="h264_refresh", suffix=".ts", options={"x264-params": "intra-refresh=1"}),
    replace(PLAIN, name="hevc_b", suffix=".ts", codec="libx265", options=X265),
    replace(PLAIN, name="mpeg2_b", suffix=".ts", codec="mpeg2video", b_frames=2, options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".mpg", b_frames=2),
    replace(PLAIN, name="mpeg2_b", suffix=".mpg", codec="mpeg2video", b_frames=2, options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".flv", b_frames=2),
    replace(PLAIN, name="flv1", suffix=".flv", codec="flv", options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".asf", b_frames=2),
    replace(PLAIN, name="wmv2", suffix=".wmv", codec="wmv2", options=MPEG),
    replace(PLAIN, name="mpeg2_b", suffix=".mxf", codec="mpeg2video", b_frames=2, options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".h264", b_frames=2),
    replace(PLAIN, name="hevc_b", suffix=".hevc", codec="libx265", options=X265),
    replace(PLAIN, name="mpeg4_b", suffix=".m4v", codec="mpeg4", b_frames=2, options=MPEG),
    replace(PLAIN, name="h264_b", suffix=".nut", b_frames=2),
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("pairs")


def written(folder: Path, kind: Kind) -> tuple[Kind, Path]:
    if kind.codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {kind.codec}")
    if kind.codec == "mpeg2video":
        kind = replace(kind, fps=MPEG2_FPS, gop=18)
    if kind.suffix == ".h264" or kind.suffix == ".hevc":  # they store no rate: 25 a second
        kind = replace(kind, fps=25, gop=18)
    return kind, write_video(folder, kind, NUM_FRAMES if kind.fps == FPS else 2 * NUM_FRAMES)


@pytest.mark.parametrize("kind", PAIRS, ids=lambda kind: f"{kind.name}{kind.suffix}")
def test_in_order_sought_and_by_number_are_the_same_pictures(folder: Path, kind: Kind) -> None:
    kind, path = written(folder, kind)
    num_frames = NUM_FRAMES if kind.fps == FPS else 2 * NUM_FRAMES
    rate = kind.fps / 2
    info = probe_video(path)
    assert info.duration_seconds == pytest.approx(num_frames / kind.fps, abs=0.06)
    video = SampledVideo(info, fps=rate, size=SIZE, reader="pyav")
    samples = list(video.samples(0))
    assert read_numbers([one.pixels for one in samples]) == list(range(0, num_frames, 2))
    assert [one.index for one in samples] == list(range(len(samples)))
    for start in random.Random(7).sample(range(len(samples) - 2), 6):
        sought = [one for one, _ in zip(video.samples(start), range(3), strict=False)]
        assert [one.index for one in sought] == [start, start + 1, start + 2]
        assert read_numbers([one.pixels for one in sought]) == [2 * one.index for one in sought]
        wanted = [one.pts_seconds for one in samples[start : start + 3]]
        assert [one.pts_seconds for one in sought] == wanted
    assert video.take_gaps() == ()
    video.close()
    indices = [num_frames - 1, 0, *random.Random(8).sample(range(num_frames), 5)]
    with open_video(path, width=64, height=48, reader="pyav") as opened:
        assert opened.num_frames == num_frames
        assert read_numbers(opened.frames(indices).pixels) == indices
        assert read_number(next(iter(opened)).pixels) == 0
