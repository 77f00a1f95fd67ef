"""The bench measures what it says; how much that is, is no test."""

from __future__ import annotations

from tests.conftest import make_tiny_model
from tests.streaming.test_spool_stream import make_model as make_spool
from vidmem.streaming.bench_pool import bench_as_markdown, bench_pool


def test_a_pool_is_measured_beside_the_model_alone():
    for model in (make_tiny_model(l_mem=1), make_spool(window_frames=8)):
        measured = bench_pool(
            model, num_streams=3, batch_sizes=(1, 2), num_rounds=1, clips_per_round=6
        )
        rates = [*measured.batch_rates.values(), measured.pool_rate]
        assert list(measured.batch_rates) == [1, 2]
        assert min(rates) > 0
        assert measured.best_batch_rate == max(measured.batch_rates.values())
        assert measured.ratio == measured.pool_rate / measured.best_batch_rate
        assert "| model alone, batches of 2 |" in bench_as_markdown(measured)
