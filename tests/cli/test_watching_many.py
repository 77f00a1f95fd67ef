"""Several videos at once, as a user types them."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import pytest
import torch

import vidmem
from tests.video.making import Kind, write_video
from vidmem import cli, console
from vidmem.cli.watching_many import stream_names
from vidmem.models.look import Look


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> list[Path]:
    """Two of six seconds and one of eight; two of the same name."""
    kind, made = Kind("pen", gop=50), []
    for num_frames in (150, 150, 200):
        made.append(write_video(tmp_path_factory.mktemp("videos"), kind, num_frames))
    other = made[2].with_name("barn.mp4")
    made[2].rename(other)
    return [*made[:2], other]


@pytest.fixture
def words(tiny_model, tmp_path, videos) -> list[object]:
    folder = tmp_path / "tiny"
    vidmem.save(tiny_model, folder)
    return ["watch", *videos, "--model", folder, "--fps", 4, "--dtype", "float32"]


def num_rows(path: Path) -> int:
    return len(path.read_text().splitlines()) - 1


def test_each_video_gets_a_file_of_its_own(run, words, tmp_path):
    done = run(*words, "--out", tmp_path / "all.csv")
    assert done.code == 0, done.err
    folder = tmp_path / "all"
    assert {path.name: num_rows(path) for path in folder.glob("*.csv")} == {
        "pen.csv": 3,
        "pen-2.csv": 3,
        "barn.csv": 4,
    }
    assert "model: Tiny, for 3 videos at once" in done.out
    assert f"barn: predictions are in {folder / 'barn.csv'}" in done.out
    assert "together: 10 clips in" in done.out


@pytest.mark.parametrize("num_videos", [1, 3])
def test_footage_unlike_the_training_is_told_of_each_stream(run, words, tmp_path, num_videos):
    frames = torch.zeros(4, 64, 64, 3, dtype=torch.uint8)  # black: any picture is unlike that
    Look.fit(frames, limit=1e-6).write(tmp_path / "tiny")
    words[1:4] = words[1 : 1 + num_videos]
    done = run(*words, "--out", tmp_path / "all.csv")
    assert done.code == 0, done.err
    labels = [line for line in done.out.splitlines() if "labels: " in line]
    assert len(labels) == num_videos
    assert all("; but " in line and line.endswith("labels mean nothing") for line in labels)


def test_a_bad_file_is_left_out_and_the_code_says_so(run, words, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video at all")
    done = run(*words, bad, "--out", tmp_path / "all")
    assert done.code == 1
    assert "bad is left out: " in done.err
    assert "1 of 4 videos failed: bad" in done.err
    assert num_rows(tmp_path / "all" / "pen.csv") == 3


@pytest.mark.slow
def test_after_ctrl_c_the_command_that_is_named_goes_on_to_the_same_end(
    run, words, tmp_path, monkeypatch
):
    pressed = []

    def count_and_press(report, *predictions):
        count(report, *predictions)
        pressed.append(len(predictions))
        if len(pressed) == 3:
            signal.raise_signal(signal.SIGINT)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(*words, "--out", whole).code == 0
    count = console.WatchReport.count
    with monkeypatch.context() as patch:
        patch.setattr(console.WatchReport, "count", count_and_press)
        done = run(*words, "--out", parts)
    assert done.code == cli.INTERRUPTED
    again = done.out.strip().splitlines()[-1].split("go on with: vidmem ")[1]
    done = run(*shlex.split(again))
    assert done.code == 0, done.err
    assert "Resumed after" in done.out
    for path in whole.glob("*.csv"):
        ours, theirs = ((folder / path.name).read_text() for folder in (parts, whole))
        assert len(ours.splitlines()) == len(theirs.splitlines())
        assert [line.split(",")[:3] for line in ours.splitlines()] == [
            line.split(",")[:3] for line in theirs.splitlines()
        ]


def test_what_is_for_one_video_is_refused_for_several(run, words):
    for option in (["--whole"], ["--state", "s"]):
        done = run(*words, *option)
        assert done.code == 1
        assert "are for one video" in done.err


def test_files_of_one_name_are_numbered():
    videos = [Path(name) for name in ("x/a.mp4", "y/a.mp4", "a-2.avi", "a.mkv", "b.mp4")]
    assert stream_names(videos) == ["a", "a-2", "a-2-2", "a-3", "b"]
