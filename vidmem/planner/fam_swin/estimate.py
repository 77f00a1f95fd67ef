"""Bytes and FLOPs of a FAM Swin in closed form; what it holds at its peak is in `peak`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.nn.memory import MemoryAttention
from vidmem.planner.fam_swin.peak import peak_parts
from vidmem.planner.fam_swin.swin_shapes import (
    StageShape,
    bias_places,
    boxed_pairs,
    stage_shapes,
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
    """What a FAM Swin costs in eval mode, its memory full; it has no image encoder."""
    stages = stage_shapes(config, size)
    return Estimate(
        weight_bytes=num_parameters(config) * size.number_bytes,
        table_bytes=_table_bytes(stages, size.device, size.number_bytes),
        state_bytes=state_bytes(config, size),
        live=tuple(peak_parts(config, stages, size)),
        flops=joined(_flops(config, stages, size)),
    )


def random_fam_swin(config: FamSwinConfig, backbone: BackboneConfig | None = None) -> FamSwin:
    """A FAM Swin with random weights; it has no image encoder."""
    return FamSwin(config)


def num_parameters(config: FamSwinConfig) -> int:
    """Of the network, memory included."""
    tubelet_values = 3 * math.prod(config.tubelet_size)
    total = linear_parameters(tubelet_values, config.embed_dim) + norm_parameters(config.embed_dim)
    bias_rows = math.prod(2 * length - 1 for length in config.attention_window)
    for stage in (1, 2, 3, 4):
        width, heads = config.width(stage), config.num_heads[stage - 1]
        total += config.depths[stage - 1] * (block_parameters(width) + bias_rows * heads)
    for stage in (1, 2, 3):
        width = config.width(stage)
        total += norm_parameters(4 * width)
        total += linear_parameters(4 * width, 2 * width, has_bias=False)
    total += norm_parameters(config.width(4)) + linear_parameters(
        config.width(4), config.num_classes
    )
    memory_stages = config.memory.stages if config.memory else ()
    return total + sum(memory_parameters(config.width(stage)) for stage in memory_stages)


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
    batch, tubelet_values = size.batch_size, 3 * math.prod(config.tubelet_size)
    embedding = linear_flops(batch * stages[0].num_tokens, tubelet_values, config.embed_dim)
    yield Part("patch embedding", embedding)
    for stage in stages:
        if stage.stage > 1:
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
