"""`vidmem plan`."""

from __future__ import annotations

import json

import pytest
import torch

from tests.video.making import Kind, write_video
from vidmem.cli import planning


def test_a_plan_is_readable_and_ends_with_what_binds_first(run):
    done = run("plan", "fam-swin-t", "--device", "cpu", "--memory-gb", 80, "--l-mem", 10)
    assert done.code == 0, done.err
    assert "remembered                     10 clips: 21 s" in done.out
    assert "streams computed in time       not known: --measure, or --clips-per-second" in done.out
    assert "streams fit into memory" in done.out.splitlines()[-1]


def test_a_plan_is_numbers_for_a_program(run):
    rates = ("--clips-per-second", 100, "--decode-speed", 30, "--dtype", "bfloat16")
    words = ("--device", "cuda", "--memory-gb", 96, "--frame-size", "224x224", "--fps", 4)
    done = run("plan", "fam-swin-t", *words, *rates, "--study", "--json")
    assert done.code == 0, done.err
    numbers = json.loads(done.out)
    assert numbers["size"]["dtype"] == "bfloat16"
    assert numbers["state_bytes"] <= 16_000_000
    assert (numbers["streams"], numbers["binds"]) == (30, "decoding")
    assert numbers["streams_computed"] == 800
    assert numbers["seconds_remembered"] == 200
    assert [row["l_mem"] for row in numbers["study"]["rows"]] == [10, 20, 25, 30]


def test_the_studys_table_stands_beside_ours(run):
    done = run("plan", "fam-swin-t", "--device", "cuda", "--memory-gb", 96, "--study")
    assert done.code == 0, done.err
    assert "| the study | not at hand" in done.out
    assert "| 2500 to 3500 | not at hand | 32 to 40 |" in done.out


@pytest.mark.parametrize("model", ["spool-nano", "spool-s"])
def test_spool_is_planned_without_its_weights(run, model):
    done = run("plan", model, "--device", "cpu", "--memory-gb", 8)
    assert done.code == 0, done.err
    assert "encoder" in done.out
    assert "Not counted" not in done.out


def test_rates_are_measured_on_this_machine(run, tmp_path, monkeypatch):
    short_video = write_video(tmp_path, Kind("numbers"), num_frames=250)
    monkeypatch.setattr(planning, "DECODE_SECONDS", 0.2)
    words = ("--measure", "--batch", 1, "--dtype", "float32", "--video", short_video, "--json")
    done = run("plan", "fam-swin-nano", "--device", "cpu", *words, "--clip-frames", 4)
    assert done.code == 0, done.err
    numbers = json.loads(done.out)
    assert numbers["clips_per_second"] > 0
    assert numbers["decode_speed"] > 0


def test_impossible_wishes_are_refused_in_words(run, monkeypatch):
    def refusal(*words):
        done = run("plan", *words)
        assert done.code == 1
        return done.err

    assert "height x width" in refusal("--frame-size", "big")
    assert "dtype must be" in refusal("--dtype", "int8")
    assert "devices auto, cpu and cuda" in refusal("--device", "cpu:x")
    assert "leave out one" in refusal("--measure", "--clips-per-second", 3)
    assert "leave out one" in refusal("--video", "a.mp4", "--decode-speed", 3)
    assert "there is no model" in refusal("no-such-model")
    assert "multiple of 2" in refusal("fam-swin-t", "--clip-frames", 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device here" in refusal("--device", "cuda")
