"""An auxiliary task while learning to see: which part of the picture shows what.

The label of a clip is one word for 16 pictures; from it alone a transformer learns very slowly
where to look. Where every sow is and what she does is known from the drawing. Two linear heads,
used in training only, predict it for each cell of the token grid. (Dense supervision of the layers
in between: Lee et al., Deeply-Supervised Nets, arXiv:1409.5185.)

Letters: B clips, K moments, h x w cells, C kinds of sightings and one more for cells without a sow.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.data.barn import SIGHTING_KINDS
from vidmem.models import FamSwin

NOTHING = len(SIGHTING_KINDS)
"""The class of a cell without a sow."""

_NOTHING_WEIGHT = 0.15
"""Of a cell without a sow, against 1 with one: most are empty, and would outweigh the rest."""

_SMALLEST_RADIUS = 13.0
"""Pixels from a sow's middle within which a cell shows her, however fine the grid."""


class SightingHeads(nn.Module):
    """Names what each token of stages 2 and 3 shows."""

    STAGES = (2, 3)

    def __init__(self, model: FamSwin) -> None:
        super().__init__()
        widths = [model.config.width(stage) for stage in self.STAGES]
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.heads = nn.ModuleList(nn.Linear(width, NOTHING + 1) for width in widths)

    def forward(self, model: FamSwin, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Clip logits `[B, classes]`, and cell logits `[B, K, h, w, C]` per stage."""
        grids = model.stage_grids(clips)
        cells = [
            head(norm(grids[stage - 1].unflatten())).float()
            for stage, norm, head in zip(self.STAGES, self.norms, self.heads, strict=True)
        ]
        return model.classify(grids[-1]), cells


def sighting_loss(
    cell_logits: Tensor, places: Tensor, kinds: Tensor, size: tuple[int, int]
) -> Tensor:
    """Cross-entropy of the cells of one stage.

    Args:
        cell_logits: `[B, K, h, w, C]`.
        places: `[B, K, sows, 2]`, in pixels from the left and the top.
        kinds: `[B, K, sows]`, index into `SIGHTING_KINDS`.
        size: Height and width of the picture, in pixels.

    Raises:
        ValueError: If the grid has another number of moments than the sightings.
    """
    if cell_logits.shape[1] != places.shape[1]:
        raise ValueError(
            f"the grid has {cell_logits.shape[1]} moments and the sightings {places.shape[1]}"
        )
    wanted = cell_kinds(places, kinds, (cell_logits.shape[2], cell_logits.shape[3]), size)
    weights = torch.ones(NOTHING + 1)
    weights[NOTHING] = _NOTHING_WEIGHT
    return F.cross_entropy(cell_logits.flatten(0, 3), wanted.flatten(), weights)


def cell_kinds(
    places: Tensor, kinds: Tensor, cells: tuple[int, int], size: tuple[int, int]
) -> Tensor:
    """`[B, K, h, w]`: what the sow nearest to each cell's middle does, if she is near enough."""
    rows, columns = cells
    height, width = size
    y = (torch.arange(rows) + 0.5) * height / rows
    x = (torch.arange(columns) + 0.5) * width / columns
    middles = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[:, :, None]  # [h, w, 1, 2]
    distance, nearest = (middles - places[:, :, None, None]).norm(dim=-1).min(-1)
    kind = kinds[:, :, None, None].expand(*nearest.shape, -1).gather(-1, nearest[..., None])
    # On a coarse grid more than half a cell, so that a sow between two middles is not lost.
    radius = max(_SMALLEST_RADIUS, 0.62 * height / rows)
    return torch.where(distance < radius, kind[..., 0], NOTHING)
