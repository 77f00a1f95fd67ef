"""Clips per second of a model's step, measured with random weights and a full memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from vidmem.errors import SettingError
from vidmem.models.backbone_config import BackboneConfig
from vidmem.models.backbones import Backbone
from vidmem.models.fam_swin import FamSwin
from vidmem.models.fam_swin_config import FamSwinConfig
from vidmem.models.spool import Spool
from vidmem.models.spool_config import SpoolConfig
from vidmem.profiling.estimate_backbone import backbone_of
from vidmem.profiling.measure import measure
from vidmem.profiling.sizing import StepSize

NUM_CALLS = 4


def measure_clips_per_second(
    config: FamSwinConfig | SpoolConfig,
    size: StepSize,
    device: torch.device,
    backbone: BackboneConfig | None = None,
    *,
    num_calls: int = NUM_CALLS,
    on_step: Callable[[int], None] | None = None,
) -> float:
    """Clips of all streams together that one device judges in a second.

    The numbers that weights have do not change what a step takes, so none are loaded. Decoding is
    not part of it.

    Args:
        config: The architecture.
        size: Of a step; its `device` is of no account here.
        device: Where to measure.
        backbone: Spool's encoder, where its config neither carries nor names a known one.
        num_calls: Steps, the first only to warm up; on CUDA one more comes before.
        on_step: Told, before each step, how many were taken.

    Raises:
        SettingError: If a Spool's encoder is not known.
    """
    model = _make(config, backbone).eval().to(device, size.dtype)
    state = full_state(model, size)
    pixels = (size.batch_size, size.clip_frames, 3, size.frame_height, size.frame_width)
    clip = torch.randn(pixels, device=device)
    taken = itertools.count()

    def step() -> None:
        if on_step is not None:
            on_step(next(taken))
        model.step(clip, state)

    with torch.inference_mode():
        seconds = measure(step, device, num_calls=num_calls).seconds
    return size.batch_size / seconds


def full_state(model: FamSwin | Spool, size: StepSize) -> Any:
    """The state of streams whose every slot is written, with zeros."""
    state = model.init_state(size.batch_size, l_mem=size.l_mem, clip_frames=size.clip_frames)
    tensors = state.to_tensors()
    for name in [name for name in tensors if name.endswith("slot_clips")]:
        written = torch.arange(size.l_mem, device=model.device)
        tensors[name] = written.expand(size.batch_size, -1).clone()
    tensors["clip_index"] = tensors["clip_index"] + size.l_mem
    return model.state_from_tensors(tensors)


def _make(config: FamSwinConfig | SpoolConfig, backbone: BackboneConfig | None) -> FamSwin | Spool:
    if isinstance(config, FamSwinConfig):
        return FamSwin(config)
    backbone = backbone or backbone_of(config)
    if backbone is None:
        raise SettingError(
            f"the encoder {config.backbone} is not known here, so its speed cannot be measured; "
            "give --clips-per-second instead"
        )
    return Spool(config, backbone=Backbone(backbone))
