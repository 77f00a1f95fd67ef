"""Small networks that every model is held against, on the same features.

Each sees the mean over the places of a frame, starts from the linear head, and learns what time
adds to it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.models.features.linear_head import FeatureHead

DROPOUT = 0.2

WINDOWS_AT_A_TIME = 4096
"""The windows of frames overlap: those of hours would be gigabytes."""


class RecurrentBaseline(nn.Module):
    """A causal GRU over frames (Cho et al., arXiv:1406.1078).

    Args:
        feature_dim: F.
        num_classes: C, of all axes.
        hidden: Width of its state.
    """

    def __init__(self, feature_dim: int, num_classes: int, hidden: int = 32) -> None:
        super().__init__()
        self.linear_head = FeatureHead(feature_dim, num_classes)
        self.recurrent = nn.GRU(feature_dim, hidden, batch_first=True)
        self.drop = nn.Dropout(DROPOUT)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, features_BTPF: Tensor) -> Tensor:
        """`[B, T', P, F]` to logits of each frame, `[B, T', C]`."""
        means = features_BTPF.mean(2)
        return self.linear_head(features_BTPF) + self.head(self.drop(self.recurrent(means)[0]))


class WindowBaseline(nn.Module):
    """The head of CBAS: a bidirectional LSTM over the frames around each one.

    There it sees 31 frames at 10 per second (Perry et al., CBAS v3); here as many seconds.

    Args:
        feature_dim: F.
        num_classes: C, of all axes.
        reach_frames: Feature frames seen to each side.
        hidden: Width of the state of each direction.
    """

    def __init__(
        self, feature_dim: int, num_classes: int, reach_frames: int, hidden: int = 32
    ) -> None:
        super().__init__()
        self.reach_frames = reach_frames
        self.linear_head = FeatureHead(feature_dim, num_classes)
        self.from_before = nn.LSTM(feature_dim, hidden, batch_first=True)
        self.from_after = nn.LSTM(feature_dim, hidden, batch_first=True)
        self.drop = nn.Dropout(DROPOUT)
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, features_BTPF: Tensor) -> Tensor:
        """`[B, T', P, F]` to logits of each frame, `[B, T', C]`."""
        means_BTF = features_BTPF.mean(2)
        reach, num_frames = self.reach_frames, means_BTF.shape[1]
        padded_BFT = F.pad(means_BTF.transpose(1, 2), (reach, reach), mode="replicate")
        windows_BTFW = padded_BFT.unfold(2, 2 * reach + 1, 1).transpose(1, 2)
        parts = windows_BTFW.flatten(0, 1).transpose(1, 2).split(WINDOWS_AT_A_TIME)
        middle = torch.cat([self._middle(windows) for windows in parts])
        logits = self.head(self.drop(middle)).unflatten(0, (-1, num_frames))
        return self.linear_head(features_BTPF) + logits

    def _middle(self, windows: Tensor) -> Tensor:
        """What both directions say in the middle of windows `[N, W, F]`: `[N, 2 * hidden]`."""
        reach = self.reach_frames
        # Only there is it asked for, so that each direction needs to see one half.
        before = self.from_before(windows[:, : reach + 1])[0][:, -1]
        after = self.from_after(windows[:, reach:].flip(1))[0][:, -1]
        return torch.cat([before, after], 1)


def windowed(values: Tensor, reach_frames: int) -> Tensor:
    """Each frame beside its neighbours: `[T, F]` to `[T, (2 * reach + 1) * F]`."""
    reach = reach_frames
    padded_FT = F.pad(values.T[None], (reach, reach), mode="replicate")[0]
    return torch.cat([padded_FT[:, at : at + len(values)].T for at in range(2 * reach + 1)], 1)
