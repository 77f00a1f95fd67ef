"""What a kind of image encoder has to answer, so that `Backbone` needs to know no kind.

Shapes: N pictures, C colours, H W pixels, P patches, D width, G width of the summary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class EncodedPictures:
    """What an encoder makes of pictures."""

    patches: Tensor
    """`[N, P, D]`, rows of the picture one after the other; nothing is pooled yet."""

    summary: Tensor
    """`[N, G]`, one vector for all of a picture; it holds no memory of the patches' tensor."""


class EncoderFamily(ABC):
    """A kind of encoders: how one is made, and what is read from it."""

    most_pictures_on_cpu: int | None = None
    """More at a time are slower there; `None`: more are no slower."""

    @abstractmethod
    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse options that vidmem cannot work with.

        Raises:
            ValueError: If there are such.
        """

    @abstractmethod
    def make(self, options: Mapping[str, Any]) -> nn.Module:
        """An encoder with random weights.

        Raises:
            CheckpointError: If the options are not those of such an encoder.
        """

    @abstractmethod
    def width(self, encoder: nn.Module) -> int:
        """D."""

    def summary_width(self, encoder: nn.Module) -> int:
        """G."""
        return self.width(encoder)

    @abstractmethod
    def patch_size(self, encoder: nn.Module) -> tuple[int, int]:
        """Height and width of a patch in pixels."""

    def patch_grid(self, encoder: nn.Module, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches; pixels beyond the last whole patch are unseen."""
        patch = self.patch_size(encoder)
        return height // patch[0], width // patch[1]

    @abstractmethod
    def encode(self, encoder: nn.Module, pictures: Tensor) -> EncodedPictures:
        """Encode pictures `[N, C, H, W]`; the results are in the dtype of the weights.

        Raises:
            CheckpointError: If the encoder does not give a token for each patch.
        """
