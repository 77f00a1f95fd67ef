import time

import pytest
import torch

from vidmem.bench import spool as bench_of_spool
from vidmem.bench.spool import bench_as_markdown, bench_spool, slope
from vidmem.planner.measure import measure

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


def test_what_a_call_on_cuda_keeps_is_no_part_of_its_peak(monkeypatch):
    waits, calls = [], []
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 10 * len(calls))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 15)
    got = measure(lambda: calls.append(len(waits)), torch.device("cuda"))
    assert got.peak_bytes == 5
    assert calls == [0, 1, 2, 3]  # the device is waited for between calls
    assert len(waits) == 4


def test_a_small_bench_fills_its_table():
    bench = bench_spool(CPU, torch.float32, num_frames=(2, 4), attention_frames=(4,))
    text = bench_as_markdown(bench)
    assert [row.num_frames for row in bench.rows] == [2, 4]
    assert "| 4 |" in text and "times as long" in text


def test_attention_is_set_side_by_side_at_several_lengths(monkeypatch):
    def fit(qkv, layout, device, fitting=bench_of_spool._measure_dense):
        return fitting(qkv, layout, device) if layout.num_frames < 5 else None

    monkeypatch.setattr(bench_of_spool, "_measure_dense", fit)
    bench = bench_spool(
        CPU,
        torch.float32,
        num_frames=(2, 4),
        attention_frames=(3, 5),
        attention_backends=("sdpa",),
    )
    lines = bench_as_markdown(bench).splitlines()
    assert lines[-4:-2] == ["| frames | sdpa | dense |", "| --- | --- | --- |"]
    assert lines[-2].startswith("| 3 | ") and "does not fit" not in lines[-2]
    assert lines[-1].startswith("| 5 | ") and lines[-1].endswith("| does not fit |")


def test_dense_that_does_not_fit_is_left_out(monkeypatch):
    def fail(*inputs, **options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(bench_of_spool, "_dense", fail)
    bench = bench_spool(CPU, torch.float32, num_frames=(2, 4), attention_frames=(4,))
    assert bench.attentions[0].measured["dense"] is None
    assert "dense" not in bench_as_markdown(bench)


def test_the_mask_of_dense_is_the_mask_of_spool(monkeypatch):
    masks = []
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda q, k, v, attn_mask: masks.append(attn_mask),
    )
    layout = bench_of_spool.blocks_config().layout(40)  # more tokens than are made at a time
    bench_of_spool._dense([torch.zeros(1, 8, layout.length, 1)] * 3, layout)()
    back, ahead = masks
    frame = torch.arange(layout.length) // layout.tokens_per_frame
    distance = frame[:, None] - frame[None, :]
    assert torch.equal(back, (distance >= 0) & (distance <= layout.local_frame_range))
    assert torch.equal(ahead, back.T)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.filterwarnings("default")  # what the compilers for GPUs advise is no failure
def test_on_cuda_flex_sdpa_and_dense_are_set_side_by_side():
    cuda = torch.device("cuda")
    bench = bench_spool(cuda, torch.bfloat16, num_frames=(2, 4), attention_frames=(2, 4))
    assert bench.backend == "flex"
    for row in bench.attentions:
        assert list(row.measured) == ["flex", "sdpa", "dense"]
        assert all(cost is not None and cost.seconds > 0 for cost in row.measured.values())
    assert "| frames | flex | sdpa | dense |" in bench_as_markdown(bench)
