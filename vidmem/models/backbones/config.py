"""Which image encoder: its kind, its options, and what is made of its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from vidmem.models.interface import Preprocessing


@dataclass(frozen=True)
class EncoderFamily:
    """What differs between the kinds of encoders."""

    config_class: str
    model_class: str
    has_class_token: bool = True
    must_ask_to_interpolate: bool = True
    """Whether frames of another size than the one trained on need a flag."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Set in every config of the family: they leave out parts that give no patch tokens."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Given to the model class, always; for the same reason."""


FAMILIES: dict[str, EncoderFamily] = {
    "dinov2": EncoderFamily("Dinov2Config", "Dinov2Model", must_ask_to_interpolate=False),
    "dinov2_with_registers": EncoderFamily(
        "Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", must_ask_to_interpolate=False
    ),
    "dinov3_vit": EncoderFamily("DINOv3ViTConfig", "DINOv3ViTModel", must_ask_to_interpolate=False),
    "vit": EncoderFamily("ViTConfig", "ViTModel", arguments={"add_pooling_layer": False}),
    "clip_vision_model": EncoderFamily("CLIPVisionConfig", "CLIPVisionModel"),
    "siglip_vision_model": EncoderFamily(
        "SiglipVisionConfig",
        "SiglipVisionModel",
        has_class_token=False,
        options={"vision_use_head": False},
    ),
}


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """An encoder without its weights; `asdict` of it can be written as JSON."""

    model_type: str = "dinov2"
    """One of Hugging Face's: `dinov2`, `dinov2_with_registers`, `dinov3_vit`, `vit`,
    `clip_vision_model`, `siglip_vision_model`."""

    options: dict[str, Any] = field(default_factory=dict)
    """Options of the Hugging Face config; what is left out has its default."""

    tokens_per_frame: int | None = 64
    """Patch tokens are averaged to as many; `None`, or no fewer than there are: left as they
    are."""

    is_frozen: bool = True
    """No gradients, and eval mode even in training."""

    frames_per_batch: int = 32
    """Frames encoded at a time."""

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    """The pictures that the encoder knows."""

    def __post_init__(self) -> None:
        if self.model_type not in FAMILIES:
            raise ValueError(
                f"model_type must be one of {', '.join(FAMILIES)}, got {self.model_type!r}"
            )
        if self.tokens_per_frame is not None and self.tokens_per_frame < 1:
            raise ValueError(f"tokens_per_frame must be at least 1, got {self.tokens_per_frame}")
        if self.frames_per_batch < 1:
            raise ValueError(f"frames_per_batch must be at least 1, got {self.frames_per_batch}")
        size = self.options.get("image_size", 0)
        if self.model_type != "dinov3_vit" and isinstance(size, list | tuple) and len({*size}) > 1:
            raise ValueError(
                f"image_size must be one number, got {size}: places are learned on a square and "
                "interpolated for frames of other shapes"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`, also after JSON.

        Raises:
            ValueError: If a value is not allowed.
            TypeError: If a name is unknown.
        """
        preprocessing = Preprocessing(**values.get("preprocessing", {}))
        return cls(**{**values, "preprocessing": preprocessing})
