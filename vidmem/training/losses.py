"""Losses that training minimises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def merged_cross_entropy(
    logits: Tensor, labels: Tensor, group: Sequence[int], is_merged: Tensor, weights: Tensor
) -> Tensor:
    """Cross-entropy in which, for some samples, any class of a group is right.

    Where nothing that the model sees decides between classes that look alike, a loss that insists
    on one teaches it to guess. So where `is_merged`, any class of `group` is right if the label is
    one of them.

    Args:
        logits: `[S, num_classes]`.
        labels: `[S]`.
        group: Classes that look alike.
        is_merged: `[S]`, boolean.
        weights: `[S]`.

    Returns:
        The weighted mean.
    """
    log_probabilities = F.log_softmax(logits, -1)
    exact = log_probabilities.gather(1, labels[:, None])[:, 0]
    any_of_group = log_probabilities[:, list(group)].logsumexp(1)
    in_group = torch.isin(labels, torch.tensor(list(group), device=labels.device))
    chosen = torch.where(is_merged & in_group, any_of_group, exact)
    return -(chosen * weights).sum() / weights.sum()
