"""The bench of inspection; what it measures is no test's business."""

import time

import pytest
import torch

from tests.conftest import make_tiny_model
from vidmem.profiling.bench_inspection import Overhead, bench_inspection, overhead


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
