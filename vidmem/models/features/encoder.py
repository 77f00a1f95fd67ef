"""Pixels of a clip to the features that a temporal model is taught on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError
from vidmem.models.backbones.backbone import Backbone, load_backbone
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.motion import motion_channels
from vidmem.models.features.reduction import RawFeatures, Reduction
from vidmem.models.weights import outlining


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
        if config.backbone_sha256 and backbone.fingerprint() != config.backbone_sha256:
            raise CheckpointError(
                f"the image encoder {config.backbone} is not the one that the model was taught on: "
                "its weights or its settings differ; use the one of that time, or teach anew"
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
        now = self.config.encoded_frames(clips.shape[1])
        before = self.config.compared_frames(clips.shape[1])
        tokens = self.backbone(clips[:, now])
        cells, whole = motion_channels(
            clips[:, before].flatten(0, 1),
            clips[:, now].flatten(0, 1),
            self.token_grid(*clips.shape[-2:]),
            self.backbone.preprocessing.std,
        )
        shape = (len(clips), len(now))
        return RawFeatures(tokens, cells.unflatten(0, shape), whole.unflatten(0, shape))

    def fingerprint(self) -> str:
        """SHA-256 of everything that the features depend on."""
        digest = hashlib.sha256(self.backbone.fingerprint().encode())
        values = asdict(self.config)
        for name in ("backbone", "backbone_sha256"):  # the encoder itself was counted
            del values[name]
        digest.update(json.dumps(values, sort_keys=True).encode())
        for name, tensor in sorted(self.reduction.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(memoryview(tensor.detach().cpu().contiguous().reshape(-1).numpy()))
        return digest.hexdigest()

    def train(self, mode: bool = True) -> Self:
        """The encoder stays in eval mode."""
        super().train(False)
        return self


ENCODER, BACKBONE = "encoder.", "encoder.backbone."
"""How the names of all weights of a model's encoder begin, and of its image encoder's."""


def load_feature_backbone(config: FeatureConfig) -> Backbone:
    """The image encoder of features, by name; it sees whole pictures, between bars.

    An animal at the edge of the picture is seen, too, however the encoder was trained.

    Raises:
        WeightsNotAvailableError: If it is not on this machine, with how to get it.
    """
    backbone = load_backbone(config.backbone, tokens_per_frame=config.tokens_per_frame)
    pictures = replace(backbone.preprocessing, resize="letterbox")
    return Backbone(replace(backbone.config, preprocessing=pictures), backbone.encoder).eval()


def load_encoder(config: FeatureConfig) -> FeatureEncoder:
    """The encoder of a model that was saved: its image encoder by name, the reduction still empty.

    Raises:
        CheckpointError: If the image encoder is not the one that the model was taught on.
        WeightsNotAvailableError: If it is not on this machine.
    """
    return FeatureEncoder(config, load_feature_backbone(config))


def saved_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a model's weights those that its folder gets: all but the image encoder's."""
    return {name: value for name, value in weights.items() if not name.startswith(BACKBONE)}


def encoder_outline(config: FeatureConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of an encoder that a folder must have: those of its reduction, without values.

    Args:
        config: Of anybody.
        weights: Of the file: they say how wide the tokens of the image encoder are.

    Raises:
        CheckpointError: If they do not.
    """
    prefix = f"{ENCODER}reduction."
    mean = weights.get(f"{prefix}cell_mean")
    if mean is None or mean.ndim != 1:
        raise CheckpointError("the checkpoint lacks the reduction of its features: teach it anew")
    with outlining():
        outline = Reduction(config, len(mean)).state_dict()
    return {prefix + name: value for name, value in outline.items()}
