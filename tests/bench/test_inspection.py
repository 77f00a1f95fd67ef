"""The bench of inspection; what it measures is no test's business."""

import time

import pytest
import torch

from tests.conftest import make_tiny_model
from vidmem.bench.inspection import (
    Overhead,
    OverheadRow,
    bench_inspection,
    bench_nobody_asking,
    overhead,
    overheads_as_markdown,
)


def test_both_are_called_in_turn_and_first_alternately():
    calls = []
    overhead(lambda: calls.append("p"), lambda: calls.append("w"), torch.device("cpu"), num_pairs=3)
    assert calls == list("wp" + "pw" + "wp" + "pw")


def test_a_slower_call_has_a_ratio_above_one():
    measured = overhead(lambda: None, lambda: time.sleep(0.002), torch.device("cpu"), num_pairs=3)
    assert measured.watched_seconds > 0.002
    assert measured.ratio > 1


def test_ratios_are_of_what_was_measured():
    measured = Overhead(2.0, 2.5, 4.0, 4.4)
    assert measured.ratio == pytest.approx(1.25)
    assert measured.cpu_ratio == pytest.approx(1.1)


def test_each_watched_step_is_looked_at():
    model, looked_at = make_tiny_model(), []
    bench_inspection(
        model,
        torch.zeros(1, 8, 3, 64, 64),
        model.init_state(1),
        lambda seen: looked_at.append(len(seen.memory_reads)),
        num_pairs=2,
    )
    assert looked_at == [2, 2, 2]


def test_offers_to_nobody_are_part_of_the_step():
    model = make_tiny_model()
    measured = bench_nobody_asking(
        model, torch.zeros(1, 8, 3, 64, 64), model.init_state(1), num_steps=3, num_offers=10
    )
    assert 0 < measured.plain_seconds < measured.watched_seconds


def test_the_table_shows_small_ratios_in_full():
    rows = [
        OverheadRow("m", "nobody asks", Overhead(0.01, 0.01 * 1.00004, 1.0, 1.0)),
        OverheadRow("m", "capture", Overhead(0.01, 0.0104, 1.0, 1.05)),
    ]
    table = overheads_as_markdown(rows).splitlines()[2:]
    assert table == [
        "| m | nobody asks | 10 | 1.000040 | 1.000000 |",
        "| m | capture | 10 | 1.040 | 1.050 |",
    ]
