"""Features of frames to the tokens of the temporal blocks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FeatureEmbedding(nn.Module):
    """A learned projection, and a learned vector for each place in the picture.

    Args:
        tokens_per_frame: Places.
        feature_dim: Width of the features.
        dim: Of the tokens.
    """

    def __init__(self, tokens_per_frame: int, feature_dim: int, dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(feature_dim, dim)
        # Features say little of where they are; from zero on, since place need not matter.
        self.places = nn.Parameter(torch.zeros(tokens_per_frame, dim))

    def forward(self, features: Tensor) -> Tensor:
        """`[B, T, P, F]` to `[B, T, P, D]`."""
        return self.projection(features) + self.places
