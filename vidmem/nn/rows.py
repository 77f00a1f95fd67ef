"""A layer that gives each stream of a batch the numbers that it gets alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def by_row(layer: nn.Module, rows: Tensor) -> Tensor:
    """`layer(rows)` for few rows `[B, ...]`; on a CPU row by row.

    There a matrix product of few rows is summed in another order for every number of rows, so the
    last bits of a stream's logits would tell how many others it shared a batch with.
    """
    if rows.device.type != "cpu" or len(rows) == 1:
        return layer(rows)
    return torch.cat([layer(row) for row in rows.split(1)])
