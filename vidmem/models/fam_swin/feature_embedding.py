"""Features of frames to the tokens of stage 3."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.nn.swin import Grid


class MergedFeatureEmbedding(nn.Module):
    """Merge each place's features over some frames, and embed them.

    Args:
        num_frames: Feature frames that make one token.
        num_places: Tokens of a frame.
        feature_dim: Width of the features.
        dim: Of the tokens.
    """

    def __init__(self, num_frames: int, num_places: int, feature_dim: int, dim: int) -> None:
        super().__init__()
        self.num_frames = num_frames
        self.proj = nn.Linear(num_frames * feature_dim, dim)
        self.norm = nn.LayerNorm(dim)
        # Window attention knows only relative places; from zero on, since place need not matter.
        self.places = nn.Parameter(torch.zeros(num_places, dim))

    def forward(self, features_BTPF: Tensor, frame_grid: tuple[int, int]) -> Grid:
        """Embed `[B, T', P, F]`; frames that do not fill a token are padded with zeros.

        Args:
            features_BTPF: Zeros are the mean of the footage that they were fitted to.
            frame_grid: Rows and columns of the P tokens of a frame.
        """
        missing = -features_BTPF.shape[1] % self.num_frames
        if missing:
            features_BTPF = F.pad(features_BTPF, (0, 0, 0, 0, 0, missing))
        merged_BTtPF = features_BTPF.unflatten(1, (-1, self.num_frames))
        merged_BTPX = merged_BTtPF.transpose(2, 3).flatten(3)  # X: all features of a token
        tokens_BTPD = self.norm(self.proj(merged_BTPX)) + self.places
        size = (tokens_BTPD.shape[1], *frame_grid)
        return Grid(tokens_BTPD.flatten(1, 2), size)
