"""Video networks of others, for clips one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from vidmem.errors import SettingError
from vidmem.models.baselines.packaged_video import PACKAGED_VIDEO, make_packaged_video
from vidmem.models.baselines.transformers_video import VIDEO_MODELS, make_transformers_video
from vidmem.training.runs.kinds import NetworkKind, PixelFacts


@dataclass(frozen=True, kw_only=True)
class TransformersVideoConfig:
    """A video classifier of `transformers`."""

    model_type: Literal["timesformer", "vivit", "videomae", "vjepa2"] = "timesformer"

    folder: str = ""
    """A folder as `save_pretrained` writes it: its weights, and its config but for the classes.
    Empty: random weights."""

    options: Mapping[str, Any] | None = None
    """Of its `transformers` config, where there is no folder; frames and size are those of the
    task."""

    def __post_init__(self) -> None:
        assert self.model_type in VIDEO_MODELS
        if self.folder and self.options is not None:
            raise SettingError("give one of folder and options")


@dataclass(frozen=True, kw_only=True)
class PackagedVideoConfig:
    """A video classifier of torchvision or pytorchvideo, with random weights."""

    network: str = "mvit_v2_s"
    """torchvision: `mvit_v1_b`, `mvit_v2_s`, `swin3d_t`, `r3d_18`, `r2plus1d_18`, `s3d`.
    pytorchvideo: `slowfast_r50`, `i3d_r50`."""

    weights: str = ""
    """A file of its weights; the head is kept where there are as many classes."""

    def __post_init__(self) -> None:
        if self.network not in PACKAGED_VIDEO:
            known = ", ".join(PACKAGED_VIDEO)
            raise SettingError(f"network must be one of {known}, got {self.network!r}")


def _transformers(config: TransformersVideoConfig, facts: PixelFacts) -> nn.Module:
    card = facts.card
    if card.frame_height != card.frame_width:
        raise SettingError(
            f"{config.model_type} takes square frames, got {card.frame_height} x {card.frame_width}"
        )
    return make_transformers_video(
        config.model_type,
        num_classes=facts.num_classes,
        num_frames=card.clip_frames,
        image_size=card.frame_height,
        folder=config.folder,
        options=config.options or {},
    )


def _packaged(config: PackagedVideoConfig, facts: PixelFacts) -> nn.Module:
    return make_packaged_video(
        config.network, num_classes=facts.num_classes, weights=config.weights
    )


TRANSFORMERS = NetworkKind(
    name="transformers", form="clips", config=TransformersVideoConfig, make=_transformers
)
PACKAGED = NetworkKind(name="packaged", form="clips", config=PackagedVideoConfig, make=_packaged)
