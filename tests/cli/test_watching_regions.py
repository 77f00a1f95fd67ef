"""Regions of one video, as a user types them, and memory over time of several streams."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import vidmem
from tests.video.making import Kind, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Of six seconds."""
    return write_video(tmp_path_factory.mktemp("videos"), Kind("pens", gop=50), 150)


@pytest.fixture
def words(tiny_model, tmp_path, video) -> list[object]:
    folder = tmp_path / "tiny"
    vidmem.save(tiny_model, folder)
    kept = ["--out", tmp_path / "all.csv"]
    return ["watch", video, "--model", folder, "--fps", 4, "--dtype", "float32", *kept]


def num_rows(folder: Path) -> dict[str, int]:
    return {path.stem: len(path.read_text().splitlines()) - 1 for path in folder.glob("*.csv")}


def test_each_region_gets_a_file_of_its_own(run, words, tmp_path):
    left, right = "left=0,0,0.5,1", "Süd 2=0.5,0,0.5,1"
    done = run(*words, "--region", left, "--region", right)
    assert done.code == 0, done.err
    assert num_rows(tmp_path / "all") == {"left": 3, "Süd 2": 3}
    assert "model: Tiny, for 2 regions of pens.mp4 at once" in done.out
    assert "left: 6 s, 64 x 96" in done.out
    assert "decoders started for 2 regions of pens.mp4: 1" in done.out
    again = run(*words, "--region", left, "--region", right, "--resume")
    assert again.code == 0, again.err
    assert "Nothing left to do" in again.out
    other = run(*words, "--region", "left=0,0,0.4,1", "--resume")
    assert other.code == 1
    assert "the part of the picture was 0,0,0.5,1, now 0,0,0.4,1" in other.err


def test_tiles_and_a_file_of_regions_go_together(run, words, tmp_path):
    boxes = tmp_path / "boxes.json"
    one = {"name": "middle", "left": 0.25, "top": 0.25, "width": 0.5, "height": 0.5}
    boxes.write_text(json.dumps([one]))
    done = run(*words, "--tiles", "2x1", "--regions", boxes)
    assert done.code == 0, done.err
    assert num_rows(tmp_path / "all") == {"row1-column1": 3, "row1-column2": 3, "middle": 3}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--region", "left"], "a region is written as name=left,top,width,height"),
        (["--region", "a=0,0,1,2"], "must lie in the picture"),
        (["--region", "a=0,0,1,1", "--region", "a=0,0,1,1"], "two regions 'a'"),
        (["--region", "a=0,0,0.01,1"], "at least 8 x 8 pixels"),
        (["--tiles", "four"], "columns x rows, such as 2x2, got 'four'"),
        (["--tiles", "0x2"], "tiles must be 1 to 64"),
        (["--regions", "nowhere.json"], "nowhere.json cannot be read"),
        (["--tiles", "2x2", "--whole"], "--whole and --state are for one video"),
        (["--tiles", "2x2", "--state", "s"], "--whole and --state are for one video"),
        (["other.mp4", "--tiles", "2x2"], "for one video, got 2"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(run, words, tmp_path, options, said):
    done = run(*words, *options)
    assert done.code == 1
    assert said in done.err
    assert not list(tmp_path.rglob("*.csv"))


def test_regions_of_a_live_source_are_refused(run, words):
    words[1] = "rtsp://127.0.0.1:9/pens"
    done = run(*words, "--tiles", "2x2")
    assert done.code == 1
    assert "is live, and this is for files: regions" in done.err


def test_a_file_without_regions_is_refused(run, words, tmp_path):
    (tmp_path / "none.json").write_text("[]")
    done = run(*words, "--regions", tmp_path / "none.json")
    assert done.code == 1
    assert "regions must be 1 to 64, got 0" in done.err


def test_memory_of_all_streams_is_one_log(run, words, video, tmp_path):
    log = tmp_path / "memory.csv"
    for options in (["--tiles", "2x1"], [video]):
        done = run(*words, *options, "--memory-log", log)
        assert done.code == 0, done.err
        rows = list(csv.DictReader(log.read_text().splitlines()))
        names = [name for name in rows[0] if name.startswith("state_bytes of ")]
        assert len(names) == 2
        last = [row for row in rows if row["num_clips"] and row["state_bytes"]][-1]
        assert int(last["num_clips"]) == 6
        assert sum(int(last[name]) for name in names) == int(last["state_bytes"])
        assert done.out.index("together: ") < done.out.index("memory: process ")
        assert f"memory over time is in {log}" in done.out
