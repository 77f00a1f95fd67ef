"""Loss and scores of sequences whose frames have classes."""

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


def share_right(logits: Tensor, classes: Tensor) -> float:
    """Of the frames that have a class, those whose highest logit is that class; NaN: none has."""
    is_counted = classes != NO_CLASS
    is_right = (logits.argmax(-1) == classes) & is_counted
    return float(is_right.sum() / is_counted.sum()) if is_counted.any() else torch.nan
