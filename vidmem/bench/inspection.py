"""What it costs to capture attention in a step: the step with and without, in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidmem.bench.timing import clock, time_alternately
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
    """Of one call with the addition: the median."""

    plain_cpu_seconds: float
    """Processor time of one call, all threads: the median. Other work disturbs it less."""

    watched_cpu_seconds: float
    """Processor time of one call with the addition, all threads: the median."""

    @property
    def ratio(self) -> float:
        """Elapsed time with the addition over that without; 1 where it costs nothing."""
        return self.watched_seconds / self.plain_seconds

    @property
    def cpu_ratio(self) -> float:
        """Processor time with the addition over that without."""
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
    timings = time_alternately(
        {"watched": clock(watched, device), "plain": clock(plain, device)}, num_pairs
    )
    # Processor time as well: other work on the machine disturbs it less than elapsed time.
    both = timings["plain"], timings["watched"]
    return Overhead(*(one.seconds for one in both), *(one.cpu_seconds for one in both))


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
        with capture(on_frames=on_frames) as captured:
            model.step(clip, state)
        if look is not None:
            look(captured)

    return overhead(lambda: model.step(clip, state), watched, model.device, num_pairs=num_pairs)


@torch.no_grad()
def bench_nobody_asking(
    model: StreamModel, clip: Tensor, state: Any, *, num_steps: int = 7, num_offers: int = 1000
) -> Overhead:
    """What the calls that offer attention to a capture cost in a step while nothing captures.

    That is too little to show in the time of a step, so those calls are timed by themselves, and
    compared with the step without them.

    Args:
        model: In eval mode.
        clip: As its step takes it.
        state: Before that clip.
        num_steps: Steps timed; the median counts.
        num_offers: How often all such calls of a step are timed.
    """
    with capture() as captured:
        model.step(clip, state)

    def offer() -> None:
        with at(picture=None):
            for read in captured.memory_reads:
                with at(stage=read.place.stage, grid=read.place.grid):
                    hand_over_memory(read.query, read.keys, read.is_valid, read.tokens_per_clip)
            for read in captured.frame_reads:
                with at(layer=read.place.layer):
                    hand_over_frames(read.query, read.keys, read.layout, read.offset_bias)

    def offers() -> None:
        for _ in range(num_offers):
            offer()

    step = time_alternately(
        {"step": clock(lambda: model.step(clip, state), model.device)}, num_steps
    )["step"]
    # One such call is shorter than the clock resolves.
    spent = clock(offers, model.device)().over(num_offers)
    return Overhead(
        step.seconds - spent.seconds,
        step.seconds,
        step.cpu_seconds - spent.cpu_seconds,
        step.cpu_seconds,
    )


def overheads_as_markdown(rows: Sequence[OverheadRow]) -> str:
    """A table of ratios, with the time of the step that they are of."""
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
