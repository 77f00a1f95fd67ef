"""Times of frames without decoding: those that the decoder gives, of the whole and of any part."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.video.playing.making import uneven, write_awkward
from vidmem.errors import NotAVideoError, SettingError
from vidmem.video import probe_video, read_frame_times
from vidmem.video.playing import times_task
from vidmem.video.readers.pyav import PyavSource


class Listener:
    """The parent of a task that runs here: what it is sent."""

    def __init__(self):
        self.sent = {}

    def send(self, kind, data=b"", **values):
        self.sent = {"kind": kind, "times": np.frombuffer(data, "<i8"), **values}

    def tick(self):
        pass


def decoded_seconds(path) -> list[float]:
    info = probe_video(path)
    with PyavSource(info) as source:
        frames = list(source.frames_from(info.start_pts))
    return [float((one.pts - info.start_pts) * info.tick) for one in frames]


def read_here(path, start=0.0, end=1e9):
    parent = Listener()
    times_task.run(parent, {"path": str(path), "start": start, "end": end})  # type: ignore[arg-type]
    info = probe_video(path)
    times = [float((int(one) - info.start_pts) * info.tick) for one in parent.sent["times"]]
    return times, parent.sent


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.webm"])
def test_they_are_those_of_the_decoder(tmp_path, name):
    codec = "libvpx" if name.endswith("webm") else "libx264"
    b_frames = 0 if codec == "libvpx" else 2
    path = write_awkward(
        tmp_path / name, uneven(40, 3.0), start=Fraction(7, 2), codec=codec, b_frames=b_frames
    )
    read = read_frame_times(path)
    assert read.is_whole
    assert read.seconds.tolist() == pytest.approx(decoded_seconds(path), abs=1e-9)
    assert read.seconds.tolist() == pytest.approx([float(one) for one in uneven(40, 3.0)], abs=2e-3)
    assert read.container_seconds == pytest.approx(3.5, abs=2e-3)
    assert read.end_seconds > read.seconds[-1]


REAL = [
    *("tricky/exo_sample_av1.mp4", "tricky/exo_bear-vp9.webm", "tricky/exo_testvid_1022ms.mp4"),
    *("human/mmaction2_test.avi", "tricky/exo_sample_h265.ts", "tricky/torchcodec_h265_video.mp4"),
    "tricky/exo_sample_with_increasing_timestamps_360p.mp4",
]


@pytest.mark.parametrize("name", REAL)
def test_of_real_files_they_are_those_of_the_decoder(shared_videos, name):
    path = shared_videos / name
    decoded, times = decoded_seconds(path), read_here(path)[0]
    # Of some files the last frames or the first ones do not decode; all that do have their time.
    assert set(np.round(decoded, 6)) <= set(np.round(times, 6))
    assert len(times) - len(decoded) <= 3


@pytest.mark.parametrize("name", ["part.mp4", "part-b.mp4"])
def test_a_part_of_a_large_file_is_what_the_whole_has_there(tmp_path, monkeypatch, name):
    times = uneven(60, 4.0)
    path = write_awkward(
        tmp_path / name, times, start=Fraction(2), b_frames=3 if "-b" in name else 0
    )
    whole, _ = read_here(path)
    assert len(whole) == 60
    monkeypatch.setattr(times_task, "_is_read_quickly", lambda info: False)
    for start, end in ((0.0, 1.0), (0.5, 0.7), (1.93, 5.0), (3.0, 3.1), (0.0, 1e9), (50.0, 60.0)):
        part, sent = read_here(path, start, end)
        assert not sent["is_whole"]
        first = max(number for number, one in enumerate(whole) if one <= start + 1e-9)
        last = next((number for number, one in enumerate(whole) if one >= end), len(whole) - 1)
        assert part == whole[first : last + 1], (start, end)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(SettingError, match="begin at 0 s or later"):
        read_frame_times(tmp_path / "pen.mp4", 5, 4)
    (tmp_path / "pen.mp4").write_bytes(b"no video")
    with pytest.raises(NotAVideoError):
        read_frame_times(tmp_path / "pen.mp4")
