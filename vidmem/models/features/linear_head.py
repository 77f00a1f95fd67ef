"""Scores of frames from their features and those next to them, before any attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FeatureHead(nn.Module):
    """Logits from the mean over the places of a frame, and of its neighbours; at first it is zero.

    It is fitted by itself, and the rest of a network learns what to add to it.

    Args:
        feature_dim: F.
        num_classes: Logits.
        reach_frames: Feature frames seen to each side.
    """

    def __init__(self, feature_dim: int, num_classes: int, reach_frames: int = 0) -> None:
        super().__init__()
        self.reach_frames = reach_frames
        num_seen = (2 * reach_frames + 1) * feature_dim
        self.weight = nn.Parameter(torch.zeros(num_classes, num_seen))
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(
        self,
        features_BTPF: Tensor,
        *,
        back_frames: int | None = None,
        ahead_frames: int | None = None,
    ) -> Tensor:
        """Features `[B, T', P, F]` to logits `[B, T', num_classes]`, float32.

        Args:
            features_BTPF: Of frames in a row.
            back_frames: See no farther back than this; None: `reach_frames`. The frame that is
                farthest away takes the place of those beyond it, as at the ends of the video.
            ahead_frames: See no farther ahead.
        """
        means_BTF = features_BTPF.to(self.weight.dtype).mean(2)
        return F.linear(
            self._windows(means_BTF, back_frames, ahead_frames), self.weight, self.bias
        ).float()

    def _windows(
        self, means_BTF: Tensor, back_frames: int | None, ahead_frames: int | None
    ) -> Tensor:
        reach = self.reach_frames
        if not reach:
            return means_BTF
        back = reach if back_frames is None else min(back_frames, reach)
        ahead = reach if ahead_frames is None else min(ahead_frames, reach)
        offsets = torch.arange(-reach, reach + 1, device=means_BTF.device).clamp(-back, ahead)
        frames = torch.arange(means_BTF.shape[1], device=means_BTF.device)
        seen = (frames[:, None] + offsets).clamp(0, len(frames) - 1)
        return means_BTF[:, seen].flatten(2)
