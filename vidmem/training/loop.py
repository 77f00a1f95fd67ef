"""Optimiser and schedule: the part of training that all recipes share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long and how fast to learn."""

    steps: int
    """Optimiser steps."""

    learning_rate: float = 8e-4
    """Of AdamW, the highest; reached after the warm-up, then down to zero along a cosine."""

    matrix_rate: float = 5.0
    """Times the learning rate for the matrices that Muon trains."""

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


class Loop:
    """The optimisers of some parameters, and what one step of them is.

    Muon: Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon/>; steps scaled to those
    of AdamW as in Liu et al., arXiv:2502.16982, section 2.2.

    Args:
        parameters: All that is to be learnt.
        config: How long and how fast.
        matrices: Those of the parameters that Muon trains; see `hidden_matrices`.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        config: LoopConfig,
        *,
        matrices: Iterable[nn.Parameter] = (),
    ) -> None:
        self.learned = [p for p in parameters if p.requires_grad]
        self._config = config
        matrices = [p for p in matrices if p.requires_grad]
        self._optimizers = _optimizers(self.learned, matrices, config)

    def step(
        self,
        number: int,
        losses: Iterable[Tensor],
        *,
        share: float = 1.0,
        exchange: Callable[[list[nn.Parameter], float], float] = lambda learned, loss: loss,
    ) -> StepReport:
        """Take one step down the sum of some losses.

        Args:
            number: Of the step, from 0: it decides the rate.
            losses: Each is let go of before the next one is asked for.
            share: Times each loss: one over their number gives the mean.
            exchange: With other processes, once the gradients of this one are there: given the
                parameters and the loss; returns that of all of them.

        Raises:
            FloatingPointError: If a loss is not finite; no weight has changed.
        """
        rate = learning_rate(number, self._config)
        for group in (group for optimizer in self._optimizers for group in optimizer.param_groups):
            # By hand: a scheduler of torch belongs to one optimiser, and here two follow one rate.
            group["lr"] = rate * group["share"]
        total = 0.0
        for count, loss in enumerate(losses):
            # Before the optimisers: one step with such a loss would make all weights useless.
            if not math.isfinite(loss.item()):
                raise FloatingPointError(
                    f"the loss is {loss.item()} at step {number}; lower the learning rate"
                )
            if not count:
                self._forget_gradients()
            (loss * share).backward()
            total += loss.item() * share
        total = exchange(self.learned, total)
        torch.nn.utils.clip_grad_norm_(self.learned, self._config.max_grad_norm)
        for optimizer in self._optimizers:
            optimizer.step()
        return StepReport(number, total, rate)

    def state_dict(self) -> list[dict[str, Any]]:
        """What the optimisers have gathered; with it a run goes on as if it had not ended."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """The inverse of `state_dict`."""
        for optimizer, state in zip(self._optimizers, states, strict=True):
            optimizer.load_state_dict(state)

    def _forget_gradients(self) -> None:
        for parameter in self.learned:
            parameter.grad = None


def run_loop(
    parameters: Iterable[nn.Parameter],
    loss_of_step: Callable[[int], Tensor],
    config: LoopConfig,
    report: Callable[[StepReport], None],
    *,
    matrices: Iterable[nn.Parameter] = (),
) -> None:
    """Minimise what `loss_of_step` returns: some matrices with Muon, the rest with AdamW.

    Args:
        parameters: All that is to be learnt.
        loss_of_step: Gives the loss of step 0, 1, ...
        config: How long and how fast.
        report: Called after each step.
        matrices: Those of the parameters that Muon trains; see `hidden_matrices`.

    Raises:
        FloatingPointError: If the loss stops being finite.
    """
    loop = Loop(parameters, config, matrices=matrices)
    for step in range(config.steps):
        report(loop.step(step, [loss_of_step(step)]))


def hidden_matrices(*modules: nn.Module) -> list[nn.Parameter]:
    """The weights of all linear layers inside some modules."""
    layers = (layer for module in modules for layer in module.modules())
    linear = (layer for layer in layers if isinstance(layer, nn.Linear))
    # Muon orthogonalises its updates, which is defined for matrices; biases go to AdamW.
    return [p for layer in linear for p in layer.parameters() if p.ndim > 1]


def _optimizers(
    learned: list[nn.Parameter], matrices: list[nn.Parameter], config: LoopConfig
) -> list[torch.optim.Optimizer]:
    # By identity: `in` would compare tensors element by element.
    in_matrices = {id(p) for p in matrices}
    rest = [p for p in learned if id(p) not in in_matrices]
    groups = [
        {
            "params": [p for p in rest if p.ndim > 1],
            "weight_decay": config.weight_decay,
            "share": 1.0,
        },
        {"params": [p for p in rest if p.ndim == 1], "weight_decay": 0.0, "share": 1.0},
        {
            "params": [p for p in rest if p.ndim == 0],
            "weight_decay": 0.0,
            "share": config.scalar_rate,
        },
    ]
    rate = config.learning_rate
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)
    ]
    if matrices:
        group = {"params": matrices, "share": config.matrix_rate}
        optimizers.append(
            torch.optim.Muon(
                [group],
                lr=rate,
                weight_decay=config.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    return optimizers


def learning_rate(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then a cosine down to zero."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
