"""What a plan is made for: a model, a step, a device, and how fast it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch

from vidmem.errors import SettingError
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.device import fastest_dtype
from vidmem.models.interface import ModelCard, ModelConfig
from vidmem.planner.architectures import cost_record
from vidmem.planner.estimate import estimate
from vidmem.planner.sizing import DeviceKind, StepSize


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What is to run, and on what."""

    config: ModelConfig
    """The model."""

    size: StepSize
    """Of a step; its `batch_size` is how many streams take a step together, at most."""

    fps: float
    """Sampled frames per second of source time."""

    window_stride: int
    """Sampled frames from one clip's start to the next one's."""

    device_bytes: int
    """Memory of the device."""

    free_share: float = 0.1
    """Of the device's memory, left for the driver, the allocator's slack and other programs."""

    backbone: BackboneConfig | None = None
    """Spool's encoder, where its config neither carries nor names a known one."""

    clips_per_second: float | None = None
    """What the device computes, all streams together; None: not known."""

    decode_speed: float | None = None
    """Seconds of video decoded in a second, all streams together; None: not known."""

    def __post_init__(self) -> None:
        if self.device_bytes < 1:
            raise SettingError(f"the device must have memory, got {self.device_bytes} bytes")
        if not 0 <= self.free_share < 1:
            raise SettingError(f"free_share must be from 0 to below 1, got {self.free_share}")
        for name in ("fps", "window_stride", "clips_per_second", "decode_speed"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise SettingError(f"{name} must be above 0, got {value}")
        _check_clip(self.config, self.size.clip_frames, self.window_stride)

    @property
    def uncounted_encoder(self) -> str | None:
        """The name of an image encoder whose size is not known, so that it is left out."""
        uncounted = cost_record(self.config).uncounted_encoder
        return uncounted(self.config, self.backbone) if uncounted else None

    @property
    def has_memory(self) -> bool:
        """Whether the model remembers anything."""
        return self.config.traits(self.size.clip_frames).has_memory

    @property
    def memory_every(self) -> int:
        """Every n-th clip is remembered."""
        return self.config.traits(self.size.clip_frames).memory_every


def request_for(
    config: ModelConfig,
    card: ModelCard,
    *,
    device: DeviceKind,
    device_bytes: int,
    **given: Any,
) -> PlanRequest:
    """A request for a model as its card wants it, except for what is given.

    Args:
        config: The model.
        card: How it wants its videos sampled.
        device: What kind.
        device_bytes: Its memory.
        **given: Fields of `StepSize` and `PlanRequest`; None stands for one that is not given.

    Raises:
        SettingError: If the result is impossible.
    """
    given = {name: value for name, value in given.items() if value is not None}
    clip_frames = given.get("clip_frames", card.clip_frames)
    size = StepSize(
        batch_size=given.get("batch_size", 1),
        clip_frames=clip_frames,
        frame_height=given.get("frame_height", card.frame_height),
        frame_width=given.get("frame_width", card.frame_width),
        l_mem=_l_mem(config, clip_frames, given.get("l_mem")),
        device=device,
    )
    size = replace(size, dtype=given.get("dtype") or _dtype(config, size, given.get("backbone")))
    is_back_to_back = card.window_stride == card.clip_frames
    stride = clip_frames if is_back_to_back else card.window_stride
    settings = ("free_share", "backbone", "clips_per_second", "decode_speed")
    return PlanRequest(
        config=config,
        size=size,
        fps=given.get("fps", card.fps),
        window_stride=given.get("window_stride", stride),
        device_bytes=device_bytes,
        **{name: given[name] for name in settings if name in given},
    )


def memory_of_this_machine(device: DeviceKind) -> int:
    """Bytes of its main memory, or of its first GPU.

    Raises:
        SettingError: If there is no GPU.
    """
    if device == "cpu":
        return psutil.virtual_memory().total
    if not torch.cuda.is_available():
        raise SettingError("there is no CUDA device here; say how much memory it has, in GB")
    return torch.cuda.get_device_properties(0).total_memory


def _l_mem(config: ModelConfig, clip_frames: int, given: int | None) -> int:
    traits = config.traits(clip_frames)
    if not traits.has_memory and given:
        raise SettingError(f"this model has no memory, so l_mem must be 0, got {given}")
    return traits.l_mem if given is None else given


def _dtype(config: ModelConfig, size: StepSize, backbone: BackboneConfig | None) -> torch.dtype:
    cost = estimate(config, size, backbone)
    # By the number of weights: on a CPU a small model may be faster in float32.
    return fastest_dtype(cost.weight_bytes // size.number_bytes, torch.device(size.device))


def _check_clip(config: ModelConfig, clip_frames: int, window_stride: float) -> None:
    traits = config.traits(clip_frames)
    if clip_frames % traits.frames_multiple:
        raise SettingError(
            f"clip_frames must be a multiple of {traits.frames_multiple} for this model, got "
            f"{clip_frames}"
        )
    if traits.encodes_frames_once and window_stride != clip_frames:
        raise SettingError(
            "window_stride must be clip_frames for this model, which encodes every frame once, "
            f"got {window_stride} and {clip_frames}"
        )
