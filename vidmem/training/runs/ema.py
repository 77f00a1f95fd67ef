"""A moving average of weights, scored in their place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The exponential moving average of what a network learns (Polyak and Juditsky, 1992).

    Early on it forgets faster: after n steps its decay is at most (1 + n) / (10 + n), as in
    TensorFlow's `ExponentialMovingAverage`.

    Args:
        network: Whose weights that learn are averaged.
        decay: Share that is kept at each step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._learned = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._means = {name: p.detach().clone() for name, p in self._learned.items()}

    @torch.no_grad()
    def update(self, num_steps: int) -> None:
        """Take in the weights after so many steps."""
        decay = min(self._decay, (1 + num_steps) / (10 + num_steps))
        for name, mean in self._means.items():
            mean.lerp_(self._learned[name], 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the average inside, and its own weights again after."""
        own = {name: p.detach().clone() for name, p in self._learned.items()}
        self._put(self._means)
        try:
            yield
        finally:
            self._put(own)

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by name."""
        return self._means

    @torch.no_grad()
    def load_state_dict(self, means: dict[str, Tensor]) -> None:
        """The inverse of `state_dict`."""
        for name, mean in self._means.items():
            mean.copy_(means[name])

    @torch.no_grad()
    def _put(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self._learned.items():
            parameter.copy_(weights[name])
