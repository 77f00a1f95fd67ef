"""`vidmem bench`: what is measured and how it is told, not how much it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from vidmem.bench import parts as bench_parts
from vidmem.bench import results as bench_results
from vidmem.bench.parts import BenchSize
from vidmem.bench.results import BEGIN, END, BenchRow
from vidmem.bench.timing import Timing, time_alternately
from vidmem.cli import benches

ROOT = Path(__file__).resolve().parents[2]


def row(part="memory", what="a", seconds=1.0):
    return BenchRow.of(part, (what, "b"), (Timing(seconds, 2.0), Timing(3.0, 4.0)), per="clip")


@pytest.fixture
def parts(monkeypatch):
    """One part that is measured, one that fails, one that does not apply."""

    def broken(size):
        yield row("dtype", "half of it")
        raise RuntimeError("out of luck")

    def not_here(size):
        raise bench_parts.CannotMeasureError("no such instructions")
        yield

    known = {"memory": lambda size: iter([row()]), "dtype": broken, "batch": not_here}
    monkeypatch.setattr(bench_parts, "PARTS", known)
    monkeypatch.setattr("vidmem.bench.pipeline.bench_pipeline", lambda size: iter([]))


def test_a_part_that_fails_loses_no_other(run, parts, tmp_path):
    out = tmp_path / "results.json"
    done = run("bench", "--out", str(out))
    assert done.code == 0, done.err
    assert "| a | b | 3.00 | 1000 | 3000 | clip | 2.00 |" in done.out
    assert "half of it" in done.out
    assert "dtype: not measured: RuntimeError: out of luck" in done.out
    assert "batch: not measured: no such instructions" in done.out
    assert "1 of 4: memory" in done.err
    saved = json.loads(out.read_text())
    assert [one["what"] for one in saved["rows"]] == ["a", "half of it"]
    assert saved["rows"][0]["cpu_seconds"] == 2.0
    assert {"cpu", "cores", "threads"} <= saved["machine"].keys()
    assert saved["versions"]["torch"] == bench_results.versions_here()["torch"]


def test_only_what_is_asked_for_is_measured_and_the_rest_of_the_file_stays(run, parts, tmp_path):
    out = tmp_path / "results.json"
    run("bench", "--out", str(out))
    done = run("bench", "--only", "memory", "--out", str(out))
    assert "half of it" not in done.out
    assert {one["what"] for one in json.loads(out.read_text())["rows"]} == {"a", "half of it"}
    done = run("bench", "--only", "magic")
    assert (done.code, "--only must be one of memory" in done.err) == (1, True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="for a machine without CUDA")
def test_without_cuda_every_part_says_so(run, parts):
    done = run("bench", "--gpu")
    assert done.code == 0
    assert done.out.count("not measured: no CUDA device") == 4


def test_results_of_another_machine_are_not_mixed_in(run, parts, tmp_path):
    out = tmp_path / "results.json"
    run("bench", "--out", str(out))
    document = json.loads(out.read_text())
    document["machine"]["cpu"] = "another"
    out.write_text(json.dumps(document))
    done = run("bench", "--out", str(out))
    assert (done.code, "another machine" in done.err) == (1, True)
    out.write_text("[]")
    assert "no results of vidmem bench" in run("bench", "table", str(out)).err


def test_a_table_goes_between_the_markers_and_nowhere_else(run, parts, tmp_path):
    out, readme = tmp_path / "results.json", tmp_path / "README.md"
    run("bench", "--out", str(out))
    readme.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    for _ in range(2):
        assert run("bench", "table", str(out), "--readme", str(readme)).code == 0
    text = readme.read_text()
    assert text.startswith(f"before\n\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\n\nafter\n")
    assert "| a | b | 3.00 |" in text
    assert "old" not in text
    for wrong in ("no markers", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{END}\n"):
        readme.write_text(wrong)
        done = run("bench", "table", str(out), "--readme", str(readme))
        assert (done.code, "one line" in done.err, readme.read_text()) == (1, True, wrong)


def test_the_table_in_the_docs_is_made_of_the_saved_results():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert BEGIN in text
    between = text.partition(BEGIN)[2].partition(END)[0].strip("\n")
    results = bench_results.read_results(ROOT / "docs" / "bench-cpu.json")
    assert between == bench_results.results_as_markdown(results)


def test_saved_results_name_no_machine_and_no_path():
    text = (ROOT / "docs" / "bench-cpu.json").read_text(encoding="utf-8")
    assert "/" not in json.dumps(json.loads(text)["machine"])
    assert set(json.loads(text)["machine"]) == set(bench_results.machine_facts(torch.device("cpu")))


def test_ways_take_turns_and_the_first_round_does_not_count():
    called = []

    def way(name):
        def once():
            called.append(name)
            return Timing(float(len(called)), 0.0)

        return once

    found = time_alternately({name: way(name) for name in "abc"}, 2)
    assert "".join(called) == "abcbcacab"
    assert found["a"].seconds == (6 + 8) / 2
    called.clear()
    time_alternately({"a": way("a")}, 100, max_seconds=0)
    assert len(called) == 4


@torch.inference_mode()
@pytest.mark.parametrize("part", ["memory", "l_mem", "batch"])
def test_parts_of_fam_swin_yield_rows(part, tiny_size):
    rows = list(bench_parts.PARTS[part](tiny_size))
    assert {row.part for row in rows} == {part}
    assert all(row.seconds > 0 and row.against_seconds > 0 for row in rows)


@pytest.fixture
def tiny_size():
    from tests.conftest import make_tiny_model

    config = make_tiny_model().config
    return BenchSize(
        device=torch.device("cpu"), config=config, clip_frames=8, clip_pixels=64, num_rounds=1
    )


def test_all_parts_are_told_in_the_help(run):
    text = run("bench", "--help").out
    assert all(name in text for name in [*bench_parts.PARTS, "pipeline", "torchvision", "table"])
    assert benches.NO_CUDA
