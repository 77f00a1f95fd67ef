"""`vidmem ablate GRID.toml`: a table, its files, and going on where it was left."""

from __future__ import annotations

import csv

import pytest

GRID = """
title = "Wide and narrow"
note = "Two steps each."
seeds = [0, 1]
scores = ["past", "order"]

[base]
name = "small"
model = { kind = "gru", hidden = 4 }
optimizer = { steps = 2, batch = 2 }
[base.task]
kind = "four-questions"
num_sequences = 4
sequence = { num_frames = 16, reach = 2, apart = 4 }

[[rows]]
name = "narrow"

[[rows]]
name = "wide"
model.hidden = 6

[[rows]]
name = "misfit"
model = { kind = "spool", num_heads = 3 }
"""


@pytest.fixture
def grid_file(tmp_path):
    path = tmp_path / "width.toml"
    path.write_text(GRID)
    return path


def table_lines(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_a_grid_is_run_once_and_printed_as_often_as_is_asked_for(run, grid_file, tmp_path):
    out = tmp_path / "out"
    done = run("ablate", grid_file, "--out", out)
    assert done.code == 0, done.err
    head, _, narrow, wide, misfit = table_lines(done.out)
    assert head == "| variant | past | order | seeds | weights | minutes |"
    assert narrow.startswith("| narrow | ")
    assert " | 2 | " in wide
    assert "| misfit |  |  | 0, 2 failed | 0 |" in misfit
    assert "- misfit: seed 1: num_lookback_heads" in done.out
    assert done.err.count("done in") == 4
    assert done.err.count("failed: ") == 2
    again = run("ablate", grid_file, "--out", out)
    assert table_lines(again.out) == table_lines(done.out)
    assert "done in" not in again.err
    assert table_lines((out / "width.md").read_text()) == table_lines(done.out)
    rows = list(csv.DictReader((out / "width.csv").read_text().splitlines()))
    assert [(row["variant"], row["score"], row["seeds"]) for row in rows][:2] == [
        ("narrow", "past", "2"),
        ("narrow", "order", "2"),
    ]
    assert "plotly" in (out / "width.html").read_text().lower()


def test_what_is_wrong_with_a_grid_is_one_sentence(run, grid_file, tmp_path):
    grid_file.write_text(GRID.replace("model.hidden = 6", "model.hiden = 6"))
    done = run("ablate", grid_file, "--out", tmp_path / "out")
    assert done.code == 1
    assert "width.toml: row 'wide': " in done.err
    assert "hiden" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
