"""Both readers show the right frame, in order and after any seek."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.conftest import KINDS, NUM_FRAMES
from tests.video.making import Kind, frames_on_display, read_number, read_numbers, write_video
from vidmem.errors import SettingError
from vidmem.video import decord_reader, open_video, probe_video
from vidmem.video import reader as reader_module
from vidmem.video.reader import choose_source
from vidmem.video.sampled_video import SampledVideo

SIZE = (128, 96)


def sampled(path: Path, fps: float, reader: str, start: int = 0, count: int = 10_000):
    video = SampledVideo(probe_video(path), fps=fps, size=SIZE, reader=reader)
    samples = []
    for sample in video.samples(start):
        samples.append(sample)
        if len(samples) == count:
            break
    video.close()
    return video, samples


def wanted(kind: Kind, fps: float) -> list[int]:
    ticks = kind.ticks(NUM_FRAMES)
    usual = Fraction(ticks[-1], NUM_FRAMES - 1) if kind.is_variable else 1
    tick = kind.file_tick
    times = [round(time * kind.base / tick) * tick for time in ticks]
    tolerance = min(tick / 2, Fraction(1, 2000))
    return frames_on_display(times, fps, (ticks[-1] + usual) * kind.base, tolerance)


@pytest.mark.parametrize("fps", [4.0, 29.97, 0.7])
@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_samples_are_the_frames_on_display(numbered, reader: str, fps: float) -> None:
    kind, path = numbered
    _, samples = sampled(path, fps, reader)
    got = read_numbers([sample.pixels for sample in samples])
    expected = wanted(kind, fps)
    if kind.is_variable:  # how long the last frame is shown is not stored everywhere
        got, expected = got[: len(expected) - 2], expected[: len(expected) - 2]
    assert got == expected
    assert [sample.index for sample in samples[:5]] == list(range(5))


@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_starting_anywhere_gives_the_same_frames(numbered, reader: str) -> None:
    kind, path = numbered
    numbers = wanted(kind, 10.0)
    video = SampledVideo(probe_video(path), fps=10.0, size=SIZE, reader=reader)
    places = random.Random(3).sample(range(len(numbers) - 6), 12)
    for start in places:
        samples = [sample for sample, _ in zip(video.samples(start), range(3), strict=False)]
        assert read_numbers([s.pixels for s in samples]) == numbers[start : start + 3]
        assert [sample.index for sample in samples] == [start, start + 1, start + 2]
    video.close()


def test_frames_by_number_in_any_order(numbered) -> None:
    _, path = numbered
    indices = [*random.Random(5).sample(range(NUM_FRAMES), 12), 0, NUM_FRAMES - 1, 7, 7]
    for width, height in (SIZE, (None, None)):
        with open_video(path, width=width, height=height) as video:
            assert video.num_frames == NUM_FRAMES
            frames = video.frames(indices)
            assert read_numbers(frames.pixels) == indices
            assert frames.frame_indices.tolist() == indices
            assert np.allclose(frames.pts_seconds, video.pts_seconds[indices])


def test_iterating_gives_every_frame_once(numbered) -> None:
    _, path = numbered
    with open_video(path) as video:
        frames = list(video)
    assert read_numbers([frame.pixels for frame in frames]) == list(range(NUM_FRAMES))
    assert [frame.frame_index for frame in frames] == list(range(NUM_FRAMES))


def test_relieving_decord_changes_no_frame(numbered, monkeypatch) -> None:
    kind, path = numbered
    if choose(path).name != "decord":
        pytest.skip("not for decord")
    monkeypatch.setattr(decord_reader, "FIRST_BYTES", -(1 << 40))  # after every batch
    monkeypatch.setattr(decord_reader, "MORE_BYTES", -(1 << 40))
    for fps in (25.0, 7.0):
        video = SampledVideo(probe_video(path), fps=fps, size=SIZE, reader="decord")
        numbers = wanted(kind, fps)[:-2]
        got = [sample for sample, _ in zip(video.samples(0), numbers, strict=False)]
        assert read_numbers([sample.pixels for sample in got]) == numbers
        for start in (41, 3, 29):
            assert read_number(next(video.samples(start)).pixels) == numbers[start]
            video.relieve()
        video.close()


def test_decord_that_grows_and_grows_is_given_up(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("growing"), 60)
    monkeypatch.setattr(decord_reader, "FIRST_BYTES", -(1 << 40))
    monkeypatch.setattr(decord_reader, "MOST_BYTES", -(1 << 40))
    video, samples = sampled(path, 25.0, "auto")
    assert read_numbers([sample.pixels for sample in samples]) == list(range(60))
    assert video.reader_name == "pyav"
    assert "decord grew" in video.reader_reason


def choose(path: Path, size=SIZE, reader="auto"):
    choice = choose_source(probe_video(path), size, reader)
    choice.source.close()
    return choice.source


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("open_gop", "before their key frame"),
        ("hevc_ts", "hang on mpegts"),
        ("av1", "does not read av1"),
        ("mpeg4_b_avi", "no times of their own"),
    ],
)
def test_what_decord_gets_wrong_is_left_to_pyav(tmp_path: Path, name: str, reason: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    path = write_video(tmp_path, kind, NUM_FRAMES)
    with open_video(path, width=128, height=96) as video:
        assert video.reader_name == "pyav"
        assert reason in video.reader_reason
    with pytest.raises(SettingError, match=reason):
        open_video(path, width=128, height=96, reader="decord")


def test_an_edit_list_is_obeyed(tmp_path: Path) -> None:
    source = write_video(tmp_path, Kind("whole", gop=50, b_frames=2), 100)
    path = tmp_path / "trimmed.mp4"
    with av.open(str(source)) as given, av.open(str(path), "w") as cut:
        stream = given.streams.video[0]
        copy = cut.add_stream_from_template(stream)
        shift = round(33 / 25 / stream.time_base)  # 33 frames before the first one shown
        for packet in given.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copy
                cut.mux(packet)
    info = probe_video(path)
    assert info.has_edit_list
    for reader in ("auto", "pyav"):
        video, samples = sampled(path, 25.0, reader)
        assert video.reader_name == "pyav"
        assert read_numbers([sample.pixels for sample in samples]) == list(range(33, 100))
        assert samples[0].pts_seconds == 0.0
    with open_video(path) as video:
        assert video.num_frames == info.num_frames == 67
        assert read_numbers(video.frames([0, 66, 20]).pixels) == [33, 99, 53]


def test_without_decord_everything_is_read_by_pyav(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    monkeypatch.setattr(reader_module, "is_decord_installed", lambda: False)
    with open_video(path, width=128, height=96) as video:
        assert video.reader_name == "pyav"
        assert "not installed" in video.reader_reason
        assert read_numbers(video.frames([3]).pixels) == [3]


def test_large_files_are_not_read_whole_before_the_first_frame(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    monkeypatch.setattr(reader_module, "MAX_DECORD_BYTES", 1000)
    with open_video(path, width=128, height=96) as video:
        assert "before its first frame" in video.reader_reason
    with open_video(path, width=128, height=96, reader="decord") as video:
        assert video.reader_name == "decord"


def test_misuse_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    with pytest.raises(SettingError, match='"auto", "decord" or "pyav", got \'cv2\''):
        open_video(path, reader="cv2")
    with pytest.raises(SettingError, match="grow without bound"):
        open_video(path, reader="decord")
    with open_video(path) as video, pytest.raises(IndexError, match=r"\[0, 20\).*got 3 to 20"):
        video.frames([3, 20])
    with open_video(path) as video:
        assert len(video.frames([])) == 0
        assert "pixels=[2, 96, 128, 3]" in repr(video.frames([1, 2]))


@pytest.mark.parametrize(
    ("width", "height"), [(8, 8), (16, 9), (48, 48), (63, 40), (64, 64), (75, 31)]
)
def test_tiny_sizes_come_out_right(tmp_path: Path, width: int, height: int) -> None:
    path = write_video(tmp_path, Kind("plain"), 5)
    with open_video(path, width=width, height=height) as video:
        pixels = video.frames([0, 4]).pixels
    assert pixels.shape == (2, height, width, 3)
    assert read_numbers(pixels) == [0, 4]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_videos_of_very_few_frames(tmp_path: Path, number: int) -> None:
    path = write_video(tmp_path, Kind("short", width=16, height=16), number)
    with open_video(path, width=64, height=64) as video:
        assert video.num_frames == number
        assert len(video.frames(list(range(number)))) == number
    _, samples = sampled(path, 4.0, "auto")
    assert len(samples) == 1
