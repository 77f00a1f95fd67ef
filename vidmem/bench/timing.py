"""Several ways to compute one thing, timed in turn: other work on the machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Timing:
    """Time of one call, or the median of several."""

    seconds: float
    """Elapsed time."""

    cpu_seconds: float
    """Processor time in all threads; other work on the machine disturbs it less."""

    def over(self, count: float) -> Timing:
        """Time of one of `count` equal parts of the call."""
        return Timing(self.seconds / count, self.cpu_seconds / count)


Clock = Callable[[], Timing]
"""Makes the call once and gives its time."""


def clock(call: Callable[[], object], device: torch.device) -> Clock:
    """Make a clock of `call`; a CUDA device is waited for before it starts and before it stops."""

    def timed() -> Timing:
        _wait_for(device)
        started, cpu_started = time.perf_counter(), time.process_time()
        call()
        _wait_for(device)
        return Timing(time.perf_counter() - started, time.process_time() - cpu_started)

    return timed


def time_alternately(
    ways: Mapping[str, Clock], num_rounds: int, *, max_seconds: float = float("inf")
) -> dict[str, Timing]:
    """The median of each way, of rounds in which each comes once, every round in another order.

    Args:
        ways: By name.
        num_rounds: Counted; one more comes first and is not.
        max_seconds: No new round begins after that, once three were counted.
    """
    names = list(ways)
    timings: dict[str, list[Timing]] = {name: [] for name in names}
    started = time.monotonic()
    for number in range(num_rounds + 1):
        # Another way begins each round: the first one after a pause may find caches cold.
        first = number % len(names)
        for name in names[first:] + names[:first]:
            timings[name].append(ways[name]())
        if number >= 3 and time.monotonic() - started > max_seconds:
            break
    return {name: _median(own[1:]) for name, own in timings.items()}


def _median(timings: list[Timing]) -> Timing:
    return Timing(
        statistics.median(timing.seconds for timing in timings),
        statistics.median(timing.cpu_seconds for timing in timings),
    )


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
