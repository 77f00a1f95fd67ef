"""Bytes and FLOPs of the image encoders under Spool, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from vidmem.models.backbones.config import FAMILIES, BackboneConfig
from vidmem.models.spool.config import SpoolConfig
from vidmem.planner.sizing import (
    INDEX_BYTES,
    StepSize,
    attention_flops,
    linear_flops,
    linear_parameters,
    norm_parameters,
)

_DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "mlp_ratio": 4,
    "image_size": 224,
    "patch_size": 16,
    "num_register_tokens": 0,
    "qkv_bias": True,
    "hidden_act": "gelu",
}
"""Those that most of Hugging Face's configs share; a test compares all of them."""

_OWN_DEFAULTS: dict[str, dict[str, Any]] = {
    "dinov2": {"patch_size": 14},
    "dinov2_with_registers": {"num_register_tokens": 4},
    "dinov3_vit": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
    "clip_vision_model": {"patch_size": 32, "hidden_act": "quick_gelu"},
}
"""Where a kind of encoder has others."""

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
    if name not in _PUBLISHED:
        return None
    options = {"image_size": _PUBLISHED_IMAGE_SIZE, **_PUBLISHED[name]}
    return BackboneConfig(options=options, tokens_per_frame=config.tokens_per_frame)


@dataclass(frozen=True)
class BackboneShape:
    """An image encoder as its options make it."""

    config: BackboneConfig

    def option(self, name: str) -> Any:
        """An option, or its default for this kind of encoder."""
        own = _OWN_DEFAULTS.get(self.config.model_type, {})
        return {**_DEFAULTS, **own, **self.config.options}.get(name)

    @property
    def width(self) -> int:
        """D."""
        return int(self.option("hidden_size"))

    @property
    def num_layers(self) -> int:
        """Transformer blocks."""
        return int(self.option("num_hidden_layers"))

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return _pair(self.option("patch_size"))

    @property
    def is_dinov2(self) -> bool:
        """With registers or without."""
        return self.config.model_type.startswith("dinov2")

    @property
    def is_gated(self) -> bool:
        """Whether the MLP has a gate beside its hidden layer."""
        return bool(self.option("use_swiglu_ffn") or self.option("use_gated_mlp"))

    @property
    def hidden_width(self) -> int:
        """Of the MLP."""
        if not self.is_dinov2:
            return int(self.option("intermediate_size"))
        hidden = int(self.width * self.option("mlp_ratio"))
        # SwiGLU has three matrices for two: two thirds of the width, rounded up to a multiple of 8.
        return (int(hidden * 2 / 3) + 7) // 8 * 8 if self.is_gated else hidden

    @property
    def num_other_tokens(self) -> int:
        """Class and register tokens."""
        has_class = FAMILIES[self.config.model_type].has_class_token
        return has_class + int(self.option("num_register_tokens"))

    def num_patches(self, height: int, width: int) -> int:
        """Patch tokens of a picture."""
        return (height // self.patch[0]) * (width // self.patch[1])


def backbone_parameters(shape: BackboneShape) -> int:
    """Of an image encoder."""
    width, kind = shape.width, shape.config.model_type
    has_patch_bias = kind != "clip_vision_model"
    total = linear_parameters(3 * shape.patch[0] * shape.patch[1], width, has_bias=has_patch_bias)
    total += (shape.num_other_tokens + _has_mask_token(shape)) * width
    total += _num_positions(shape) * width
    # CLIP norms before its first layer as well as after the last.
    total += norm_parameters(width) * (2 if kind == "clip_vision_model" else 1)
    return total + shape.num_layers * _layer_parameters(shape)


def backbone_table_bytes(shape: BackboneShape) -> int:
    """What an encoder holds beside its parameters: numbers of places, or rotary frequencies."""
    if shape.config.model_type in ("clip_vision_model", "siglip_vision_model"):
        return _num_positions(shape) * INDEX_BYTES
    if shape.config.model_type == "dinov3_vit":
        head_width = shape.width // int(shape.option("num_attention_heads"))
        return head_width // 4 * 4  # float32, whatever the weights are
    return 0


def backbone_flops(shape: BackboneShape, height: int, width: int) -> int:
    """Of one frame; interpolating positions is not counted."""
    patches = shape.num_patches(height, width)
    tokens, dim, hidden = patches + shape.num_other_tokens, shape.width, shape.hidden_width
    # Queries, keys, values and the output: 4 * dim.
    layer = linear_flops(tokens, dim, 4 * dim) + attention_flops(tokens**2, dim)
    layer += (3 if shape.is_gated else 2) * linear_flops(tokens, dim, hidden)
    pixels = 3 * shape.patch[0] * shape.patch[1]
    return linear_flops(patches, pixels, dim) + shape.num_layers * layer


def backbone_peak_bytes(shape: BackboneShape, size: StepSize, tokens_per_frame: int) -> int:
    """The most that encoding a clip holds: within a layer, or when all frames are put together."""
    num_frames = size.batch_size * size.clip_frames
    batch = min(shape.config.frames_per_batch, num_frames)
    patches = shape.num_patches(size.frame_height, size.frame_width)
    vector = shape.width * size.number_bytes
    pooled = tokens_per_frame * vector
    is_pooled = tokens_per_frame < patches
    given = pooled if is_pooled else (patches + shape.num_other_tokens) * vector
    layer = _layer_peak_bytes(shape, size, patches + shape.num_other_tokens)
    last = num_frames % batch or batch
    before = num_frames - last
    # Frames go through in batches, and the outputs of earlier batches are held. The last batch has
    # most outputs before it, but may be smaller than the one before.
    encoding = [before * given + last * layer, max(before - batch, 0) * given + batch * layer]
    return max(*encoding, num_frames * (given + pooled))


def _layer_peak_bytes(shape: BackboneShape, size: StepSize, num_tokens: int) -> int:
    """The most that a layer holds for one frame, with the embeddings that the encoder holds."""
    tokens = num_tokens * shape.width * size.number_bytes
    hidden = num_tokens * shape.hidden_width * size.number_bytes
    embedded = tokens if shape.num_layers > 1 else 0
    holds_pictures = shape.config.model_type in ("vit", "dinov3_vit")
    if holds_pictures and size.dtype != torch.float32:  # as converted, to the end
        embedded += 3 * size.frame_height * size.frame_width * size.number_bytes
    num_hidden = 3 if shape.is_gated or shape.option("hidden_act") == "quick_gelu" else 2
    mlp = 3 * tokens + num_hidden * hidden  # its input, attention added, the norm of that
    # Its input and the norm of that; queries, keys and values; what was attended, put in order.
    # Rotary positions: turned queries, turned keys, and the same with the class token.
    attention = (2 + 3 + (2 if _has_positions(shape) else 4)) * tokens
    return embedded + max(mlp, attention)


def _layer_parameters(shape: BackboneShape) -> int:
    width, hidden, is_dinov3 = shape.width, shape.hidden_width, not _has_positions(shape)
    total = 2 * norm_parameters(width)
    if is_dinov3:
        biases = {"query_bias": True, "key_bias": False, "value_bias": True, "proj_bias": True}
        for name, default in biases.items():
            has_bias = shape.config.options.get(name, default)
            total += linear_parameters(width, width, has_bias=bool(has_bias))
    else:
        total += 3 * linear_parameters(width, width, has_bias=bool(shape.option("qkv_bias")))
        total += linear_parameters(width, width)
    has_bias = bool(shape.config.options.get("mlp_bias", True)) if is_dinov3 else True
    total += (2 if shape.is_gated else 1) * linear_parameters(width, hidden, has_bias=has_bias)
    total += linear_parameters(hidden, width, has_bias=has_bias)
    # LayerScale: a factor per channel after attention and after the MLP.
    has_scales = shape.is_dinov2 or is_dinov3
    return total + (2 * width if has_scales else 0)


def _has_mask_token(shape: BackboneShape) -> bool:  # held, though only pre-training uses it
    if shape.config.model_type == "dinov2":
        return bool(shape.config.options.get("use_mask_token", True))
    return shape.config.model_type in ("dinov2_with_registers", "dinov3_vit")


def _has_positions(shape: BackboneShape) -> bool:  # else they are rotary, computed for each size
    return shape.config.model_type != "dinov3_vit"


def _num_positions(shape: BackboneShape) -> int:
    if not _has_positions(shape):
        return 0
    has_class = FAMILIES[shape.config.model_type].has_class_token
    return has_class + shape.num_patches(*_pair(shape.option("image_size")))


def _pair(value: int | list[int] | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
