import time

import pytest
import torch

from vidmem.profiling.bench_spool import bench_as_markdown, bench_spool, slope
from vidmem.profiling.measure import measure

CPU = torch.device("cpu")


def test_a_call_costs_the_memory_that_it_fills():
    def fill():
        torch.ones(32 << 20, dtype=torch.uint8).sum()
        time.sleep(0.01)

    got = measure(fill, CPU)
    assert got.peak_bytes > 24 << 20
    assert got.seconds >= 0.01


def test_the_slope_of_a_power_is_its_exponent():
    assert slope([(n, 3 * n**1.5) for n in (2, 4, 8, 16)]) == pytest.approx(1.5)


def test_a_small_bench_fills_its_table():
    bench = bench_spool(CPU, torch.float32, num_frames=(2, 4), dense_frames=4)
    text = bench_as_markdown(bench)
    assert [row.num_frames for row in bench.rows] == [2, 4]
    assert "| 4 |" in text and "times as long" in text
