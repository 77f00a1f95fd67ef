"""The tensors that a FAM Swin holds at the places of a step where it holds most.

A step walks through the stages; at each place this adds up what is still referred to. It follows
`vidmem.nn.swin` and `vidmem.models.fam_swin`, so a change there that frees or keeps something is a
change here; a test compares both with what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.features.config import FeatureConfig
from vidmem.nn.swin import cached_tokens
from vidmem.planner.fam_swin.swin_shapes import (
    BoxCount,
    BoxPlan,
    StageShape,
    bias_places,
    different_runs,
)
from vidmem.planner.sizing import SLOT_BYTES, Part, StepSize, piece_bytes


@dataclass(frozen=True)
class _Place:
    """A block of a stage, and what is held around it."""

    stage: StageShape
    plan: BoxPlan
    size: StepSize
    around: int
    """Bytes held by the callers, besides what goes into the block."""

    memory_tokens: int | None = None
    """What the block reads, where it does."""

    @property
    def token_bytes(self) -> int:
        """Of one vector for all streams."""
        return self.size.batch_size * self.stage.width * self.size.number_bytes

    @property
    def grid_bytes(self) -> int:
        """Of one vector for each token."""
        return self.stage.num_tokens * self.token_bytes


def peak_parts(
    config: FamSwinConfig, stages: tuple[StageShape, ...], size: StepSize
) -> Iterator[Part]:
    """Bytes held in each block of each stage, and while memory is written."""
    memory = config.memory
    is_on = memory is not None and size.l_mem > 0
    memory_stages = memory.stages if memory else ()
    read = 1 + size.l_mem * memory.tokens_per_clip if memory is not None and is_on else 0
    outputs = {stage.stage: _grid_bytes(stage, size) for stage in stages}
    keys_values = sum(
        _keys_values(stage, size, read) for stage in stages if stage.stage in memory_stages
    )
    first = min(memory_stages, default=4)
    trunk = outputs[first]

    yield _embedding(config, stages[0], size)
    for stage in stages:
        number = stage.stage
        written = sum(outputs[s] for s in memory_stages if s < number)
        seen: set[_Place] = set()
        for block, plan in enumerate(stage.plans()):
            is_last = block == stage.depth - 1
            if number < first or (number == first and not is_last):
                around = outputs[number] if block else 0
            elif number == first:
                around = keys_values
            else:
                before = 0 if is_last or number - 1 in memory_stages else outputs[number - 1]
                around = keys_values + trunk + written + before
            place = _Place(stage, plan, size, around)
            if is_last and number in memory_stages and is_on:
                place = replace(place, memory_tokens=read)
            if place not in seen:  # many blocks of a stage hold the same
                seen.add(place)
                yield from _block(place)
    if memory is not None and is_on:
        held = keys_values + trunk + sum(outputs[s] for s in {*memory_stages, 4})
        yield _push(config, size, held)


def feature_bytes(features: FeatureConfig, size: StepSize) -> int:
    """Of the features of a clip, in float32: `size` counts feature frames."""
    return size.batch_size * size.clip_frames * features.tokens_per_frame * features.feature_dim * 4


def _feature_embedding(
    config: FamSwinConfig, features: FeatureConfig, stage: StageShape, size: StepSize
) -> Part:
    """Features that may have to be converted and padded, merged, then two of tokens."""
    size = replace(size, clip_frames=features.num_feature_frames(size.clip_frames))
    values = feature_bytes(features, size) // 4
    numbers = size.batch_size * stage.num_tokens * config.tubelet_size[0] * features.feature_dim
    converted = values if size.number_bytes != 4 else 0
    padded = numbers if numbers != values else 0
    held = (converted + padded + numbers) * size.number_bytes
    return Part("feature embedding", held + 2 * _grid_bytes(stage, size))


def _embedding(config: FamSwinConfig, stage: StageShape, size: StepSize) -> Part:
    """Tubelets cut out of a clip that may have to be converted and padded, then two of tokens."""
    if config.features is not None:
        return _feature_embedding(config, config.features, stage, size)
    values = 3 * size.batch_size * size.clip_frames * size.frame_height * size.frame_width
    tubelets = 3 * size.batch_size * stage.num_tokens * math.prod(config.tubelet_size)
    converted = values if size.number_bytes != 4 else 0
    padded = tubelets if tubelets != values else 0
    numbers = converted + padded + tubelets
    return Part("patch embedding", numbers * size.number_bytes + 2 * _grid_bytes(stage, size))


def _block(place: _Place) -> Iterator[Part]:
    """Window attention, reading memory and MLP, one after the other."""
    name, tokens = f"stage {place.stage.stage}", place.grid_bytes
    alone = _Place(place.stage, place.plan, replace(place.size, l_mem=0), 0)
    is_in_pieces = place.size.is_in_pieces
    yield Part(
        f"{name} window attention",
        place.around + _window_attention(alone, cached_tokens(1), is_in_pieces),
    )
    if place.memory_tokens is not None:
        yield Part(f"{name} memory read", place.around + _memory_read(place, place.memory_tokens))
    # What came in, attention added to it, its norm, and the hidden layer before and after GELU.
    yield Part(f"{name} MLP", place.around + (1 + 1) * tokens + (1 + 4 + 4) * _fed(place))


def _fed(place: _Place) -> int:
    """Bytes of one vector for each token that goes through the MLP at a time."""
    if place.size.device != "cpu":
        return place.grid_bytes
    # A CPU takes as many tokens at a time as fit into its cache; whole streams where several do.
    streams = _streams_at_once(place)
    vector = place.stage.width * place.size.number_bytes
    whole = streams * place.stage.num_tokens * vector
    return whole if streams > 1 else min(cached_tokens(4 * vector) * vector, whole)


def _streams_at_once(place: _Place) -> int:
    """Of which a CPU computes a block together."""
    row = place.grid_bytes // place.size.batch_size
    return min(cached_tokens(4 * row), place.size.batch_size)


# Kept: a plan asks for many lengths of memory, which window attention does not depend on.
@lru_cache(maxsize=512)
def _window_attention(place: _Place, cache_bytes: int, is_in_pieces: bool) -> int:
    """Beside what is held around the block; the last two are what this machine decides by."""
    if place.size.device == "cpu" and not place.plan.has_padding:
        return _window_attention_in_runs(place)
    tokens = place.grid_bytes
    boxed = place.plan.num_boxed * place.token_bytes
    padding = tokens + place.token_bytes if place.plan.has_padding else 0
    held = 2 * tokens + padding + 3 * boxed  # what came in, its norm, queries, keys and values
    if place.size.device != "cpu":
        held += bias_places(place.plan) * place.stage.num_heads * place.size.number_bytes
    gathered = boxed
    projected = boxed + boxed + tokens  # what was attended, projected, and in the grid's order
    return held + max(gathered, _boxes(place, place.plan.groups), projected)


def _window_attention_in_runs(place: _Place) -> int:
    """What came in and what goes out, and beside them what is made of the largest run."""
    streams = _streams_at_once(place)
    some = replace(place, size=replace(place.size, batch_size=streams))
    # Several streams at once take all boxes in one run.
    max_tokens = cached_tokens(3 * some.token_bytes) if streams == 1 else place.plan.num_boxed
    most = 0
    for run in different_runs(place.plan, max_tokens):
        part = sum(group.num_boxes * group.tokens_per_box for group in run) * some.token_bytes
        # Beside the part itself: its norm and what that is projected to, or that and its boxes.
        most = max(most, part + max(part + 3 * part, 3 * part + _boxes(some, run)))
    return 2 * place.grid_bytes + most


def _boxes(place: _Place, groups: tuple[BoxCount, ...]) -> int:
    """What attention adds to its inputs, at most: outputs box by box, then all of them."""
    size, stage, done, most = place.size, place.stage, 0, 0
    is_in_pieces = size.is_in_pieces
    for group in groups:
        output = group.num_boxes * group.tokens_per_box * place.token_bytes
        now = output
        if len(groups) > 1 and size.batch_size > 1:
            now += 3 * output  # a part of each row is not in one piece, so q, k and v are copied
        if is_in_pieces:
            rows = size.batch_size * group.num_boxes
            now += 3 * output + piece_bytes(
                (rows, stage.num_heads, group.tokens_per_box, group.tokens_per_box),
                stage.width // stage.num_heads,
                size.number_bytes,
            )
        most = max(most, done + now)
        done += output
    return most if len(groups) == 1 else max(most, 2 * done)


def _memory_read(place: _Place, memory_tokens: int) -> int:
    """Beside what came in and attention added to it: queries, and what is done with them."""
    size, stage, tokens = place.size, place.stage, place.grid_bytes
    output = tokens
    if size.is_in_pieces:
        copies = tokens + 2 * memory_tokens * place.token_bytes
        output += copies + piece_bytes(
            (size.batch_size, stage.num_heads, stage.num_tokens, memory_tokens),
            stage.width // stage.num_heads,
            size.number_bytes,
        )
    gated = 3 * tokens  # what was read, projected, times the gate
    return 3 * tokens + max(output, gated)


def _push(config: FamSwinConfig, size: StepSize, held: int) -> Part:
    """Each queue is made one clip longer, then its slots are selected into the next queue."""
    assert config.memory is not None
    slots = [
        size.batch_size
        * (config.memory.tokens_per_clip * 2 * config.width(stage) * size.number_bytes + SLOT_BYTES)
        for stage in config.memory.stages
    ]
    held += sum(slots)  # what is written
    most = done = 0
    for slot in slots:  # while one stage's queue is made, the old one and a longer one are held
        most = max(most, done + (2 * size.l_mem + 1) * slot)
        done += size.l_mem * slot
    return Part("memory write", held + most)


def _keys_values(stage: StageShape, size: StepSize, read: int) -> int:
    return 2 * size.batch_size * read * stage.width * size.number_bytes


def _grid_bytes(stage: StageShape, size: StepSize) -> int:
    return size.batch_size * stage.num_tokens * stage.width * size.number_bytes
