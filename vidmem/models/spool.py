"""Spool: image features of every frame under a bidirectional temporal transformer.

    frames ── backbone ── patch tokens ─┬─ start context frame
                                        ├─ frames 1 .. T      ── temporal blocks ─┬─ clip logits
                                        └─ end context frame                      └─ frame logits

Lookback heads see earlier frames and the start context frame, lookahead heads later ones and the
end context frame; context frames see the whole clip, so cost stays linear in its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError
from vidmem.models.backbones import Backbone
from vidmem.models.interface import ModelCard
from vidmem.models.spool_config import SpoolConfig
from vidmem.nn.frame_attention import FrameBackend
from vidmem.nn.temporal import ContextFrames, TemporalBlock


@dataclass(frozen=True)
class SpoolScores:
    """What Spool says of some clips."""

    clip_logits: Tensor
    """`[B, num_classes]`, float32."""

    frame_logits: Tensor
    """`[B, T, num_classes]`, float32."""


class Spool(nn.Module):
    """A bidirectional temporal transformer over the patch tokens of an image encoder.

    Args:
        config: The architecture.
        card: Classes and sampling.
        backbone: The image encoder; without one, features have to be brought along.

    Raises:
        CheckpointError: If the backbone is of another width than the config says.
    """

    def __init__(
        self,
        config: SpoolConfig,
        card: ModelCard | None = None,
        *,
        backbone: Backbone | None = None,
    ) -> None:
        super().__init__()
        if backbone is not None and backbone.embed_dim != config.embed_dim:
            raise CheckpointError(
                f"the backbone's tokens are {backbone.embed_dim} wide and the config says "
                f"embed_dim={config.embed_dim}; make the config with embed_dim={backbone.embed_dim}"
            )
        self.config = config
        self.card = card or ModelCard(
            name="spool",
            title="Spool",
            class_names=tuple(f"class {i}" for i in range(config.num_classes)),
        )
        self.backbone = backbone
        width = config.embed_dim
        self.context = (
            ContextFrames(config.tokens_per_frame, width) if config.has_context_frames else None
        )
        num_offsets = config.local_frame_range + 1 if config.has_offset_bias else None
        self.blocks = nn.ModuleList(
            TemporalBlock(width, config.num_heads, dropout=config.dropout, num_offsets=num_offsets)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.frame_head = nn.Linear(width, config.num_classes)
        self.clip_head = nn.Linear(
            2 * width if config.has_context_frames else width, config.num_classes
        )
        self.backend: FrameBackend | None = None

    @property
    def embed_dim(self) -> int:
        """Width of the backbone's tokens, and of the temporal blocks."""
        return self.config.embed_dim

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.clip_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """What the weights are made of."""
        return self.clip_head.weight.dtype

    def forward(self, clips: Tensor, *, local_frame_range: int | None = None) -> SpoolScores:
        """Score clips `[B, T, 3, H, W]`, normalised as the card says; see `forward_features`."""
        return self.forward_features(self.encode(clips), local_frame_range=local_frame_range)

    def encode(self, clips: Tensor) -> Tensor:
        """Each frame by itself: `[B, T, 3, H, W]` to features `[B, T, P, D]`.

        Raises:
            CheckpointError: If the model was made without a backbone.
            ValueError: If the clips have another shape.
        """
        if self.backbone is None:
            raise CheckpointError(
                f"this Spool has no backbone; load one ({self.config.backbone}) or give features "
                "to forward_features"
            )
        return self.backbone(clips)

    def forward_features(
        self, features: Tensor, *, local_frame_range: int | None = None
    ) -> SpoolScores:
        """Score clips, or a whole video in one pass, from the features of its frames.

        Args:
            features: `[B, T, P, D]`, any T; with context frames P is the config's
                `tokens_per_frame`.
            local_frame_range: Instead of the config's.

        Raises:
            ValueError: If the features have another shape.
            SettingError: If the range is negative.
        """
        self._check_features(features)
        num_frames, tokens_per_frame = features.shape[1:3]
        layout = self.config.layout(num_frames, tokens_per_frame, local_frame_range)
        frames = features.to(self.dtype)
        if self.context is not None:
            frames = self.context(frames)
        tokens = frames.flatten(1, 2)
        for block in self.blocks:
            tokens = block(tokens, layout, self.backend)
        means = self.norm(tokens).unflatten(1, (-1, tokens_per_frame)).mean(2)
        real = means
        summary = means.mean(1)
        if self.context is not None:
            real, summary = means[:, 1:-1], torch.cat([means[:, 0], means[:, -1]], -1)
        return SpoolScores(
            clip_logits=self.clip_head(summary).float(), frame_logits=self.frame_head(real).float()
        )

    def _check_features(self, features: Tensor) -> None:
        tokens = self.config.tokens_per_frame
        is_fitting = features.ndim == 4 and features.shape[3] == self.embed_dim
        if self.context is not None:
            is_fitting = is_fitting and features.shape[2] == tokens
        if not is_fitting or not features.shape[1]:
            raise ValueError(
                f"features must have shape [B, T, {tokens}, {self.embed_dim}] with at least one "
                f"frame, got {list(features.shape)}"
            )
