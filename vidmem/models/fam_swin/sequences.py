"""Clips in a row through memory, stage by stage instead of clip by clip: for training.

What a clip writes at a stage depends on what it read there, so the reads of a stage follow each
other. Nothing else has to wait: all else is computed for all clips of all sequences at once.

    all clips    attention ──┐                    ┌── merge, attention ──┐                  ┌── head
    clip by clip             └─ read, MLP, write ─┘                      └─ read, MLP, write ┘

Memory of earlier clips is projected once, where a stream of steps projects it again at every clip.

Letters: B sequences, N clips, R rows: B, or 2 B in training; S slots, K candidates, M memory tokens
of a clip, L tokens of a clip, D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vidmem.models.fam_swin.state import FamSwinState
from vidmem.nn.memory import MemoryAttention, MemoryQueue, token_mask
from vidmem.nn.pooling import grid_pool
from vidmem.nn.swin import Grid

if TYPE_CHECKING:
    from vidmem.models.fam_swin.model import FamSwin


@dataclass(frozen=True)
class _Reading:
    """What one clip of each sequence reads: candidates are the slots at first, then the clips."""

    candidates: tuple[int, ...]
    """Numbers of those that some sequence remembers: K of them."""

    ages: Tensor
    """`[B, K]`, in clips."""

    is_there: Tensor | None
    """`[B, K]`, true where a sequence remembers the candidate; None: everywhere."""


@dataclass(frozen=True)
class _Plan:
    """Who reads what, which follows from the numbers of the clips alone."""

    readings: tuple[_Reading, ...]
    after: MemoryQueue
    """After the last clip: its tokens are numbers of candidates, `[B, S, 1, 1]`."""


def run_sequences(model: FamSwin, trunks: Grid, state: FamSwinState) -> tuple[Tensor, FamSwinState]:
    """See `FamSwin.forward_trunks`."""
    num_clips, rest = divmod(len(trunks.tokens), len(state.clip_index))
    if rest or not num_clips:
        raise ValueError(
            f"trunks must be those of N clips of each of {len(state.clip_index)} sequences, got "
            f"{len(trunks.tokens)}"
        )
    sequences = _Sequences(model, state, num_clips)
    last = sequences.run(trunks)
    # All rows at once: `classify` takes them one by one, for scores alike to the last bit.
    logits = model.head(model.norm(last.tokens).mean(1)).float()
    return logits.unflatten(0, (-1, num_clips)), sequences.state_after()


class _Sequences:
    """One run; it gathers what each stage writes."""

    def __init__(self, model: FamSwin, state: FamSwinState, num_clips: int) -> None:
        self._model, self._state, self._num_clips = model, state, num_clips
        self._plan = _plan(model, state, num_clips) if state.l_mem else None
        # As in `FamSwin.step_trunk` each clip is run twice, here side by side in a batch: the first
        # half of the rows reads the newest clip's tokens with their gradient and gives logits, the
        # second half reads all without, and is what the clip writes.
        # Without feedback, what clips write depends on nothing that they read.
        self._has_twins = (
            model.training
            and torch.is_grad_enabled()
            and self._plan is not None
            and model.has_feedback
        )
        self._alone: dict[int, Grid] = {}
        self._written: dict[int, list[Tensor]] = {}

    def run(self, trunks: Grid) -> Grid:
        """The output of the last stage, `[B * N, L, D]`."""
        model, grid = self._model, trunks
        if self._plan is not None and not model.has_feedback:
            alone = model.memory_stages_without_memory(trunks)
            self._alone = dict(zip(model.memory_stages, alone, strict=True))
        first = min(model.memory_stages, default=4)
        for stage in range(first, 5):
            if stage > first:
                grid = model.merges[stage - 2](grid)
                grid = model.swin_stage(stage).forward_trunk(grid)
            if self._plan is not None and stage in model.memory_stages:
                grid = self._remember(stage, grid, self._plan)
            else:
                grid = model.swin_stage(stage).forward_last(grid, None)
            if stage == max(model.memory_stages, default=4):
                grid = self._without_twins(grid)
        return grid

    def _without_twins(self, grid: Grid) -> Grid:
        num_rows = len(self._state.clip_index) * self._num_clips
        return Grid(grid.tokens[:num_rows], grid.size)

    def _remember(self, stage: int, grid: Grid, plan: _Plan) -> Grid:
        """The last block of a stage, clip by clip where it reads memory: `[R * N, L, D]`."""
        model, block = self._model, self._model.swin_stage(stage).last_block
        attention = model.memory_attention(stage)
        attended = block.attended(grid)
        queries = attention.queries(attended.tokens)
        queue = self._state.queues[model.memory_stages.index(stage)]
        memory = _GrowingMemory(attention, queue, self._state.is_projected, model.training)
        cells, outputs = model.config.memory_grid(stage), []
        clips = zip(self._by_clip(attended.tokens), self._by_clip(queries), strict=True)
        for number, (reading, (tokens, query)) in enumerate(zip(plan.readings, clips, strict=True)):
            keys, values, mask = memory.read(reading, has_twins=self._has_twins)
            read = attention.read_keys(query, keys, values, mask)
            output = block.after_attention(Grid(tokens + read, grid.size))
            outputs.append(output.tokens)
            memory.write(grid_pool(self._writing(stage, number, output), cells))
        self._written[stage] = memory.written
        return Grid(torch.stack(outputs, 1).flatten(0, 1), grid.size)

    def _writing(self, stage: int, number: int, output: Grid) -> Tensor:
        """What the clips of this number write at a stage, before it is pooled."""
        if stage in self._alone:
            alone = self._alone[stage]
            rows = alone.tokens.unflatten(0, (-1, self._num_clips))[:, number]
            return Grid(rows, alone.size).unflatten()
        return output.unflatten()[-len(self._state.clip_index) :]

    def _by_clip(self, rows: Tensor) -> tuple[Tensor, ...]:
        """`[B * N, ...]` or `[R * N, ...]` to N times `[R, ...]`."""
        rows = rows.unflatten(0, (-1, self._num_clips))
        if self._has_twins and len(rows) == len(self._state.clip_index):
            rows = torch.cat([rows, rows])
        return rows.unbind(1)

    def state_after(self) -> FamSwinState:
        """After the last clip."""
        state = replace(self._state, clip_index=self._state.clip_index + self._num_clips)
        if self._plan is None:
            return state
        after = self._plan.after
        source = after.tokens[:, :, 0, 0].long()
        rows = torch.arange(len(source), device=source.device)[:, None]
        queues = []
        for stage, queue in zip(self._model.memory_stages, state.detach().queues, strict=True):
            *earlier, newest = self._written[stage]
            if not self._model.training:
                newest = newest.detach()
            written = [*(tokens.detach() for tokens in earlier), newest]
            tokens = torch.cat([queue.tokens, torch.stack(written, 1).to(queue.tokens.dtype)], 1)
            queues.append(replace(after, tokens=tokens[rows, source]))
        return replace(state, queues=tuple(queues))


class _GrowingMemory:
    """Keys and values of all candidates of one stage, each projected once."""

    def __init__(
        self, attention: MemoryAttention, queue: MemoryQueue, is_projected: bool, is_training: bool
    ) -> None:
        self._attention, self._is_training = attention, is_training
        self._is_projected = is_projected
        self.written: list[Tensor] = []
        """What each clip writes, `[B, M, D]`, or `[B, M, 2 * D]` where that is projected."""
        tokens = queue.tokens.to(attention.key.weight.dtype)
        # `[B, 1, M, 2 * D]` each: with gradient into what wrote them, and without.
        self._newest = list(self._projected(tokens).split(1, 1))
        self._kept = self._newest
        if tokens.requires_grad:
            self._kept = list(self._projected(tokens.detach()).split(1, 1))
        self._nothing = attention.project(attention.no_memory)

    def _projected(self, tokens: Tensor) -> Tensor:
        return tokens if self._is_projected else self._attention.project(tokens)

    def write(self, tokens: Tensor) -> None:
        """One more clip's memory tokens, `[B, M, D]`."""
        written = self._attention.project(tokens) if self._is_projected else tokens
        kept = self._projected(written.detach())[:, None]
        newest = self._projected(written)[:, None] if self._is_training else kept
        self.written.append(written)
        self._kept = [*self._kept, kept]
        # Of all earlier ones the gradient has ended by now.
        self._newest = [*self._kept[:-1], newest]

    def read(self, reading: _Reading, *, has_twins: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys and values `[R, 1 + K * M, D]` for one clip, and who may attend to them."""
        attention, sides = self._attention, [self._newest, self._kept][: 1 + has_twins]
        age = attention.age_of(reading.ages)
        nothing = self._nothing.expand(len(age), 1, -1)
        keys, values = [], []
        for side in sides:
            no_key, no_value = nothing.chunk(2, -1)
            keys.append(no_key)
            values.append(no_value)
            if reading.candidates:
                both = torch.cat([side[number] for number in reading.candidates], 1)
                key_BKMD, value_BKMD = both.chunk(2, -1)
                keys[-1] = torch.cat([no_key, (key_BKMD + age[:, :, None]).flatten(1, 2)], 1)
                values[-1] = torch.cat([no_value, value_BKMD.flatten(1, 2)], 1)
        mask = None
        if reading.is_there is not None:
            mask = token_mask(reading.is_there, self._kept[0].shape[2]).repeat(len(sides), 1, 1, 1)
        return torch.cat(keys), torch.cat(values), mask


def _plan(model: FamSwin, state: FamSwinState, num_clips: int) -> _Plan:
    memory = model.config.memory
    assert memory is not None
    slots = state.queues[0]
    numbers = torch.arange(state.l_mem, device=slots.slot_clips.device, dtype=torch.float64)
    queue = replace(slots, tokens=numbers.expand(len(slots.slot_clips), -1)[:, :, None, None])
    nowhere = slots.slot_seconds.new_zeros(len(slots.slot_clips), 2)
    readings = []
    for clip in range(num_clips):
        index = state.clip_index + clip
        readings.append(_reading(queue, index))
        number = queue.tokens.new_full((len(index), 1, 1), state.l_mem + clip)
        queue = queue.push(number, index, nowhere, index % memory.memory_every == 0)
    return _Plan(tuple(readings), queue)


def _reading(queue: MemoryQueue, index: Tensor) -> _Reading:
    """What clips numbered `index` read in a queue of candidates' numbers."""
    numbers, is_valid = queue.tokens[:, :, 0, 0].long(), queue.is_valid
    candidates = torch.unique(numbers[is_valid])
    is_candidate_BSK = (numbers[:, :, None] == candidates) & is_valid[:, :, None]
    is_there = is_candidate_BSK.any(1)
    clips = (is_candidate_BSK * queue.slot_clips[:, :, None]).sum(1)
    everywhere = bool(is_there.all())
    ages = index[:, None] - clips
    return _Reading(tuple(candidates.tolist()), ages, None if everywhere else is_there)
