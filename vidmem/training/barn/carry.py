"""The third stage of `fam-swin-nano`: to pass on what has left the queue, clip after clip.

After *remember* the trace of a visit fades once the visit itself is forgotten: what a clip writes
says less of it than what the clip has read. Here every clip is asked, of the tokens that it writes,
which visit was the last: a linear head that exists in training only. So passing on is taught at
every delay, and not only where the sow rests. Gradients flow back through a whole sequence.

Nothing but memory may give the answer away. So sequences are spliced: a visit, in which the sow
feeds or, in the video's twin, drinks, at the toss of a coin; then clips of the same video between
visits, which are the same in the twin, from any clip on; then the next toss. The videos are others
than those of the first two stages, which the layers below have seen too often.

Only the last stage's memory, the MLP that follows it and the head learn. All that comes before is
computed once, without memory at stage 3: its gate is nearly closed.

Letters: V videos, N clips of a video, B sequences, S clips of a sequence, M memory tokens of a
clip, L tokens of a clip, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vidmem.data.barn import CLASS_NAMES
from vidmem.models import FamSwin, Grid
from vidmem.nn.attention_windows import Size3
from vidmem.nn.pooling import grid_pool
from vidmem.training.augmentation import Variation
from vidmem.training.barn.clips import BarnClips
from vidmem.training.barn.recipe import GROUP, sample_weights, training_dtype
from vidmem.training.loop import LoopConfig, StepReport, hidden_matrices, run_loop
from vidmem.training.losses import merged_cross_entropy

VISITS = (CLASS_NAMES.index("feeding"), CLASS_NAMES.index("drinking"))
"""In the order of the rests that they decide."""

NO_VISIT = -1
"""The last visit of a clip before which the sequence shows none."""

_STAGE = 4
"""Whose memory learns: with the published weights it is the one that passes a visit on."""


@dataclass(frozen=True, kw_only=True)
class CarryConfig:
    """The settings of this stage."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=60, learning_rate=6e-4, warmup_steps=5)
    )
    """How long and how fast."""

    num_videos: int = 13
    """Videos drawn, and as many twins; their seeds follow those of the other stages."""

    num_clips: int = 24
    """Clips of each video."""

    num_variations: int = 3
    """Of each video."""

    batch: int = 12
    """Sequences per step."""

    sequence_clips: int = 32
    """Clips of a spliced sequence."""

    longest_gap: int = 40
    """Clips from one visit to the next, at most."""

    l_mem_choices: tuple[int, ...] = (8, 8, 5, 3, 2, 1, 0)
    """Drawn from at each step: the fewer clips are remembered, the oftener a visit is passed on."""

    head_weight: float = 1.0
    """Of the question which visit was the last, beside the label."""

    look_alike_weight: float = 2.0
    """Of the clips that need memory."""


@dataclass(frozen=True, kw_only=True)
class TwinVideos:
    """Videos and their twins, as they are where the last stage reads its memory."""

    tokens: tuple[Tensor, ...]
    """`[V, 2, N, L, D]`, float16, for each variation: the video's clips and its twin's."""

    size: Size3
    """Of the token grid of a clip."""

    labels: NDArray[np.int64]
    """`[V, 2, N]`"""

    is_visit: NDArray[np.bool_]
    """`[V, N]`, where the two differ: visits, and the walks to and from them."""

    weights: NDArray[np.float32]
    """`[V, N]`, of `sample_weights`."""


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """A batch of sequences."""

    tokens: Tensor
    """`[B, S, L, D]`"""

    labels: Tensor
    """`[B, S]`"""

    last_visits: Tensor
    """`[B, S]`, index into `VISITS`, or `NO_VISIT`."""

    weights: Tensor
    """`[B, S]`"""


class LastVisitHead(nn.Module):
    """Names the last visit from the memory tokens that a clip writes."""

    def __init__(self, model: FamSwin) -> None:
        super().__init__()
        # Memory tokens are the output of the stage, pooled: the model's own head reads them, too.
        self.norm = deepcopy(model.norm)
        self.head = nn.Linear(model.head.in_features, len(VISITS))
        with torch.no_grad():
            self.head.weight.copy_(model.head.weight[list(GROUP)])
            self.head.bias.copy_(model.head.bias[list(GROUP)])

    def forward(self, written: Tensor) -> Tensor:
        """`[..., M, D]` to logits `[..., 2]`."""
        return self.head(self.norm(written).mean(-2))


@torch.no_grad()
def encode_twins(
    model: FamSwin,
    clips: BarnClips,
    twins: BarnClips,
    seeds: Sequence[int],
    *,
    num_variations: int = 1,
) -> TwinVideos:
    """Run videos and their twins up to the last stage's memory read; both are varied alike.

    Args:
        model: Trained to remember.
        clips: The videos.
        twins: The same ones with their visits swapped.
        seeds: Of the variations, one per video.
        num_variations: Of each video.
    """
    rows, size, dtype = [], (0, 0, 0), training_dtype()
    for number in range(num_variations):
        videos = []
        for row, seed in enumerate(seeds):
            pixels = np.concatenate([clips.pixels[row], twins.pixels[row]])
            rng = np.random.default_rng([seed, number])
            varied = Variation.draw(len(pixels), rng, is_one_video=True)
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                trunk = model.trunk(varied.of_pixels(pixels, model.card, dtype))
                grid = _before_memory(model, trunk)
            videos.append(grid.tokens.half().unflatten(0, (2, -1)))
            size = grid.size
        rows.append(torch.stack(videos))
    return TwinVideos(
        tokens=tuple(rows),
        size=size,
        labels=np.stack([clips.labels, twins.labels], 1),
        is_visit=(clips.pixels != twins.pixels).any((2, 3, 4, 5)),
        weights=sample_weights(clips).numpy(),
    )


def _before_memory(model: FamSwin, trunk: Grid) -> Grid:
    """From the trunk to what stage 4 reads memory with."""
    grid = model.swin_stage(_STAGE - 1).forward_last(trunk, None)
    stage = model.swin_stage(_STAGE)
    return stage.last_block.attended(stage.forward_trunk(model.merges[_STAGE - 2](grid)))


def splice(videos: TwinVideos, rng: np.random.Generator, config: CarryConfig) -> Spliced:
    """Draw a batch of sequences; each is of one video in one variation."""
    usable = np.flatnonzero([bool(_visits(videos, row)) for row in range(len(videos.labels))])
    drawn = [_splice_one(videos, int(rng.choice(usable)), rng, config) for _ in range(config.batch)]
    return Spliced(
        tokens=torch.stack([tokens for tokens, _, _ in drawn]).float(),
        labels=torch.stack([labels for _, labels, _ in drawn]),
        last_visits=torch.stack([_last_visits(labels) for _, labels, _ in drawn]),
        weights=torch.stack([weights for _, _, weights in drawn]),
    )


def _visits(videos: TwinVideos, row: int) -> list[NDArray[np.int64]]:
    """The clips of each visit of a video, with the walks around it."""
    clips = np.flatnonzero(videos.is_visit[row])
    runs = np.split(clips, np.flatnonzero(np.diff(clips) > 1) + 1)
    return [run for run in runs if np.isin(videos.labels[row, 0, run], VISITS).any()]


def _splice_one(
    videos: TwinVideos, row: int, rng: np.random.Generator, config: CarryConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, labels and weights of one sequence."""
    visits, between = _visits(videos, row), np.flatnonzero(~videos.is_visit[row])
    clips, sides = [], []
    while len(clips) < config.sequence_clips:
        visit = visits[int(rng.integers(len(visits)))]
        # Some are met when they are half over, as at the start of a stream.
        first = int(rng.integers(len(visit) // 2 + 1)) if rng.random() < 0.5 else 0
        side = int(rng.integers(2))
        clips += visit[first:].tolist()
        sides += [side] * (len(visit) - first)
        gap = int(rng.integers(config.longest_gap + 1)) if len(between) else 0
        start = int(rng.integers(max(len(between), 1)))
        clips += [int(between[(start + n) % len(between)]) for n in range(gap)]
        sides += [0] * gap
    clips, sides = clips[: config.sequence_clips], sides[: config.sequence_clips]
    variation = videos.tokens[int(rng.integers(len(videos.tokens)))]
    labels = torch.from_numpy(videos.labels[row, sides, clips])
    # A rest has the label of the visit that it now follows; of the first clips it stays unknown.
    last = _last_visits(labels)
    is_rest = torch.isin(labels, torch.tensor(GROUP)) & (last != NO_VISIT)
    labels = torch.where(is_rest, torch.tensor(GROUP)[last.clamp(min=0)], labels)
    return variation[row, sides, clips], labels, torch.from_numpy(videos.weights[row, clips])


def _last_visits(labels: Tensor) -> Tensor:
    """`[S]`: the visit under way or the last one before, by the clips' own labels."""
    last, now = torch.full_like(labels, NO_VISIT), NO_VISIT
    for number, label in enumerate(labels.tolist()):
        now = VISITS.index(label) if label in VISITS else now
        last[number] = now
    return last


def run_last_stage(
    model: FamSwin, attended: Tensor, size: Size3, l_mem: int
) -> tuple[Tensor, Tensor]:
    """The last stage of sequences from their start, with gradients through all of memory.

    Args:
        model: Reads and writes memory in its last stage.
        attended: `[B, S, L, D]`, as in `TwinVideos`.
        size: Of the token grid of a clip.
        l_mem: Clips remembered; 0 reads nothing.

    Returns:
        Logits `[B, S, num_classes]` and what the clips write, `[B, S, M, D]`.
    """
    block, attention = model.swin_stage(_STAGE).last_block, model.memory_attention(_STAGE)
    cells, num_clips = model.config.memory_grid(_STAGE), attended.shape[1]
    queries = attention.queries(attended.flatten(0, 1)).unflatten(0, (-1, num_clips))
    nothing = attention.project(attention.no_memory).expand(len(attended), 1, -1)
    kept: list[Tensor] = []
    outputs, written = [], []
    for tokens, query in zip(attended.unbind(1), queries.unbind(1), strict=True):
        added = tokens
        if l_mem:
            memory, ages = kept[-l_mem:], range(min(l_mem, len(kept)), 0, -1)
            parts = [nothing.chunk(2, -1)]
            for projected, age in zip(memory, ages, strict=True):
                key, value = projected.chunk(2, -1)
                parts.append((key + attention.age_of(torch.tensor(age)), value))
            keys, values = (torch.cat(side, 1) for side in zip(*parts, strict=True))
            added = tokens + attention.read_keys(query, keys, values, None)
        output = block.after_attention(Grid(added, size))
        outputs.append(output.tokens)
        written.append(grid_pool(output.unflatten(), cells))
        kept.append(attention.project(written[-1]))
    logits = model.head(model.norm(torch.stack(outputs, 1)).mean(2)).float()
    return logits, torch.stack(written, 1)


def learn_to_carry(
    model: FamSwin,
    videos: TwinVideos,
    config: CarryConfig,
    report: Callable[[StepReport], None],
    *,
    seed: int = 0,
) -> None:
    """Train the last stage's memory on spliced sequences; changes the model in place."""
    rng, head = np.random.default_rng(seed), LastVisitHead(model)
    block, memory = model.swin_stage(_STAGE).last_block, model.memory_attention(_STAGE)
    parts = nn.ModuleList([memory, block.norm2, block.mlp, model.norm, model.head, head])
    dtype = training_dtype()

    def loss_of_step(step: int) -> Tensor:
        del step
        batch, l_mem = splice(videos, rng, config), int(rng.choice(config.l_mem_choices))
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits, written = run_last_stage(model, batch.tokens, videos.size, l_mem)
            answers = head(written).float()
        is_known = batch.last_visits != NO_VISIT
        is_merged = ~is_known | torch.full_like(is_known, l_mem == 0)
        is_rest = torch.isin(batch.labels, torch.tensor(GROUP))
        loss = merged_cross_entropy(
            logits.flatten(0, 1),
            batch.labels.flatten(),
            GROUP,
            is_merged.flatten(),
            (torch.where(is_rest, config.look_alike_weight, 1.0) * batch.weights).flatten(),
        )
        if not l_mem:
            return loss
        asked = F.cross_entropy(answers[is_known], batch.last_visits[is_known])
        return loss + config.head_weight * asked

    matrices = hidden_matrices(memory, block.mlp)
    run_loop(parts.parameters(), loss_of_step, config.loop, report, matrices=matrices)
