"""The table of an ablation is that of its scores."""

from __future__ import annotations

import csv
import math

import pytest

from vidmem.evaluation.ablation import (
    AblationRow,
    AblationTable,
    ablation_as_csv,
    ablation_as_markdown,
    seed_mean,
)

TABLE = AblationTable(
    title="How far back",
    note="400 steps each.",
    rows=(
        AblationRow(
            name="on",
            scores=(
                {"near": 1.0, "far": 0.8},
                {"near": 1.0, "far": 0.9},
                {"near": 1.0, "far": 1.0},
            ),
            learned_parameters=12_345,
            seconds=90.0,
        ),
        AblationRow(
            name="off | none",
            scores=({"near": 0.5, "far": 0.25},),
            failures=("seed 1: the loss is nan",),
            seconds=30.0,
        ),
        AblationRow(name="broken", scores=(), failures=("seed 0: no such task",)),
    ),
)


def test_mean_and_interval_are_those_of_students_t():
    # 0.8, 0.9, 1.0: standard deviation 0.1; t of 2 degrees of freedom is 4.303.
    found = seed_mean([0.8, 0.9, 1.0])
    assert found is not None
    assert (found.mean, found.num_seeds) == (pytest.approx(0.9), 3)
    assert found.half_width == pytest.approx(4.303 * 0.1 / math.sqrt(3))
    assert found.low == pytest.approx(0.9 - found.half_width)


def test_one_seed_has_no_interval_and_none_no_mean():
    found = seed_mean([0.5])
    assert found is not None
    assert found.mean == 0.5
    assert math.isnan(found.half_width)
    assert seed_mean([]) is None


def test_many_seeds_have_a_narrow_interval():
    found = seed_mean([0.0, 1.0] * 50)
    assert found is not None
    assert found.half_width == pytest.approx(2.086 * 0.5025 / 10, rel=1e-3)


def test_markdown_has_each_row_and_says_what_failed():
    lines = ablation_as_markdown(TABLE).splitlines()
    assert lines[:6] == [
        "**How far back**",
        "",
        "400 steps each.",
        "",
        "| variant | near | far | seeds | weights | minutes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    assert lines[6:9] == [
        "| on | 1.00 ± 0.00 | 0.90 ± 0.25 | 3 | 12,345 | 1.5 |",
        r"| off \| none | 0.50 | 0.25 | 1, 1 failed | 0 | 0.5 |",
        "| broken |  |  | 0, 1 failed | 0 | 0.0 |",
    ]
    assert "All rows: 2.0 minutes." in lines[10]
    assert lines[-2:] == [
        "- off | none: seed 1: the loss is nan",
        "- broken: seed 0: no such task",
    ]


def test_columns_can_be_chosen():
    chosen = AblationTable(title="t", rows=TABLE.rows, columns=("far",))
    assert "| variant | far | seeds |" in ablation_as_markdown(chosen)
    assert "near" not in ablation_as_markdown(chosen)


def test_csv_has_a_line_for_each_row_and_score():
    rows = list(csv.DictReader(ablation_as_csv(TABLE).splitlines()))
    assert len(rows) == 6
    far = rows[1]
    assert (far["variant"], far["score"], far["seeds"], far["failed"]) == ("on", "far", "3", "0")
    assert float(far["mean"]) == pytest.approx(0.9)
    assert float(far["high"]) - float(far["low"]) == pytest.approx(
        2 * 4.303 * 0.1 / math.sqrt(3), rel=1e-4
    )
    single, broken = rows[3], rows[5]
    assert (single["mean"], single["low"], single["failed"]) == ("0.25", "", "1")
    assert (broken["mean"], broken["seeds"]) == ("", "0")
