"""The pixels of a window as a model gets them."""

from __future__ import annotations

from torch import Tensor

from vidmem.models.interface import StreamModel
from vidmem.video.transforms import to_clip


def to_model_clip(pixels: Tensor, model: StreamModel) -> Tensor:
    """Pixels uint8 `[T, H, W, 3]` as the model's card wants them: `[1, T, 3, H, W]`."""
    card = model.card
    is_cropped = card.resize == "crop"
    return to_clip(
        pixels,
        mean=card.mean,
        std=card.std,
        crop=(card.frame_height, card.frame_width) if is_cropped else None,
        dtype=model.dtype,
        device=model.device,
    )
