"""Pixels of a clip to the features that a temporal model is taught on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError
from vidmem.models.backbones.backbone import Backbone
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.motion import motion_channels
from vidmem.models.features.reduction import RawFeatures, Reduction


@dataclass(frozen=True)
class Features:
    """Feature frames of some clips."""

    values: Tensor
    """`[B, T', P, F]`, float32."""

    unlikeness: Tensor
    """`[B]`; above 1 the clip is unlike the footage that the model was taught on."""


class FeatureEncoder(nn.Module):
    """A frozen image encoder with motion beside it, and the reduction of both to few numbers.

    Args:
        config: What is taken of each frame.
        backbone: The image encoder, pooling to `config.tokens_per_frame`; frozen here.
        reduction: Fitted to footage; without one it is yet to be loaded.

    Raises:
        CheckpointError: If the encoder gives another number of tokens, or is not the one that the
            config was fitted to.
    """

    def __init__(
        self, config: FeatureConfig, backbone: Backbone, reduction: Reduction | None = None
    ) -> None:
        super().__init__()
        given = backbone.config.tokens_per_frame
        if given != config.tokens_per_frame:
            raise CheckpointError(
                f"the image encoder gives {given} tokens per frame and the config says "
                f"tokens_per_frame={config.tokens_per_frame}"
            )
        self.config = config
        self.backbone = backbone.requires_grad_(False).eval()
        self.reduction = reduction or Reduction(config, backbone.embed_dim)

    @property
    def feature_dim(self) -> int:
        """F, the width of a token of the features."""
        return self.config.feature_dim

    def token_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the tokens of a frame: their product is P."""
        return self.backbone.token_grid(height, width)

    def forward(self, clips: Tensor) -> Tensor:
        """The features `[B, T', P, F]` of clips `[B, T, 3, H, W]`, normalised as the card says."""
        return self.encode(clips).values

    @torch.no_grad()
    def encode(self, clips: Tensor) -> Features:
        """The features of clips `[B, T, 3, H, W]`, and how unlike its own footage each one is."""
        raw = self.raw(clips)
        return Features(self.reduction(raw), self.reduction.unlikeness(raw))

    @torch.no_grad()
    def raw(self, clips: Tensor) -> RawFeatures:
        """What encoder and motion give for clips `[B, T, 3, H, W]`: `[B, T', ...]`, T' groups.

        Raises:
            ValueError: If the clips have another shape.
        """
        num_frames = clips.shape[1]
        every = self.config.encode_every
        ends = range(every - 1, self.config.num_feature_frames(num_frames) * every, every)
        now = [min(end, num_frames - 1) for end in ends]
        before = [max(frame - 1, 0) for frame in now]
        tokens = self.backbone(clips[:, now])
        cells, whole = motion_channels(
            clips[:, before].flatten(0, 1),
            clips[:, now].flatten(0, 1),
            self.token_grid(*clips.shape[-2:]),
            self.backbone.preprocessing.std,
        )
        shape = (len(clips), len(now))
        return RawFeatures(tokens, cells.unflatten(0, shape), whole.unflatten(0, shape))

    def train(self, mode: bool = True) -> Self:
        """The encoder stays in eval mode."""
        super().train(False)
        return self
