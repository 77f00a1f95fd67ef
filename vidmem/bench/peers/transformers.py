"""Video models of `transformers`, with random weights: peers that forget each clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class VideoPeer:
    """A model of the base size, ready to be timed."""

    name: str
    num_parameters: int
    run: Callable[[], object]
    """Classify the clip."""


def make_peer(name: str, clip: Tensor) -> VideoPeer:
    """`TimeSformer` or `VideoMAE` for clips `[B, T, 3, H, W]` of that size, device and dtype."""
    # Here, since it is optional and takes seconds to import.
    from transformers import (
        TimesformerConfig,
        TimesformerForVideoClassification,
        VideoMAEConfig,
        VideoMAEForVideoClassification,
    )

    sizes: dict[str, Any] = {"num_frames": clip.shape[1], "image_size": clip.shape[3]}
    torch.manual_seed(0)
    model: Any = (
        TimesformerForVideoClassification(TimesformerConfig(**sizes))
        if name == "TimeSformer"
        else VideoMAEForVideoClassification(VideoMAEConfig(**sizes))
    )
    model = model.eval().to(clip.device, clip.dtype)
    num_parameters = sum(p.numel() for p in model.parameters())
    return VideoPeer(name, num_parameters, lambda: model(clip))
