"""What a FAM Swin reads in its memory: how much of which clip, from where in it, and how far back.

    with capture() as seen:
        output = model.step(clip, state)
    view = view_memory(seen, model.config, state)
    view.stage(4).clip_share  # [heads, remembered clips]

`state` is the one that the step was given. From one capture a view may be made of any region.
Attention says where the model looked, not what mattered.

Letters: A heads, R remembered clips, M memory tokens of a clip, Q sampled tokens of the clip now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vidmem.inspection.attention.maps import (
    WHOLE,
    PictureBox,
    TokenGrid,
    group_edges,
    sample_axes,
    sum_groups,
)
from vidmem.inspection.attention.weights import batch_row, memory_scores, memory_weights
from vidmem.inspection.records import ArrayRecord
from vidmem.models import FamSwin, FamSwinConfig, FamSwinState
from vidmem.nn.attention_windows import Size3
from vidmem.nn.capture import Capture, MemoryRead, capture
from vidmem.renamed import renamed_fields


@dataclass(frozen=True, kw_only=True)
class MemoryDetail:
    """How much is computed; the default costs little of a step."""

    max_queries: int | None = 128
    """Tokens of a stage whose attention is computed, evenly spread over the region; None: all."""

    stages: tuple[int, ...] | None = None
    """Stages to look at; None: all with memory. One costs half of two."""


@dataclass(frozen=True)
class RememberedClip:
    """A clip in memory."""

    slot: int
    """Slot of the queue, 0 being the oldest; slots without a clip are not listed."""

    index: int
    """Number of the clip in its stream."""

    age_clips: int
    """Clips ago; 1 is the clip before."""

    start_seconds: float
    end_seconds: float
    """Source time, half open; both 0 where unknown."""

    age_seconds: float | None
    """From its start to that of the clip now; None where the latter is unknown."""


@renamed_fields({"asked": "region"})
@dataclass(frozen=True, eq=False, repr=False)
class StageMemory(ArrayRecord):
    """Attention over memory at one stage: the mean of its queries. Arrays are float32."""

    DERIVED = ("clip_share", "drawn", "mean_age_clips", "mean_age_seconds")

    stage: int

    token_share: np.ndarray
    """`[A, R, M]`: of each memory token, clips oldest first."""

    no_memory_share: np.ndarray
    """`[A]`: of the learned token that stands for no memory. With `token_share` it sums to 1."""

    no_memory_by_query: np.ndarray
    """`[A, times, rows, columns]`: the same for each query, a place and time of the clip now. They
    lie evenly spread over `region`."""

    age_clips: np.ndarray
    """`[R]`: of the clips."""

    age_seconds: np.ndarray
    """`[R]`; NaN where it is not known."""

    grid: Size3
    """Times, rows and columns of a clip's M tokens."""

    extent: tuple[float, float]
    """Heights and widths of the picture that `grid` covers; see `TokenGrid`."""

    region: PictureBox
    """The part of the picture whose tokens are the queries: those that the region touches."""

    num_tokens: int
    """Tokens in that part."""

    num_queries: int
    """How many of them, evenly spread, were computed."""

    @property
    def clip_share(self) -> np.ndarray:
        """`[A, R]`: of each remembered clip."""
        return self.token_share.sum(-1)

    @property
    def drawn(self) -> np.ndarray:
        """`[A, rows, columns]`: how much each place of the clip now draws on memory."""
        return 1 - self.no_memory_by_query.mean(1)

    @property
    def mean_age_clips(self) -> np.ndarray:
        """`[A]`: of what is read in memory, in clips; NaN without memory."""
        return _mean_age(self.clip_share, self.age_clips)

    @property
    def mean_age_seconds(self) -> np.ndarray:
        """`[A]`; NaN where it is not known."""
        return _mean_age(self.clip_share, self.age_seconds)

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

    region: PictureBox
    """The region that the view was made of."""

    clips: tuple[RememberedClip, ...]
    """The clips remembered, oldest first: `R` of them."""

    stages: tuple[StageMemory, ...]
    """Those of `MemoryDetail.stages`, in order; none where memory is off."""

    def stage(self, number: int) -> StageMemory:
        """The stage of this number.

        Raises:
            KeyError: If it is not among them.
        """
        for one in self.stages:
            if one.stage == number:
                return one
        raise KeyError(f"the view is of stages {[s.stage for s in self.stages]}, got {number}")


@torch.no_grad()
def inspect_memory(
    model: FamSwin,
    clip: Tensor,
    state: FamSwinState,
    clip_seconds: Tensor | None = None,
    *,
    region: PictureBox = WHOLE,
    row: int = 0,
    detail: MemoryDetail | None = None,
) -> MemoryView:
    """Run one step of one stream and say what it read in memory; `state` is left as it was.

    Args:
        model: In eval mode.
        clip: `[B, T, 3, H, W]`, as `FamSwin.step` takes it.
        state: Before that clip.
        clip_seconds: `[B, 2]`, source time of the clip.
        region: The part of the picture whose tokens are the queries.
        row: Stream of the batch.
        detail: How much to compute; None: the default.
    """
    one = slice(row, row + 1)
    state = state.select([row])
    seconds = None if clip_seconds is None else clip_seconds[one]
    with capture() as seen:
        model.step(clip[one], state, seconds)
    return view_memory(seen, model.config, state, seconds, region=region, detail=detail)


@torch.inference_mode()
def view_memory(
    seen: Capture,
    config: FamSwinConfig,
    state: FamSwinState,
    clip_seconds: Tensor | None = None,
    *,
    region: PictureBox = WHOLE,
    row: int = 0,
    detail: MemoryDetail | None = None,
) -> MemoryView:
    """What one stream of a captured step read in memory.

    Args:
        seen: A capture of one step.
        config: The model's.
        state: The one that the step was given.
        clip_seconds: `[B, 2]`, source time of the clip.
        region: The part of the picture whose tokens are the queries.
        row: Stream of the batch.
        detail: How much to compute; None: the default.

    Raises:
        ValueError: If nothing was captured, or the state is another one.
    """
    reads = {read.place.stage: read for read in seen.memory_reads}
    if state.l_mem and not reads:
        raise ValueError("no memory was read; call the model's step inside capture()")
    clips = _remembered(state, clip_seconds, row)
    request = _Request(region, row, detail or MemoryDetail(), state.l_mem, _ages(clips))
    wanted = reads if request.detail.stages is None else request.detail.stages
    stages = tuple(
        _stage_memory(read, config, clips, request)
        for stage, read in reads.items()
        if stage in wanted
    )
    return MemoryView(int(state.clip_index[row]), region, clips, stages)


@dataclass(frozen=True, eq=False)
class _Request:
    """What to compute, the same for all stages."""

    region: PictureBox
    row: int
    detail: MemoryDetail
    l_mem: int
    ages: tuple[np.ndarray, np.ndarray]
    """`[R]` in clips, and in seconds."""


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


def _ages(clips: tuple[RememberedClip, ...]) -> tuple[np.ndarray, np.ndarray]:
    """`[R]` in clips, and in seconds, NaN where not known."""
    seconds = [math.nan if clip.age_seconds is None else clip.age_seconds for clip in clips]
    return np.array([clip.age_clips for clip in clips], np.float32), np.array(seconds, np.float32)


def _stage_memory(
    read: MemoryRead, config: FamSwinConfig, clips: tuple[RememberedClip, ...], request: _Request
) -> StageMemory:
    stage, size = read.place.stage, read.place.grid
    assert stage is not None and size is not None
    extent = _extent(read, config)
    sample = _sample(size, extent, request.region, request.detail.max_queries)
    slots, at = _slots(read, clips, request), batch_row(read.place, len(read.query), request.row)
    is_masked = len(clips) < read.is_valid.shape[1]
    weights_AQK = _weights(read, sample, at, is_masked=is_masked)
    # Key 0 is the no-memory token; S * M memory tokens follow.
    mean_AK, no_memory_AQ = weights_AQK.mean(1).cpu().numpy(), weights_AQK[:, :, 0].cpu().numpy()
    return StageMemory(
        stage=stage,
        # [A, S * M] to [A, S, M], then the slots that hold a clip.
        token_share=mean_AK[:, 1:].reshape(len(mean_AK), -1, read.tokens_per_clip)[:, slots],
        no_memory_share=mean_AK[:, 0],
        age_clips=request.ages[0],
        age_seconds=request.ages[1],
        grid=config.memory_grid(stage),
        extent=extent,
        # A copy: a view of one key would keep the weights of all keys in memory.
        no_memory_by_query=no_memory_AQ.reshape(len(mean_AK), *sample.counts).copy(),
        region=sample.region,
        num_tokens=sample.num_tokens,
        num_queries=weights_AQK.shape[1],
    )


def _extent(read: MemoryRead, config: FamSwinConfig) -> tuple[float, float]:
    """Heights and widths of the picture that a stage's tokens cover."""
    stage, size, picture = read.place.stage, read.place.grid, read.place.picture
    assert stage is not None and size is not None
    if picture is None:  # a step that began with a trunk
        return (1.0, 1.0)
    # Features fill the picture, whose size is then counted in them.
    height, width = config.tubelet_size[1:] if config.features is None else (1, 1)
    merged = 2 ** (stage - config.stages[0])  # of these along a token's side: a merge doubles it
    return (size[1] * merged * height / picture[0], size[2] * merged * width / picture[1])


@dataclass(frozen=True, eq=False)
class _Sample:
    """Tokens of a stage that stand for a region; kept, so never changed."""

    tokens: Tensor | None
    """`[Q]`; None: all, in order."""

    counts: tuple[int, ...]
    """Times, rows and columns of the tokens."""

    region: PictureBox
    """The part of the picture covered by all the tokens that the region touches."""

    num_tokens: int
    """How many those are, sampled or not."""


@lru_cache(maxsize=64)
def _sample(
    size: Size3, extent: tuple[float, float], region: PictureBox, most: int | None
) -> _Sample:
    """At most `most` tokens, evenly spread."""
    grid = TokenGrid(*size[1:], extent)
    rows, columns = grid.box(region)
    box = (size[0], len(rows), len(columns))
    axes = sample_axes(box, most)
    counts = tuple(len(axis) for axis in axes)
    times, down, across = (torch.from_numpy(axis) for axis in axes)
    places = (down + rows.start)[:, None] * size[2] + across + columns.start
    tokens = (times[:, None, None] * size[1] * size[2] + places).flatten()
    is_all = counts == size
    return _Sample(None if is_all else tokens, counts, grid.region(rows, columns), math.prod(box))


def _slots(read: MemoryRead, clips: tuple[RememberedClip, ...], request: _Request) -> slice:
    """Where in the read the remembered clips are: its newest slots."""
    # Slots that are empty in all streams may have been left out of the read; those that are empty
    # in this one alone are in it, and masked.
    num_read = read.is_valid.shape[1]
    is_valid = read.is_valid[batch_row(read.place, len(read.query), request.row)].tolist()
    is_kept = [False] * (num_read - len(clips)) + [True] * len(clips)
    if is_valid != is_kept or [clip.slot for clip in clips] != list(
        range(request.l_mem - len(clips), request.l_mem)
    ):
        raise ValueError("the state is not the one that this step was given")
    return slice(num_read - len(clips), num_read)


def _weights(read: MemoryRead, sample: _Sample, at: int, *, is_masked: bool) -> Tensor:
    """`[A, Q, K]`: `memory_weights`, without its mask where nothing is masked."""
    if is_masked:
        row = at if read.place.rows is None else int(read.place.rows[at])
        return memory_weights(read, sample.tokens, row=row).probabilities
    return memory_scores(read, sample.tokens, at).softmax(-1)


def _mean_age(shares: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """`[A]`: ages `[R]` weighed by how much is read of each clip."""
    with np.errstate(invalid="ignore"):  # 0 / 0, where nothing is remembered
        return (shares * ages).sum(-1) / shares.sum(-1)
