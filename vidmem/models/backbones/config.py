"""Which image encoder: its kind, its options, and what is made of its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from vidmem.models.backbones.families import FAMILIES
from vidmem.models.interface import Preprocessing


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """An encoder without its weights; `asdict` of it can be written as JSON."""

    model_type: str = "dinov2"
    """`efficientnet_lite`, or one of Hugging Face's: `dinov2`, `dinov2_with_registers`,
    `dinov3_vit`, `vit`, `clip_vision_model`, `siglip_vision_model`."""

    options: dict[str, Any] = field(default_factory=dict)
    """Options of the Hugging Face config, or the `variant` of EfficientNet-Lite (`lite2`, `lite0`);
    what is left out has its default."""

    tokens_per_frame: int | None = 64
    """Patch tokens are averaged to as many; `None`, or no fewer than there are: left as they
    are."""

    is_frozen: bool = True
    """No gradients, and eval mode even in training."""

    frames_per_batch: int = 32
    """Frames encoded at a time, at most: an EfficientNet-Lite takes 4 on a CPU, where more are
    slower."""

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
        FAMILIES[self.model_type].check_options(self.options)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`, also after JSON.

        Raises:
            ValueError: If a value is not allowed.
            TypeError: If a name is unknown.
        """
        preprocessing = Preprocessing(**values.get("preprocessing", {}))
        return cls(**{**values, "preprocessing": preprocessing})
