"""`vidmem bench ...`: what is measured, not how much it is."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace

import pytest

import vidmem
from tests.conftest import make_tiny_model
from vidmem.bench import inspection_costs
from vidmem.bench import pool as bench_pool
from vidmem.bench.inspection import Overhead
from vidmem.bench.teach import bench as teach_bench
from vidmem.teaching import TeachConfig


def test_spool_is_measured_in_two_dtypes(run):
    done = run("bench", "spool", "--dtype", "int8")
    assert (done.code, "float32 or bfloat16" in done.err) == (1, True)


@pytest.mark.slow
def test_inspection_has_a_row_per_model_and_way_to_watch_it(run, monkeypatch):
    monkeypatch.setattr(inspection_costs, "NANO_PAIRS", 1)
    monkeypatch.setattr(inspection_costs, "LARGE_PAIRS", 1)
    monkeypatch.setattr(inspection_costs, "fam_swin_t", lambda: make_tiny_model().config)
    monkeypatch.setattr(inspection_costs, "LARGE_CLIP", (1, 8, 3, 64, 64))
    done = run("bench", "inspection", "--device", "cpu", "--full")
    assert done.code == 0, done.err
    rows = [line.split(" | ")[:2] for line in done.out.splitlines() if line.startswith("| ")]
    ways = ["nobody asks", "capture alone", "capture, view of stage 4"]
    ways.append("capture, view of stages 3 and 4")
    on_the_spot = ["capture, HeadWatch on the spot", "the same, and its view"]
    heads = ["nobody asks", "capture alone", *on_the_spot]
    assert rows[2:] == [
        *(["| fam-swin-nano, 8 clips remembered", way] for way in ways),
        *(["| spool-nano, window of 136 frames", way] for way in heads),
        *(["| fam-swin-t, random weights, 4 clips remembered", way] for way in ways),
    ]
    assert "measured spool-nano" in done.err
    assert "measured" not in done.out


def test_large_models_are_left_out_by_default(run, monkeypatch):
    for name in ("bench_inspection", "bench_nobody_asking"):  # measured above
        monkeypatch.setattr(inspection_costs, name, lambda *_, **__: Overhead(1.0, 1.1, 1.0, 1.1))
    done = run("bench", "inspection", "--device", "cpu")
    assert "| spool-nano" in done.out, done.err
    assert "fam-swin-t" not in done.out


def test_teaching_is_measured_with_the_encoder_and_the_rate_that_were_asked_for(run, monkeypatch):
    asked = []

    def bench_teach(config, size, tell):
        asked.append((config, size))
        tell("drawing")
        return SimpleNamespace(as_dict=lambda: {"encoder": "lite0"})

    monkeypatch.setattr(teach_bench, "bench_teach", bench_teach)
    monkeypatch.setattr(teach_bench, "bench_as_markdown", lambda measured: "| what | measured |")
    done = run("bench", "teach", "--encoder", "lite0", "--minutes", 7, "--fps", 4, "--json")
    assert (json.loads(done.out), done.err) == ({"encoder": "lite0"}, "drawing\n")
    assert run("bench", "teach", "--hours", 10).out == "| what | measured |\n"
    (first, small), (usual, large) = asked
    assert (first.features.backbone, first.feature_fps) == ("lite0", 4)
    assert (small.minutes, small.hours) == (7, None)
    assert usual == TeachConfig()
    assert (large.minutes, large.hours, large.height) == (60, 10, 720)


def test_a_pool_is_measured_beside_batches(run, tiny_model, tmp_path, monkeypatch):
    few = partial(bench_pool.bench_pool, num_rounds=1, clips_per_round=8)
    monkeypatch.setattr(bench_pool, "bench_pool", few)
    vidmem.save(tiny_model, tmp_path / "tiny")
    done = run("bench", "pool", "--model", tmp_path / "tiny", "--streams", 3)
    assert done.code == 0, done.err
    assert "| pool of 3 streams, batches of at most 8 |" in done.out
    assert "of the best batch throughput" in done.out
