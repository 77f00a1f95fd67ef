"""Optimiser and schedule: the part of training that no recipe does differently."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long and how fast to learn."""

    steps: int
    """Optimiser steps."""

    learning_rate: float = 2e-3
    """The highest; reached after the warm-up, then down to zero along a cosine."""

    weight_decay: float = 0.02
    """Of matrices; vectors (norms, biases, gates) are not decayed."""

    scalar_rate: float = 10.0
    """Times the learning rate for single numbers: a gate has to come all the way from zero."""

    warmup_steps: int = 20
    """Steps of linear rise."""

    max_grad_norm: float = 1.0
    """Longer gradients are scaled down to this."""


@dataclass(frozen=True)
class StepReport:
    """One optimiser step."""

    step: int
    loss: float
    learning_rate: float


def run_loop(
    parameters: Iterable[nn.Parameter],
    loss_of_step: Callable[[int], Tensor],
    config: LoopConfig,
    report: Callable[[StepReport], None],
) -> None:
    """Minimise what `loss_of_step` returns with AdamW.

    Raises:
        FloatingPointError: If the loss stops being finite.
    """
    learned = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.ndim == 1], "weight_decay": 0.0},
        {"params": [p for p in learned if p.ndim == 0], "weight_decay": 0.0},
    ]
    shares = (1.0, 1.0, config.scalar_rate)
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
    for step in range(config.steps):
        rate = learning_rate(step, config)
        for group, share in zip(optimizer.param_groups, shares, strict=True):
            group["lr"] = rate * share
        loss = loss_of_step(step)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}; lower the learning rate"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, config.max_grad_norm)
        optimizer.step()
        report(StepReport(step, loss.item(), rate))


def learning_rate(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then a cosine down to zero."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
