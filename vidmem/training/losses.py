"""What training minimises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def merged_cross_entropy(
    logits: Tensor, labels: Tensor, group: Sequence[int], is_merged: Tensor, weights: Tensor
) -> Tensor:
    """Cross-entropy that asks of some samples only that they are in a group of classes.

    A clip that cannot be told apart from another class by what was seen teaches nothing by being
    told apart: where `is_merged`, any class of `group` is right, if the label is one of them.

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
