"""Bytes and FLOPs of a FAM Swin in closed form; what it holds at its peak is in `peak`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from vidmem.errors import SettingError
from vidmem.models.backbones.backbone import Backbone
from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.nn.memory import MemoryAttention
from vidmem.planner.encoders.known import encoder_shape, named_backbone
from vidmem.planner.encoders.piece import EncoderShape, encoding_peak_bytes
from vidmem.planner.fam_swin.peak import feature_bytes, peak_parts
from vidmem.planner.fam_swin.swin_shapes import (
    StageShape,
    bias_places,
    boxed_pairs,
    stage_shapes,
)
from vidmem.planner.features import (
    FLOAT_BYTES,
    feature_flops,
    motion_peak_bytes,
    picture_bytes,
    reduction_bytes,
)
from vidmem.planner.sizing import (
    INDEX_BYTES,
    SLOT_BYTES,
    DeviceKind,
    Estimate,
    Part,
    StepSize,
    attention_flops,
    joined,
    linear_flops,
    linear_parameters,
    norm_parameters,
)


def estimate_fam_swin(
    config: FamSwinConfig, size: StepSize, backbone: BackboneConfig | None = None
) -> Estimate:
    """What a FAM Swin costs in eval mode, its memory full.

    One on features is counted with its image encoder, where that is known or given; else the
    features are taken to come from elsewhere.
    """
    stages = stage_shapes(config, size)
    own = Estimate(
        weight_bytes=num_parameters(config) * size.number_bytes,
        table_bytes=_table_bytes(stages, size.device, size.number_bytes),
        state_bytes=state_bytes(config, size),
        live=tuple(peak_parts(config, stages, size)),
        flops=joined(_flops(config, stages, size)),
    )
    encoder = _backbone(config, backbone)
    if config.features is None or encoder is None:
        return own
    return _with_encoder(own, config.features, size, encoder_shape(encoder))


def random_fam_swin(config: FamSwinConfig, backbone: BackboneConfig | None = None) -> FamSwin:
    """A FAM Swin with random weights, its encoder's too where it has one.

    Raises:
        SettingError: If its encoder is not known.
    """
    if config.features is None:
        return FamSwin(config)
    encoder = _backbone(config, backbone)
    if encoder is None:
        raise SettingError(
            f"the encoder {config.features.backbone} is not known here, so its speed cannot be "
            "measured; give --clips-per-second instead"
        )
    features = replace(config.features, backbone_sha256="")  # no encoder of random weights has it
    own = FeatureEncoder(features, Backbone(encoder))
    own.reduction.motion_std.fill_(1)  # nothing is divided by zero
    return FamSwin(replace(config, features=features), encoder=own)


def uncounted_encoder(config: FamSwinConfig, backbone: BackboneConfig | None = None) -> str | None:
    """The name of an encoder whose size is not known, so that an estimate leaves it out."""
    is_counted = config.features is None or _backbone(config, backbone) is not None
    return None if is_counted or config.features is None else config.features.backbone


def _backbone(config: FamSwinConfig, given: BackboneConfig | None) -> BackboneConfig | None:
    if config.features is None:
        return None
    tokens = config.features.tokens_per_frame
    if given is not None:
        return replace(given, tokens_per_frame=tokens)
    return named_backbone(config.features.backbone, tokens)


def _with_encoder(
    own: Estimate, features: FeatureConfig, size: StepSize, shape: EncoderShape
) -> Estimate:
    """The rest, and making features of the frames that are encoded."""
    batch, frames = size.batch_size, features.num_feature_frames(size.clip_frames)
    # All of the clip is converted before the frames that are encoded are taken out of it.
    number_bytes = size.number_bytes
    converted = picture_bytes(size, number_bytes) if number_bytes != FLOAT_BYTES else 0
    size = replace(size, clip_frames=frames)
    encoding = encoding_peak_bytes(shape, size, features.tokens_per_frame)
    encoding += picture_bytes(size, number_bytes)
    motion = motion_peak_bytes(features, size, shape.width, number_bytes)
    pictures = batch * frames * shape.flops(size.frame_height, size.frame_width)
    held = feature_bytes(features, size)  # to the end of the step
    return replace(
        own,
        weight_bytes=own.weight_bytes + shape.num_parameters * size.number_bytes,
        table_bytes=own.table_bytes + shape.table_bytes + reduction_bytes(features, shape.width),
        live=(
            Part("encoder", converted + encoding),
            Part("motion", converted + motion),
            *(Part(part.name, part.amount + held) for part in own.live),
        ),
        flops=(
            Part("encoder", pictures),
            Part("features", batch * feature_flops(features, size, shape.width)),
            *own.flops,
        ),
    )


def num_parameters(config: FamSwinConfig) -> int:
    """Of the network, memory included."""
    first = config.stages[0]
    total = linear_parameters(_embedded_values(config), config.width(first))
    total += norm_parameters(config.width(first))
    if config.features is not None:
        total += config.features.tokens_per_frame * config.width(first)
        total += linear_parameters(config.features.feature_dim, config.num_classes)
    for stage in config.stages:
        bias_rows = math.prod(2 * length - 1 for length in config.window(stage))
        width, heads = config.width(stage), config.num_heads[stage - 1]
        total += config.depths[stage - 1] * (block_parameters(width) + bias_rows * heads)
    for stage in config.stages[:-1]:
        width = config.width(stage)
        total += norm_parameters(4 * width)
        total += linear_parameters(4 * width, 2 * width, has_bias=False)
    total += norm_parameters(config.width(4)) + linear_parameters(
        config.width(4), config.num_classes
    )
    memory_stages = config.memory.stages if config.memory else ()
    return total + sum(memory_parameters(config.width(stage)) for stage in memory_stages)


def _embedded_values(config: FamSwinConfig) -> int:
    """Numbers that one token of the first stage is made of."""
    if config.features is not None:
        return config.tubelet_size[0] * config.features.feature_dim
    return 3 * math.prod(config.tubelet_size)


def block_parameters(width: int) -> int:
    """Of a transformer block without its biases per place: two norms, attention, MLP."""
    return (
        2 * norm_parameters(width)
        + linear_parameters(width, 3 * width)
        + linear_parameters(width, width)
        + linear_parameters(width, 4 * width)
        + linear_parameters(4 * width, width)
    )


def memory_parameters(width: int) -> int:
    """Of one attention over memory: norms, projections, no-memory token, ages and gate."""
    ages, no_memory, gate = MemoryAttention.NUM_AGES * width, width, 1
    projections = 4 * linear_parameters(width, width)
    return 2 * norm_parameters(width) + projections + no_memory + ages + gate


def state_bytes(config: FamSwinConfig, size: StepSize) -> int:
    """Of `FamSwinState`: keys and values of each slot and stage, and what is noted beside them."""
    memory = config.memory
    slots = 0
    if memory is not None:
        for stage in memory.stages:
            keys_values = memory.tokens_per_clip * 2 * config.width(stage) * size.number_bytes
            slots += keys_values + SLOT_BYTES
    return size.batch_size * (size.l_mem * slots + INDEX_BYTES)


# Kept, as the FLOPs of a stage are: a plan asks for many lengths of memory, which change neither.
@lru_cache(maxsize=64)
def _table_bytes(stages: tuple[StageShape, ...], device: DeviceKind, number_bytes: int) -> int:
    """Each block's index of relative positions; on a CPU also what it keeps of its biases."""
    total = 0
    for stage in stages:
        plans = stage.plans()
        total += stage.depth * stage.window_tokens**2 * INDEX_BYTES
        # Order and restore of the boxes, and their places, are cached: once for equal blocks.
        for plan in set(plans):
            places = sum(group.tokens_per_box for group in plan.groups)
            total += (plan.num_boxed + plan.num_tokens + places) * INDEX_BYTES
        if device == "cpu":
            numbers = sum(stage.bias_rows + bias_places(plan) for plan in plans)
            total += numbers * stage.num_heads * number_bytes
    return total


def _flops(config: FamSwinConfig, stages: tuple[StageShape, ...], size: StepSize) -> Iterator[Part]:
    batch, first = size.batch_size, stages[0]
    name = "patch embedding" if config.features is None else "feature embedding"
    values = _embedded_values(config)
    yield Part(name, linear_flops(batch * first.num_tokens, values, first.width))
    for stage in stages:
        if stage != first:
            # Four neighbours are joined and projected to twice their width, which is `stage.width`.
            merged = linear_flops(batch * stage.num_tokens, 2 * stage.width, stage.width)
            yield Part("patch merging", merged)
        yield from _stage_flops(stage, batch)
    memory = config.memory
    if memory is not None and size.l_mem:
        for stage in stages:
            if stage.stage in memory.stages:
                yield Part("memory read", memory_read_flops(config, stage, size))
                written = linear_flops(batch * memory.tokens_per_clip, stage.width, 2 * stage.width)
                yield Part("memory write", written)
    yield Part("head", linear_flops(batch, config.width(4), config.num_classes))
    if config.features is not None:
        frames = batch * config.features.num_feature_frames(size.clip_frames)
        linear = linear_flops(frames, config.features.feature_dim, config.num_classes)
        yield Part("linear head", linear)


def memory_read_flops(config: FamSwinConfig, stage: StageShape, size: StepSize) -> int:
    """Of one stage's attention to all memory tokens and the no-memory token, projections included.

    The keys and values of the memory tokens are in the state; those of the no-memory token are made
    once for all streams.
    """
    assert config.memory is not None
    width, num_tokens = stage.width, size.batch_size * stage.num_tokens
    read = 1 + size.l_mem * config.memory.tokens_per_clip
    query_and_output = linear_flops(num_tokens, width, 2 * width)
    no_memory = linear_flops(1, width, 2 * width)
    return query_and_output + no_memory + attention_flops(num_tokens * read, width)


@lru_cache(maxsize=256)
def _stage_flops(stage: StageShape, batch: int) -> tuple[Part, ...]:
    name, width = f"stage {stage.stage}", stage.width
    parts = []
    for plan in stage.plans():
        projections = linear_flops(batch * plan.num_boxed, width, 4 * width)
        pairs = attention_flops(batch * boxed_pairs(plan), width)
        parts.append(Part(f"{name} window attention", projections + pairs))
        parts.append(Part(f"{name} MLP", linear_flops(batch * stage.num_tokens, width, 8 * width)))
    return joined(parts)
