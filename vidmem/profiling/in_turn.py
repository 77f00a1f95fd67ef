"""Several ways to do a thing, timed in turn: what else a machine does falls on all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """What one call took, or the median of several."""

    seconds: float
    """That went by."""

    cpu_seconds: float
    """Processor time in all threads. Others' work disturbs it less."""

    def over(self, count: float) -> Timing:
        """The share of one of so many things that the call did."""
        return Timing(self.seconds / count, self.cpu_seconds / count)


Clock = Callable[[], Timing]
"""Does the thing once and says what it took."""


def clock(call: Callable[[], object], device: torch.device) -> Clock:
    """Times `call`; a CUDA device is waited for."""

    def timed() -> Timing:
        _wait_for(device)
        started, cpu_started = time.perf_counter(), time.process_time()
        call()
        _wait_for(device)
        return Timing(time.perf_counter() - started, time.process_time() - cpu_started)

    return timed


def in_turn(
    ways: Mapping[str, Clock], num_rounds: int, *, max_seconds: float = float("inf")
) -> dict[str, Timing]:
    """The median of each way, of rounds in which each comes once, every round in another order.

    Args:
        ways: By name.
        num_rounds: Counted; one more comes first and is not.
        max_seconds: No new round begins after that, once three were counted.
    """
    names = list(ways)
    found: dict[str, list[Timing]] = {name: [] for name in names}
    started = time.monotonic()
    for number in range(num_rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(ways[name]())
        if number >= 3 and time.monotonic() - started > max_seconds:
            break
    return {name: _median(timings[1:]) for name, timings in found.items()}


def _median(timings: list[Timing]) -> Timing:
    return Timing(
        statistics.median(timing.seconds for timing in timings),
        statistics.median(timing.cpu_seconds for timing in timings),
    )


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
