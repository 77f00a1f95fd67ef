"""Video classifiers of `transformers`, on clips as vidmem has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from vidmem.errors import CheckpointError, SettingError, WeightsNotAvailableError


@dataclass(frozen=True)
class TransformersVideo:
    """One of them: its classes in `transformers`, and what its config calls things."""

    config_class: str
    model_class: str
    source: str
    num_frames: str = "num_frames"
    image_size: str = "image_size"
    input: str = "pixel_values"


VIDEO_MODELS = {
    "timesformer": TransformersVideo(
        "TimesformerConfig", "TimesformerForVideoClassification", "Bertasius et al., 2102.05095"
    ),
    "vivit": TransformersVideo(
        "VivitConfig", "VivitForVideoClassification", "Arnab et al., 2103.15691, model 1"
    ),
    "videomae": TransformersVideo(
        "VideoMAEConfig", "VideoMAEForVideoClassification", "Tong et al., 2203.12602"
    ),
    "vjepa2": TransformersVideo(
        "VJEPA2Config",
        "VJEPA2ForVideoClassification",
        "Assran et al., 2506.09985",
        num_frames="frames_per_clip",
        image_size="crop_size",
        input="pixel_values_videos",
    ),
}
"""By model type."""


class TransformersVideoClassifier(nn.Module):
    """A classifier of clips.

    Args:
        kind: Which one.
        network: Of the class that `kind` names.
    """

    def __init__(self, kind: TransformersVideo, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._input = kind.input

    def forward(self, clips: Tensor) -> Tensor:
        """`[B, T, 3, H, W]` to logits `[B, C]`."""
        return self.network(**{self._input: clips}).logits


def make_transformers_video(
    model_type: str,
    *,
    num_classes: int,
    num_frames: int,
    image_size: int,
    folder: str = "",
    options: Mapping[str, Any],
) -> TransformersVideoClassifier:
    """A classifier of random weights, or with those of a folder under a head for these classes.

    Args:
        model_type: One of `VIDEO_MODELS`.
        num_classes: C.
        num_frames: T, of a clip.
        image_size: H and W.
        folder: As `save_pretrained` writes it; empty: random weights.
        options: Of the config, where there is no folder.

    Raises:
        SettingError: If the options are not those of its config.
        WeightsNotAvailableError: If there is no such folder.
        CheckpointError: If it is damaged or of another kind.
    """
    import transformers

    kind = VIDEO_MODELS[model_type]
    sizes = {kind.num_frames: num_frames, kind.image_size: image_size}
    config_class = getattr(transformers, kind.config_class)
    model_class = getattr(transformers, kind.model_class)
    if not folder:
        try:
            config = config_class(**{**options, **sizes}, num_labels=num_classes)
            return TransformersVideoClassifier(kind, model_class(config))
        except (TypeError, ValueError, RuntimeError, AttributeError, StrictDataclassError) as error:
            raise SettingError(f"these are no options of a {model_type}: {error}") from error
    if not Path(folder).is_dir():
        raise WeightsNotAvailableError(
            f"there is no folder {folder}; put a {model_type} there, as save_pretrained writes it"
        )
    try:
        network = model_class.from_pretrained(
            folder,
            num_labels=num_classes,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # the head, of other classes
            dtype=torch.float32,
            **sizes,
        )
    except (OSError, ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be read as a {model_type}: {error}") from error
    return TransformersVideoClassifier(kind, network)
