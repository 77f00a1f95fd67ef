"""The bench measures what it says; how much that is, is no test."""

from __future__ import annotations

from tests.conftest import make_tiny_model
from tests.streaming.test_spool_stream import make_model as make_spool
from vidmem.bench.pool import bench_as_markdown, bench_pool, noise_pixels
from vidmem.bench.pool_lag import bench_lag, lag_as_text


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


def test_lag_is_measured_on_streams_that_come_in_real_time():
    model = make_tiny_model(l_mem=1)
    measured = bench_lag(
        model, noise_pixels(model, 8), pool_rate=8.0, num_streams=2, load=0.5, clips_per_stream=2
    )
    assert measured.num_clips == 4
    assert measured.clip_seconds == 0.5
    assert measured.load == 0.5
    assert 0 < measured.mean_seconds <= measured.worst_seconds
    assert measured.bound_seconds == (2 + 8) / 8.0 + 0.05
    assert "the worst of 4 predictions came" in lag_as_text(measured)
