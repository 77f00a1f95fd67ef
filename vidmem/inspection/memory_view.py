"""What a FAM Swin reads in its memory: how much of which clip, from where in it, and how far back.

    with capture() as seen:
        output = model.step(clip, state)
    view = memory_view(seen, model.config, state)
    view.stage(4).clip_share  # [heads, remembered clips]

`state` is the one that the step was given. From one capture a view may be made of any region.
Attention says where the model looked, not what mattered.

Letters: A heads, R remembered clips, M memory tokens of a clip, Q sampled tokens of the clip now.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vidmem.inspection.maps import WHOLE, Region, TokenGrid, group_edges, sample_axes, sum_groups
from vidmem.inspection.records import ArrayRecord
from vidmem.inspection.weights import batch_row, memory_scores, memory_weights
from vidmem.models import FamSwin, FamSwinConfig, FamSwinState
from vidmem.nn.capture import Capture, MemoryRead, capture
from vidmem.nn.pooling import memory_grid
from vidmem.nn.windows import Size3

MEMORY_QUERIES = 256
"""Tokens of a stage whose attention is computed, unless more are asked for."""


@dataclass(frozen=True)
class RememberedClip:
    """A clip in memory."""

    slot: int
    """Of the queue, 0 being the oldest; slots without a clip are not listed."""

    index: int
    """Number of the clip in its stream."""

    age_clips: int
    """Clips ago; 1 is the clip before."""

    start_seconds: float
    end_seconds: float
    """Source time, half open; both 0 where nobody said."""

    age_seconds: float | None
    """From its start to that of the clip now; None where nobody said when that was."""


@dataclass(frozen=True, eq=False, repr=False)
class StageMemory(ArrayRecord):
    """Attention over memory at one stage: the mean of the tokens asked for. Arrays are float32."""

    stage: int

    token_share: np.ndarray
    """`[A, R, M]`: of each memory token, clips oldest first."""

    no_memory_share: np.ndarray
    """`[A]`: of the learned token that stands for no memory. With `token_share` it sums to 1."""

    mean_age_clips: np.ndarray
    """`[A]`: of what is read in memory, in clips; NaN without memory."""

    mean_age_seconds: np.ndarray
    """`[A]`; NaN where it is not known."""

    grid: Size3
    """Times, rows and columns of a clip's M tokens."""

    extent: tuple[float, float]
    """Heights and widths of the picture that `grid` covers; see `TokenGrid`."""

    drawn: np.ndarray
    """`[A, rows, columns]`: how much each place of the clip now draws on memory rather than on no
    memory. The places lie evenly spread over `asked`."""

    asked: Region
    """The part of the picture whose tokens were asked for: those that the region touches."""

    num_tokens: int
    """Tokens in that part."""

    num_queries: int
    """How many of them, evenly spread, were computed."""

    @property
    def clip_share(self) -> np.ndarray:
        """`[A, R]`: of each remembered clip."""
        return self.token_share.sum(-1)

    @property
    def maps(self) -> np.ndarray:
        """`[A, R, times, rows, columns]`: of each clip, by its own time and place."""
        return self.token_share.reshape(*self.token_share.shape[:2], *self.grid)

    def grouped(self, max_clips: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """`[A, G]`: shares of at most `max_clips` groups of clips; `[G + 1]`: where each begins."""
        edges = group_edges(self.token_share.shape[1], max_clips)
        return sum_groups(self.clip_share, edges), edges


@dataclass(frozen=True, eq=False, repr=False)
class MemoryView(ArrayRecord):
    """What one step of one stream read in memory."""

    clip_index: int
    """Number of the clip now in its stream."""

    region: Region
    """What was asked for."""

    clips: tuple[RememberedClip, ...]
    """The clips remembered, oldest first: `R` of them."""

    stages: tuple[StageMemory, ...]
    """Those with memory, in order; none where memory is off."""

    def stage(self, number: int) -> StageMemory:
        """The stage of this number.

        Raises:
            KeyError: If it has no memory.
        """
        for one in self.stages:
            if one.stage == number:
                return one
        raise KeyError(f"stages with memory are {[s.stage for s in self.stages]}, got {number}")


@torch.no_grad()
def inspect_memory(
    model: FamSwin,
    clip: Tensor,
    state: FamSwinState,
    clip_seconds: Tensor | None = None,
    *,
    region: Region = WHOLE,
    row: int = 0,
    max_queries: int | None = MEMORY_QUERIES,
) -> MemoryView:
    """Run one step of one stream and say what it read in memory; `state` is left as it was.

    Args:
        model: In eval mode.
        clip: `[B, T, 3, H, W]`, as `FamSwin.step` takes it.
        state: Before that clip.
        clip_seconds: `[B, 2]`, source time of the clip.
        region: Which part of the picture asks.
        row: Stream of the batch.
        max_queries: Tokens of a stage to compute, evenly spread; None: all of the region.
    """
    one = slice(row, row + 1)
    state = state.select([row])
    seconds = None if clip_seconds is None else clip_seconds[one]
    with capture() as seen:
        model.step(clip[one], state, seconds)
    return memory_view(seen, model.config, state, seconds, region=region, max_queries=max_queries)


@torch.no_grad()
def memory_view(
    seen: Capture,
    config: FamSwinConfig,
    state: FamSwinState,
    clip_seconds: Tensor | None = None,
    *,
    region: Region = WHOLE,
    row: int = 0,
    max_queries: int | None = MEMORY_QUERIES,
) -> MemoryView:
    """What one stream of a captured step read in memory.

    Args:
        seen: Of one step.
        config: Of the model.
        state: That the step was given.
        clip_seconds: `[B, 2]`, source time of the clip.
        region: Which part of the picture asks.
        row: Stream of the batch.
        max_queries: Tokens of a stage to compute, evenly spread; None: all of the region.

    Raises:
        ValueError: If nothing was captured, or the state is another one.
    """
    reads = {read.place.stage: read for read in seen.memory_reads}
    if state.l_mem and not reads:
        raise ValueError("no memory was read; call the model's step inside capture()")
    clips = _remembered(state, clip_seconds, row)
    stages = tuple(
        _stage_memory(read, config, clips, region, (row, state.l_mem, max_queries))
        for read in reads.values()
    )
    return MemoryView(int(state.clip_index[row]), region, clips, stages)


def _remembered(
    state: FamSwinState, clip_seconds: Tensor | None, row: int
) -> tuple[RememberedClip, ...]:
    now, seconds = int(state.clip_index[row]), state.slot_seconds[row].tolist()
    start_now = None if clip_seconds is None else float(clip_seconds[row, 0])
    return tuple(
        RememberedClip(
            slot=slot,
            index=clip,
            age_clips=now - clip,
            start_seconds=seconds[slot][0],
            end_seconds=seconds[slot][1],
            age_seconds=None if start_now is None else start_now - seconds[slot][0],
        )
        for slot, clip in enumerate(state.slot_clips[row].tolist())
        if clip >= 0
    )


def _stage_memory(
    read: MemoryRead,
    config: FamSwinConfig,
    clips: tuple[RememberedClip, ...],
    region: Region,
    detail: tuple[int, int, int | None],
) -> StageMemory:
    row, l_mem, max_queries = detail
    stage, size = read.place.stage, read.place.grid
    assert stage is not None and size is not None
    here = TokenGrid(*size[1:], _extent(read, config))
    rows, columns = here.box(region)
    tokens, counts = _sampled_tokens(size, rows, columns, max_queries)
    kept = _slots(read, clips, row, l_mem)
    weights = _weights(read, tokens, row, is_masked=len(kept) < read.is_valid.shape[1])
    mean_AK = weights.mean(1).cpu().numpy()
    token_share = mean_AK[:, 1:].reshape(len(mean_AK), -1, read.tokens_per_clip)[:, kept]
    ages = _mean_ages(token_share, clips)
    no_memory = weights[:, :, 0].cpu().numpy().reshape(len(mean_AK), *counts).mean(1)
    return StageMemory(
        stage=stage,
        token_share=token_share,
        no_memory_share=mean_AK[:, 0],
        mean_age_clips=ages[0],
        mean_age_seconds=ages[1],
        grid=memory_grid(stage, read.tokens_per_clip),
        extent=here.extent,
        drawn=1 - no_memory,
        asked=here.region(rows, columns),
        num_tokens=size[0] * len(rows) * len(columns),
        num_queries=weights.shape[1],
    )


def _extent(read: MemoryRead, config: FamSwinConfig) -> tuple[float, float]:
    """Heights and widths of the picture that a stage's tokens cover."""
    stage, size, picture = read.place.stage, read.place.grid, read.place.picture
    assert stage is not None and size is not None
    if picture is None:  # a step that began with a trunk
        return (1.0, 1.0)
    merged = 2 ** (stage - 1)
    return (
        size[1] * merged * config.tubelet_size[1] / picture[0],
        size[2] * merged * config.tubelet_size[2] / picture[1],
    )


@lru_cache(maxsize=64)
def _sampled_tokens(
    size: Size3, rows: range, columns: range, most: int | None
) -> tuple[Tensor, tuple[int, ...]]:
    """`[Q]`, tokens evenly spread over a box of the grid, and how many along each axis."""
    axes = sample_axes((size[0], len(rows), len(columns)), most)
    times, down, across = (torch.from_numpy(axis) for axis in axes)
    places = (down + rows.start)[:, None] * size[2] + across + columns.start
    tokens = (times[:, None, None] * size[1] * size[2] + places).flatten()
    return tokens, tuple(len(axis) for axis in axes)


def _slots(read: MemoryRead, clips: tuple[RememberedClip, ...], row: int, l_mem: int) -> list[int]:
    """Where in the read each remembered clip is."""
    # Slots that are empty in all streams may have been left out: those read are the newest.
    first = l_mem - read.is_valid.shape[1]
    kept = [clip.slot - first for clip in clips]
    is_valid = read.is_valid[batch_row(read.place, len(read.query), row)].tolist()
    if first < 0 or kept != [slot for slot, is_written in enumerate(is_valid) if is_written]:
        raise ValueError("the state is not the one that this step was given")
    return kept


def _weights(read: MemoryRead, tokens: Tensor, row: int, *, is_masked: bool) -> Tensor:
    """`[A, Q, K]`: `memory_weights`, without asking for the mask where nothing is masked."""
    if is_masked:
        return memory_weights(read, tokens, row=row).probabilities
    at = batch_row(read.place, len(read.query), row)
    return memory_scores(read, tokens.to(read.query.device), at).softmax(-1)


def _mean_ages(token_share: np.ndarray, clips: tuple[RememberedClip, ...]) -> np.ndarray:
    """`[2, A]`: ages in clips and in seconds, weighed by how much is read of each clip."""
    ages = np.array([[clip.age_clips, clip.age_seconds] for clip in clips], np.float32)
    shares = token_share.sum(-1)
    with np.errstate(invalid="ignore"):
        return (shares @ ages.reshape(-1, 2) / shares.sum(-1, keepdims=True)).T
