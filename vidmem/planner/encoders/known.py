"""Which image encoder a Spool has, and its shape, without its files."""

from __future__ import annotations

from typing import Any

from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.families import EFFICIENTNET_LITE
from vidmem.models.backbones.packaged import PACKAGED
from vidmem.models.spool.config import SpoolConfig
from vidmem.planner.encoders.efficientnet_lite import EfficientNetLiteShape
from vidmem.planner.encoders.piece import EncoderShape
from vidmem.planner.encoders.transformer import TransformerShape

_PUBLISHED: dict[str, dict[str, Any]] = {
    "facebook/dinov2-small": {"hidden_size": 384, "num_attention_heads": 6},
    "facebook/dinov2-base": {"hidden_size": 768, "num_attention_heads": 12},
    "facebook/dinov2-large": {
        "hidden_size": 1024,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
    },
}
"""Options of encoders that can be sized without their files (DINOv2, arXiv:2304.07193)."""

_PUBLISHED_IMAGE_SIZE = 518
"""Pixels: their tables of positions are for 37 x 37 patches of 14, and interpolated elsewhere."""


def backbone_of(config: SpoolConfig) -> BackboneConfig | None:
    """The encoder that a config carries or names, if its size is known without its files."""
    if config.backbone_config is not None and config.features is None:
        return BackboneConfig.from_dict(config.backbone_config)
    name = config.backbone if config.features is None else config.features.backbone
    return named_backbone(name, config.tokens_per_frame)


def named_backbone(name: str, tokens_per_frame: int) -> BackboneConfig | None:
    """The encoder of this name, if its size is known without its files."""
    if name in PACKAGED:
        return BackboneConfig(
            model_type=EFFICIENTNET_LITE,
            options={"variant": name},
            tokens_per_frame=tokens_per_frame,
        )
    if name not in _PUBLISHED:
        return None
    options = {"image_size": _PUBLISHED_IMAGE_SIZE, **_PUBLISHED[name]}
    return BackboneConfig(options=options, tokens_per_frame=tokens_per_frame)


def encoder_shape(config: BackboneConfig) -> EncoderShape:
    """What an encoder costs; all kinds but EfficientNet-Lite are vision transformers."""
    if config.model_type == EFFICIENTNET_LITE:
        return EfficientNetLiteShape(config)
    return TransformerShape(config)
