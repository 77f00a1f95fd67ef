"""Clips in a row with gradients through all of memory: for sequences that are short enough.

`vidmem.models.fam_swin.sequences` ends the gradient one clip back, which hours of footage can
afford. To learn to hand something on from clip to clip, the loss has to reach the clip that showed
it: here it does. As there, only reads and writes go clip by clip.

Letters: B sequences, N clips, M memory tokens of a clip, L tokens of a clip, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vidmem.nn.memory import MemoryQueue
from vidmem.nn.pooling import grid_pool
from vidmem.nn.swin import Grid, SwinBlock

if TYPE_CHECKING:
    from vidmem.models.fam_swin.model import FamSwin


def run_through_memory(model: FamSwin, features: Tensor, *, l_mem: int) -> Tensor:
    """Logits of clips in a row, `[B, N, num_classes]`, from the start of their streams.

    They are those of `FamSwin.forward_clip_features`, within rounding; gradients are not.

    Args:
        model: On features.
        features: `[B, N, T', P, F]`.
        l_mem: Clips remembered; 0 reads nothing.
    """
    num_clips = features.shape[1]
    grid = model.trunk_features(features.flatten(0, 1))
    alone: dict[int, Grid] = {}
    if l_mem and not model.has_feedback:
        outputs = model.memory_stages_without_memory(grid)
        alone = dict(zip(model.memory_stages, outputs, strict=True))
    first = min(model.memory_stages, default=4)
    for stage in range(first, 5):
        swin_stage = model.swin_stage(stage)
        if stage > first:
            grid = swin_stage.forward_trunk(model.merges[stage - 2](grid))
        if l_mem and stage in model.memory_stages:
            memory = _Memory(model, stage, num_clips, l_mem)
            grid = _remember(memory, swin_stage.last_block, grid, alone.get(stage))
        else:
            grid = swin_stage.forward_last(grid, None)
    logits = model.head(model.norm(grid.tokens).mean(1)).float().unflatten(0, (-1, num_clips))
    return logits + model.linear_logits(features)


def _remember(memory: _Memory, block: SwinBlock, grid: Grid, alone: Grid | None) -> Grid:
    """The last block of a stage, clip by clip.

    Args:
        memory: Of this stage, still empty.
        block: That reads and writes it.
        grid: Of all clips.
        alone: What clips write where it is not what comes of their reading: without feedback.
    """
    attended = block.attended(grid)
    outputs = []
    for clip, (tokens, query) in enumerate(memory.queries(attended)):
        output = block.after_attention(Grid(tokens + memory.read(query, clip), grid.size))
        outputs.append(output.tokens)
        memory.write(output if alone is None else Grid(memory.by_clip(alone)[clip], grid.size))
    return Grid(torch.stack(outputs, 1).flatten(0, 1), grid.size)


class _Memory:
    """Keys and values of what the clips of one stage have written, each projected once."""

    def __init__(self, model: FamSwin, stage: int, num_clips: int, l_mem: int) -> None:
        config = model.config.memory
        assert config is not None
        self._attention = model.memory_attention(stage)
        self._num_clips, self._cells = num_clips, model.config.memory_grid(stage)
        self._remembered = remembered_clips(
            num_clips, l_mem, config.memory_every, config.anchor_clips
        )
        self._nothing = self._attention.project(self._attention.no_memory)
        ages = torch.arange(num_clips, device=self._nothing.device)
        self._ages = self._attention.age_of(ages)
        self._written: list[Tensor] = []

    def by_clip(self, grid: Grid) -> tuple[Tensor, ...]:
        """The tokens of each clip, `[B, L, D]`."""
        return grid.tokens.unflatten(0, (-1, self._num_clips)).unbind(1)

    def queries(self, attended: Grid) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each clip, its tokens and what they ask for, `[B, A, L, E]`."""
        asked_RALE = self._attention.queries(attended.tokens)
        asked = asked_RALE.unflatten(0, (-1, self._num_clips)).unbind(1)
        return zip(self.by_clip(attended), asked, strict=True)

    def write(self, output: Grid) -> None:
        """What the next clip leaves."""
        pooled = grid_pool(output.unflatten(), self._cells)
        self._written.append(self._attention.project(pooled))

    def read(self, query: Tensor, clip: int) -> Tensor:
        """What memory adds to the tokens of a clip, `[B, L, D]`."""
        clips = self._remembered[clip]
        keys, values = self._nothing.expand(len(query), 1, -1).chunk(2, -1)
        if clips:
            kept_BKMD = torch.stack([self._written[earlier] for earlier in clips], 1)
            key_BKMD, value_BKMD = kept_BKMD.chunk(2, -1)
            ages_KD = self._ages[[clip - earlier for earlier in clips]]
            keys = torch.cat([keys, (key_BKMD + ages_KD[:, None]).flatten(1, 2)], 1)
            values = torch.cat([values, value_BKMD.flatten(1, 2)], 1)
        return self._attention.read_keys(query, keys, values, None)


@cache
def remembered_clips(
    num_clips: int, l_mem: int, memory_every: int, anchors: int
) -> tuple[tuple[int, ...], ...]:
    """Which earlier clips each clip of a new stream remembers, oldest first.

    Args:
        num_clips: Of the stream.
        l_mem: Slots of the queue.
        memory_every: Every so many clips one is written.
        anchors: Clips numbered below this are never evicted, as `MemoryQueue` has it.
    """
    queue = MemoryQueue.empty(1, l_mem, (1, 1), like=torch.zeros(()), anchors=anchors)
    remembered = []
    for clip in range(num_clips):
        remembered.append(tuple(queue.slot_clips[queue.is_valid].tolist()))
        index, is_write = torch.tensor([clip]), torch.tensor([clip % memory_every == 0])
        queue = queue.push(torch.zeros(1, 1, 1), index, torch.zeros(1, 2), is_write)
    return tuple(remembered)
