"""Models, full states, and what a step of them costs when it is measured."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import only_new_garbage
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.spool.model import Spool
from vidmem.nn.attention_windows import window_plan
from vidmem.planner.fam_swin.estimate import random_fam_swin
from vidmem.planner.sizing import StepSize
from vidmem.planner.spool.estimate import random_spool
from vidmem.planner.tensor_bytes import LiveBytes

SMALL = StepSize(clip_frames=8, frame_height=64, frame_width=96, l_mem=3)


@dataclass(frozen=True)
class Cost:
    """What was measured of a model at one size."""

    weight_bytes: int
    table_bytes: int
    state_bytes: int
    activation_bytes: int
    flops: int


@only_new_garbage()
def cost_of_fam_swin(config, size, backbone=None):
    window_plan.cache_clear()  # so that what it keeps is made, and seen, here
    with torch.no_grad(), LiveBytes() as all_made:
        model = random_fam_swin(config, backbone).eval().to(size.dtype)
        state = _full(model.init_state(size.batch_size, l_mem=size.l_mem))
        clip = _clip(size)
        model.step(clip, state)
        gc.collect()
        held_bytes = all_made.held_bytes - state.num_bytes - clip.nbytes
    return _cost(model, lambda: model.step(clip, state), state, held_bytes)


@only_new_garbage()
def cost_of_spool(config, size, backbone=None):
    with torch.no_grad(), LiveBytes() as all_made:
        model = random_spool(config, backbone) if backbone else Spool(config)
        model = model.eval().to(size.dtype)
        gc.collect()
        held_bytes = all_made.held_bytes
    state = _full(model.init_state(size.batch_size, l_mem=size.l_mem, clip_frames=size.clip_frames))
    if backbone is not None:
        clip = _clip(size)
        return _cost(model, lambda: model.step(clip, state), state, held_bytes)
    num_frames = config.num_seen_frames(size.clip_frames)
    shape = (size.batch_size, num_frames, config.tokens_per_frame, config.feature_dim)
    features = torch.randn(shape).to(size.dtype)
    # The encoder would have made the features within the step: so does this.
    return _cost(model, lambda: model.step_features(features.clone(), state), state, held_bytes)


def tiny_encoder(kind="dinov2", **options):
    given = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    given |= {"patch_size": 8, "image_size": 64, "intermediate_size": 192}
    if kind.startswith("dinov2"):
        del given["intermediate_size"]
    return BackboneConfig(model_type=kind, options=given | options, tokens_per_frame=16)


def count_flops(call):
    with FlopCounterMode(display=False, custom_mapping=_FOR_CPU) as counter, torch.no_grad():
        call()
    return counter.get_total_flops()


def _cost(model, call, state, held_bytes):
    with torch.no_grad():
        call()
        with LiveBytes() as live:
            output = call()
        del output
    weight_bytes = sum(p.nbytes for p in model.parameters())
    return Cost(
        weight_bytes=weight_bytes,
        table_bytes=held_bytes - weight_bytes,
        state_bytes=state.num_bytes,
        activation_bytes=live.peak_bytes,
        flops=count_flops(call),
    )


def _full(state):
    """The state as if every slot had been written."""
    slots = torch.arange(state.l_mem).expand(len(state.clip_index), -1).clone()
    after = {"clip_index": state.clip_index + state.l_mem}
    if hasattr(state, "queues"):
        after["queues"] = tuple(replace(queue, slot_clips=slots) for queue in state.queues)
    else:
        after["queue"] = replace(state.queue, slot_clips=slots)
    return replace(state, **after)


def _clip(size):
    return torch.randn(size.batch_size, size.clip_frames, 3, size.frame_height, size.frame_width)


def _attention_flops(query, key, value, *_, out_shape=None, **__):
    """Of torch's fused attention on CPUs, which its counter does not know."""
    batch, heads, queries, width = query
    return 4 * batch * heads * queries * key[2] * width


_FOR_CPU = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
