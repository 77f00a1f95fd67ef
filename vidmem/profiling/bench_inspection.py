"""What it costs to watch a step: with and without, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidmem.models.interface import StreamModel
from vidmem.nn.capture import (
    Capture,
    FrameRead,
    at,
    capture,
    hand_over_frames,
    hand_over_memory,
)


@dataclass(frozen=True)
class Overhead:
    """A callable beside the same with something added."""

    plain_seconds: float
    """Of one call: the median."""

    watched_seconds: float
    """Likewise."""

    plain_cpu_seconds: float
    """Processor time of one call in all threads: the median. Others' work disturbs it less."""

    watched_cpu_seconds: float
    """Likewise."""

    @property
    def ratio(self) -> float:
        """Of time that went by; 1 where what was added costs nothing."""
        return self.watched_seconds / self.plain_seconds

    @property
    def cpu_ratio(self) -> float:
        """Of processor time, likewise."""
        return self.watched_cpu_seconds / self.plain_cpu_seconds


@dataclass(frozen=True)
class OverheadRow:
    """One model, watched in one way."""

    model: str
    watched: str
    overhead: Overhead


def overhead(
    plain: Callable[[], object],
    watched: Callable[[], object],
    device: torch.device,
    *,
    num_pairs: int = 21,
) -> Overhead:
    """Call both in turn, now one first and now the other, and compare the medians.

    Whatever else the machine does falls on both alike. A first pair is not counted.
    """
    times: dict[Callable[[], object], list[tuple[float, float]]] = {plain: [], watched: []}
    for number in range(num_pairs + 1):
        for call in (plain, watched) if number % 2 else (watched, plain):
            times[call].append(_seconds_of(call, device))
    wall, cpu = (
        [statistics.median(pair[kind] for pair in times[call][1:]) for call in (plain, watched)]
        for kind in (0, 1)
    )
    return Overhead(*wall, *cpu)


@torch.no_grad()
def bench_inspection(
    model: StreamModel,
    clip: Tensor,
    state: Any,
    look: Callable[[Capture], object] | None = None,
    *,
    on_frames: Callable[[FrameRead], object] | None = None,
    num_pairs: int = 21,
) -> Overhead:
    """A model's step with and without capture.

    Args:
        model: In eval mode.
        clip: As its step takes it.
        state: Before that clip; with a full memory for what a long stream pays.
        look: What is done with each capture, such as `vidmem.inspection.view_memory`, if anything.
        on_frames: See `capture`.
        num_pairs: Steps of each kind.
    """

    def watched() -> None:
        with capture(on_frames=on_frames) as seen:
            model.step(clip, state)
        if look is not None:
            look(seen)

    return overhead(lambda: model.step(clip, state), watched, model.device, num_pairs=num_pairs)


@torch.no_grad()
def bench_nobody_asking(
    model: StreamModel, clip: Tensor, state: Any, *, num_steps: int = 7, num_offers: int = 1000
) -> Overhead:
    """A step, and what of it goes into offering what attention is computed from to nobody.

    That is too little to be seen in a step, so the offers are timed by themselves, and stand beside
    the step without them.

    Args:
        model: In eval mode.
        clip: As its step takes it.
        state: Before that clip.
        num_steps: Timed, of which the median counts.
        num_offers: All offers of a step are timed so many times.
    """
    with capture() as seen:
        model.step(clip, state)

    def offer() -> None:
        with at(picture=None):
            for read in seen.memory_reads:
                with at(stage=read.place.stage, grid=read.place.grid):
                    hand_over_memory(read.query, read.keys, read.is_valid, read.tokens_per_clip)
            for read in seen.frame_reads:
                with at(layer=read.place.layer):
                    hand_over_frames(read.query, read.keys, read.layout, read.offset_bias)

    def offers() -> None:
        for _ in range(num_offers):
            offer()

    steps = [_seconds_of(lambda: model.step(clip, state), model.device) for _ in range(num_steps)]
    with_offers = [statistics.median(one[kind] for one in steps) for kind in (0, 1)]
    spent = [seconds / num_offers for seconds in _seconds_of(offers, model.device)]
    without = [step - offer for step, offer in zip(with_offers, spent, strict=True)]
    return Overhead(without[0], with_offers[0], without[1], with_offers[1])


def overheads_as_markdown(rows: Sequence[OverheadRow]) -> str:
    """A table of ratios, and the step beside which they stand."""
    lines = [
        "| model | watched | step, ms | ratio | ratio, processor time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cost = row.overhead
        ratios = " | ".join(_ratio(one) for one in (cost.ratio, cost.cpu_ratio))
        plain = 1000 * cost.plain_seconds
        lines.append(f"| {row.model} | {row.watched} | {plain:.0f} | {ratios} |")
    return "\n".join(lines)


def _ratio(ratio: float) -> str:
    """Hundredths, or as many digits as it takes to see a small one."""
    return f"{ratio:.3f}" if abs(ratio - 1) >= 0.0005 else f"{ratio:.6f}"


def _seconds_of(call: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Time that went by, and processor time of this process."""
    started, cpu_started = time.perf_counter(), time.process_time()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started, time.process_time() - cpu_started
