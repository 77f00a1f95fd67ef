"""`vidmem watch --memory-log`: the footprint of a run, in a file and in two sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vidmem
from vidmem.cli.memory_report import footprint_text
from vidmem.profiling import FootprintSample, FootprintTimeline

SAMPLE = Path(__file__).parents[2] / "assets/barn-sample.mp4"
MIB = 2**20


@pytest.fixture
def words(tiny_model, tmp_path):
    vidmem.save(tiny_model, tmp_path / "tiny")
    return ["watch", SAMPLE, "--model", tmp_path / "tiny", "--out", tmp_path / "out.csv"]


def test_a_log_is_written_and_summed_up(run, words, tmp_path):
    log = tmp_path / "memory.jsonl"
    done = run(*words, "--start", 50, "--memory-log", log)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert next(row["event"] for row in rows if "event" in row) == "model"
    assert rows[-1]["num_clips"] == len((tmp_path / "out.csv").read_text().splitlines()) - 1
    assert rows[-1]["decoder_bytes"] > 0
    assert "memory: process " in done.out
    assert "too short to tell a slope" in done.out
    assert done.out.split()[-1] == str(log)


def test_another_kind_of_file_is_refused(run, words, tmp_path):
    done = run(*words, "--memory-log", tmp_path / "memory.txt")
    assert done.code == 1
    assert "JSON lines (.jsonl) or CSV (.csv), got memory.txt" in done.err
    assert done.out == ""
    assert not (tmp_path / "out.csv").exists()  # refused before anything is begun


def test_a_video_that_cannot_be_read_leaves_nothing_to_sum_up(run, words, tmp_path):
    words[1] = tmp_path / "nowhere.mp4"
    done = run(*words, "--memory-log", tmp_path / "memory.csv")
    assert done.code == 1
    assert done.out == ""


def test_one_pass_has_no_memory_over_time(run, words, tmp_path):
    done = run(*words, "--whole", "--memory-log", tmp_path / "memory.csv")
    assert done.code == 1
    assert "leave out --resume, --start, --memory-log" in done.err


def test_an_hour_is_summed_up_with_its_slope():
    timeline = FootprintTimeline()
    for second in range(0, 3800, 5):
        sizes = {"process_bytes": 800 * MIB + 50 * second, "state_bytes": 900_000}
        timeline.add(
            second, FootprintSample(**sizes, weights_bytes=7 * MIB, video_seconds=2.0 * second)
        )
    assert footprint_text(timeline.record()) == [
        "memory: process 800.2 MiB, weights 7.0 MiB, state 878.9 KiB",
        "memory of the process, flat: 0.2 MiB per hour over 33 min 10 s "
        "(800.1 MiB to 800.2 MiB); per hour of video 0.09 MiB",
    ]
