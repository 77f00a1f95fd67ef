"""What it costs to watch a step: with and without, in turn."""

from __future__ import annotations

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
from vidmem.profiling.in_turn import clock, in_turn


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
    found = in_turn({"watched": clock(watched, device), "plain": clock(plain, device)}, num_pairs)
    both = found["plain"], found["watched"]
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

    step = in_turn({"step": clock(lambda: model.step(clip, state), model.device)}, num_steps)[
        "step"
    ]
    spent = clock(offers, model.device)().over(num_offers)
    return Overhead(
        step.seconds - spent.seconds,
        step.seconds,
        step.cpu_seconds - spent.cpu_seconds,
        step.cpu_seconds,
    )


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
