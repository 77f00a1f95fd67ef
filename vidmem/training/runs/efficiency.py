"""What a network costs beside what it scores: measured on the machine that scores it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vidmem.planner.measure import measure
from vidmem.training.runs.kinds import Form

WARM_CALLS = 2


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """One network's cost; a *sample* is a clip, or a sequence where the task has these."""

    parameters: int
    learned_parameters: int

    flops: int
    """Of one sample: two for each multiplication with its addition, in matrix products,
    convolutions and attention (`torch.utils.flop_counter`); nothing else is counted."""

    latency_seconds: float
    """Of one sample alone: the median of `num_calls`."""

    samples_per_second: float
    """In batches of `batch`; decoding is not in it."""

    peak_bytes: int
    """Of such a batch, above what was held before: on CUDA what torch allocated, on a CPU resident
    memory."""

    batch: int
    num_calls: int
    device: str
    dtype: str
    threads: int


@torch.no_grad()
def measure_efficiency(
    network: nn.Module,
    form: Form,
    facts: Any,
    device: torch.device,
    *,
    batch: int = 8,
    num_calls: int = 10,
) -> Efficiency:
    """Run a network on noise of the task's size, in eval mode.

    Args:
        network: On the device.
        form: Of the task.
        facts: Of the task.
        device: Where it runs.
        batch: Samples of a batch, for throughput and peak.
        num_calls: Calls whose median counts, after two that do not.
    """
    network.eval()
    one, many = (_call(network, form, facts, rows, device) for rows in (1, batch))
    with FlopCounterMode(display=False) as counter:
        one()
    # The peak before all others: later calls find memory that was kept.
    cost = measure(many, device, num_calls=max(3, num_calls // 2))
    latency = _median_seconds(one, device, num_calls)
    return Efficiency(
        parameters=sum(p.numel() for p in network.parameters()),
        learned_parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        flops=counter.get_total_flops(),
        latency_seconds=latency,
        samples_per_second=batch / cost.seconds,
        peak_bytes=cost.peak_bytes,
        batch=batch,
        num_calls=num_calls,
        device=str(device),
        dtype=str(next(network.parameters()).dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
    )


def _call(
    network: nn.Module, form: Form, facts: Any, rows: int, device: torch.device
) -> Callable[[], object]:
    """A call on some samples of noise; in lanes memory is full, as it is most of the time."""
    source = torch.Generator().manual_seed(0)
    if form == "sequences":
        shape = (rows, facts.num_frames, facts.tokens_per_frame, facts.feature_dim)
        values = torch.randn(shape, generator=source).to(device)
        return lambda: network(values)
    card = facts.card
    shape = (rows, card.clip_frames, 3, card.frame_height, card.frame_width)
    clips = torch.randn(shape, generator=source).to(device)
    if form == "clips":
        return lambda: network(clips)
    lanes: Any = network
    state = lanes.init_state(rows, lanes.l_mem)
    for _ in range(lanes.l_mem):
        _, state = lanes(clips[:, None], state)
    return lambda: lanes(clips[:, None], state)


def _median_seconds(call: Callable[[], object], device: torch.device, num_calls: int) -> float:
    seconds = []
    for number in range(WARM_CALLS + num_calls):
        started = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= WARM_CALLS:
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
