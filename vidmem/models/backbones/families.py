"""The kinds of image encoders that vidmem knows, by the name that a config has them under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor, nn

from vidmem.errors import CheckpointError
from vidmem.models.backbones.efficientnet_lite import (
    CELL_PIXELS,
    HEAD_CHANNELS,
    VARIANTS,
    EfficientNetLite,
)
from vidmem.models.backbones.family import EncodedPictures, EncoderFamily
from vidmem.models.backbones.hugging_face import HUGGING_FACE

EFFICIENTNET_LITE = "efficientnet_lite"
DEFAULT_VARIANT = "lite2"


class EfficientNetLiteFamily(EncoderFamily):
    """EfficientNet-Lite: cells of stage 7 for patches, the pooled head for a summary."""

    # Maps of the first stages then stay in the caches, and below the size from which the C library
    # gives memory back to the system after each use: 32 at a time take a fifth to a third longer.
    most_pictures_on_cpu = 4

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse all options but a known variant."""
        unknown = sorted(options.keys() - {"variant"})
        if unknown:
            raise ValueError(f"an {EFFICIENTNET_LITE} has the option variant, got {unknown}")
        if variant_of(options) not in VARIANTS:
            raise ValueError(
                f"variant must be one of {', '.join(VARIANTS)}, got {variant_of(options)!r}"
            )

    def make(self, options: Mapping[str, Any]) -> nn.Module:
        """An encoder with random weights."""
        try:
            self.check_options(options)
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        return EfficientNetLite(variant_of(options))

    def width(self, encoder: nn.Module) -> int:
        """D."""
        return cast(EfficientNetLite, encoder).num_channels

    def summary_width(self, encoder: nn.Module) -> int:
        """G."""
        return HEAD_CHANNELS

    def patch_size(self, encoder: nn.Module) -> tuple[int, int]:
        """Height and width of a cell in pixels."""
        return CELL_PIXELS, CELL_PIXELS

    def patch_grid(self, encoder: nn.Module, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of cells; those at the edge may reach beyond the picture."""
        return -(-height // CELL_PIXELS), -(-width // CELL_PIXELS)

    def encode(self, encoder: nn.Module, pictures: Tensor) -> EncodedPictures:
        """The cells of stage 7 and the pooled head."""
        features = cast(EfficientNetLite, encoder)(pictures)
        return EncodedPictures(features.maps.flatten(2).transpose(1, 2), features.pooled)


def variant_of(options: Mapping[str, Any]) -> str:
    """Which EfficientNet-Lite the options of a config say."""
    return str(options.get("variant", DEFAULT_VARIANT))


FAMILIES: dict[str, EncoderFamily] = {
    **HUGGING_FACE,
    EFFICIENTNET_LITE: EfficientNetLiteFamily(),
}
