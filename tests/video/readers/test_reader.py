"""Both readers show the right frame, in order and after any seek."""

from __future__ import annotations

import random
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.conftest import KINDS, NUM_FRAMES
from tests.video.making import (
    Kind,
    draw_number,
    frames_on_display,
    read_number,
    read_numbers,
    write_video,
)
from vidmem.errors import SettingError
from vidmem.video import open_video, probe_video
from vidmem.video.readers import decord as decord_reader
from vidmem.video.readers import reader as reader_module
from vidmem.video.readers import single_stream
from vidmem.video.readers.sampled_video import SampledVideo

SIZE = (128, 96)


FOR_DECORD = {
    *("b_frames_gop_250", "b_frames_gop_30", "no_b_frames", "variable_rate", "fragmented"),
    *("matroska", "vp9", "mpeg4_avi", "mjpeg_avi"),
}


def check_that_it_reads(reader: str, path: Path) -> None:
    if reader == "decord" and path.stem not in FOR_DECORD:
        pytest.skip("not for decord, which says so: see below")


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


READERS = ["pyav", "decord"]


@pytest.mark.parametrize("fps", [4.0, 29.97, 0.7])
@pytest.mark.parametrize("reader", READERS)
def test_samples_are_the_frames_on_display(numbered, reader: str, fps: float) -> None:
    kind, path = numbered
    check_that_it_reads(reader, path)
    _, samples = sampled(path, fps, reader)
    got = read_numbers([sample.pixels for sample in samples])
    expected = wanted(kind, fps)
    if kind.is_variable:  # how long the last frame is shown is not stored everywhere
        got, expected = got[: len(expected) - 2], expected[: len(expected) - 2]
    assert got == expected
    assert [sample.index for sample in samples[:5]] == list(range(5))


@pytest.mark.parametrize("reader", READERS)
def test_starting_anywhere_gives_the_same_frames(numbered, reader: str) -> None:
    kind, path = numbered
    check_that_it_reads(reader, path)
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
    ways = [("auto", SIZE), ("auto", (None, None))]
    ways += [("decord", SIZE)] if path.stem in FOR_DECORD else []
    for reader, (width, height) in ways:
        with open_video(path, width=width, height=height, reader=reader) as video:
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
    check_that_it_reads("decord", path)
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
    video, samples = sampled(path, 25.0, "decord")
    assert read_numbers([sample.pixels for sample in samples]) == list(range(60))
    assert video.reader_name == "pyav"
    assert "decord grew" in video.reader_reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("open_gop", "not all of its key frames"),
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
    video, samples = sampled(path, 25.0, "auto")
    assert video.reader_name == "pyav"
    assert read_numbers([sample.pixels for sample in samples]) == list(range(33, 100))
    assert samples[0].pts_seconds == 0.0
    with pytest.raises(SettingError, match="edit list"):
        sampled(path, 25.0, "decord")
    with open_video(path) as video:
        assert video.num_frames == info.num_frames == 67
        assert read_numbers(video.frames([0, 66, 20]).pixels) == [33, 99, 53]


def test_what_decord_gets_right_is_read_by_pyav_too_unless_it_is_asked_for(numbered) -> None:
    _, path = numbered
    with open_video(path, width=128, height=96) as video:
        assert video.reader_name == "pyav"
        assert video.reader_reason == "PyAV reads every file"
    if path.stem in FOR_DECORD:
        with open_video(path, width=128, height=96, reader="decord") as video:
            assert video.reader_name == "decord"
    else:
        with pytest.raises(SettingError, match="cannot be read with decord"):
            open_video(path, width=128, height=96, reader="decord")


def test_without_decord_everything_is_read_by_pyav(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    monkeypatch.setattr(reader_module, "is_decord_installed", lambda: False)
    with open_video(path, width=128, height=96) as video:
        assert read_numbers(video.frames([3]).pixels) == [3]
    with pytest.raises(SettingError, match="not installed"):
        open_video(path, width=128, height=96, reader="decord")


def test_large_files_are_not_read_whole_before_the_first_frame(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    monkeypatch.setattr(reader_module, "MAX_COPY_BYTES", 1000)
    with pytest.raises(SettingError, match="before its first frame"):
        open_video(path, width=128, height=96, reader="decord")


def two_tracks(folder: Path) -> tuple[Path, int]:
    """A file whose first track has the numbers from 0 on, and its larger second one from 100 on."""
    path, number = folder / "two.mp4", 30
    with av.open(str(path), "w") as file:
        tracks = []
        for width, height in ((128, 96), (320, 240)):
            track = file.add_stream("libx264", 25, options={"qp": "12"})
            track.width, track.height, track.pix_fmt = width, height, "yuv420p"
            tracks.append(track)
        for index in range(number):
            for first, track in zip((0, 100), tracks, strict=True):
                picture = draw_number(first + index, track.width, track.height)
                file.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for track in tracks:
            file.mux(track.encode(None))
    return path, number


def test_both_readers_read_the_track_that_is_shown(tmp_path: Path) -> None:
    path, number = two_tracks(tmp_path)
    shown = probe_video(path)
    first = 0 if shown.width == 128 else 100
    for reader in READERS:
        with open_video(path, width=128, height=96, reader=reader) as video:
            got = read_numbers(video.frames(list(range(number))).pixels)
            assert got == list(range(first, first + number))


def test_decord_sees_a_copy_of_one_stream_in_a_private_folder(tmp_path: Path, monkeypatch) -> None:
    path, _ = two_tracks(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened = []
    really_open = decord_reader._open

    def open_copy(copy: str, width: int, height: int):
        with av.open(copy) as given:
            opened.append([(one.type, one.width) for one in given.streams])
        assert Path(copy).parent.stat().st_mode & 0o777 == 0o700
        return really_open(copy, width, height)

    monkeypatch.setattr(decord_reader, "_open", open_copy)
    with open_video(path, width=128, height=96, reader="decord") as video:
        video.frames([3])
    assert opened == [[("video", probe_video(path).width)]]
    assert list(tmp_path.glob("vidmem-stream-*")) == []


def test_a_stream_that_is_too_large_to_copy_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = write_video(tmp_path, Kind("plain"), 20)
    monkeypatch.setattr(single_stream, "MAX_COPY_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SettingError, match=r"larger than 1\.0 kB"):
        open_video(path, width=128, height=96, reader="decord")
    assert list(tmp_path.glob("vidmem-stream-*")) == []


def test_what_is_called_a_key_frame_and_is_none_is_no_file_for_decord(tmp_path: Path) -> None:
    kind = Kind("refresh", gop=25, options={"x264-params": "intra-refresh=1"})
    path = write_video(tmp_path, kind, 60)
    with pytest.raises(SettingError, match="not all of its key frames"):
        open_video(path, width=128, height=96, reader="decord")


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
    for reader in ("pyav", "decord") if width >= decord_reader.MIN_WIDTH else ("pyav",):
        with open_video(path, width=width, height=height, reader=reader) as video:
            pixels = video.frames([0, 4]).pixels
        assert pixels.shape == (2, height, width, 3)
        assert read_numbers(pixels) == [0, 4]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_videos_of_very_few_frames(tmp_path: Path, number: int) -> None:
    path = write_video(tmp_path, Kind("short", width=16, height=16), number)
    for reader in READERS:
        with open_video(path, width=64, height=64, reader=reader) as video:
            assert video.num_frames == number
            assert len(video.frames(list(range(number)))) == number
        _, samples = sampled(path, 4.0, reader)
        assert len(samples) == 1
