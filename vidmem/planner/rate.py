"""Clips per second of a model's step, measured with random weights and a full memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.interface import ModelConfig, Network
from vidmem.planner.architectures import cost_record
from vidmem.planner.measure import measure
from vidmem.planner.sizing import StepSize

NUM_CALLS = 4


def measure_clips_per_second(
    config: ModelConfig,
    size: StepSize,
    device: torch.device,
    backbone: BackboneConfig | None = None,
    *,
    num_calls: int = NUM_CALLS,
    on_step: Callable[[int], None] | None = None,
) -> float:
    """Clips of all streams together that one device judges in a second; decoding is not counted.

    Weights are random: a step takes as long whatever their values.

    Args:
        config: The architecture.
        size: Of a step; its `device` is ignored.
        device: Where to measure.
        backbone: Spool's encoder, where its config neither carries nor names a known one.
        num_calls: Steps, the first only to warm up; on CUDA one more comes before.
        on_step: Called before each step with how many were done.

    Raises:
        SettingError: If a Spool's encoder is not known, or nothing of this kind of model.
    """
    model = cost_record(config).random_network(config, backbone).eval().to(device, size.dtype)
    state = full_state(model, size)
    pixels = (size.batch_size, size.clip_frames, 3, size.frame_height, size.frame_width)
    clip = torch.randn(pixels, device=device)
    done = itertools.count()

    def step() -> None:
        if on_step is not None:
            on_step(next(done))
        model.step(clip, state)

    with torch.inference_mode():
        seconds = measure(step, device, num_calls=num_calls).seconds
    return size.batch_size / seconds


def full_state(model: Network, size: StepSize) -> Any:
    """The state of streams whose every slot is written, with zeros."""
    state = model.init_state(size.batch_size, l_mem=size.l_mem, clip_frames=size.clip_frames)
    if not size.l_mem:
        return state
    tensors = state.to_tensors()
    # Zeros cost what any tokens do, but slots count as empty until a clip is noted in them.
    for name in [name for name in tensors if name.endswith("slot_clips")]:
        written = torch.arange(size.l_mem, device=model.device)
        tensors[name] = written.expand(size.batch_size, -1).clone()
    tensors["clip_index"] = tensors["clip_index"] + size.l_mem
    return model.state_from_tensors(tensors)
