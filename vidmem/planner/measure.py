"""Seconds and peak bytes of a callable."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

_SAMPLE_SECONDS = 0.002  # a peak that lasts for less may be missed


@dataclass(frozen=True)
class Measured:
    """What a callable cost."""

    seconds: float
    """Of one call: the median."""

    peak_bytes: int
    """Above what was held before the first call: on CUDA what torch allocated, on a CPU resident
    memory of the process, looked at every 2 ms."""


def measure(
    call: Callable[[], object], device: torch.device, *, num_calls: int = 3, is_warm: bool = False
) -> Measured:
    """Call something a few times and say what a call costs.

    A CUDA device is waited for before the clock starts and before it stops.

    Args:
        call: Has to do all its work before it returns, save what it leaves to a CUDA device.
        device: Where it works.
        num_calls: The first one only for its peak. On CUDA one more comes before, since what that
            compiles and keeps is no part of a call's peak.
        is_warm: Whether the first call may be timed too, and none is needed before it.
    """
    if device.type == "cuda" and not is_warm:
        call()
    first, peak_bytes = _peak_of(call, device)
    seconds = [first] if is_warm else []
    for _ in range(num_calls - 1):
        started = time.perf_counter()
        call()
        _wait(device)
        seconds.append(time.perf_counter() - started)
    return Measured(statistics.median(seconds or [first]), peak_bytes)


def _peak_of(call: Callable[[], object], device: torch.device) -> tuple[float, int]:
    if device.type == "cuda":
        _wait(device)  # work still queued would count as this call's
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        started = time.perf_counter()
        call()
        _wait(device)
        return time.perf_counter() - started, torch.cuda.max_memory_allocated(device) - before
    process, is_done = psutil.Process(), threading.Event()
    before = peak = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not is_done.wait(_SAMPLE_SECONDS):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    started = time.perf_counter()
    try:
        call()
    finally:
        seconds = time.perf_counter() - started
        is_done.set()
        watcher.join()
    return seconds, peak - before


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
