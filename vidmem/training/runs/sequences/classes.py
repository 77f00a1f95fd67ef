"""The loss of sequences whose frames have classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NO_CLASS = -1
"""Of a frame that is neither learnt nor scored."""


def frame_cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """The mean over frames that have a class: logits `[B, T, C]`, classes `[B, T]`."""
    return F.cross_entropy(logits.flatten(0, 1), classes.flatten(), ignore_index=NO_CLASS)


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(network.parameters()).device
