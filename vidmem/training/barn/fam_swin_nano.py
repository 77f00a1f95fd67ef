"""How `fam-swin-nano` is trained: first to see, then to remember, then to carry on.

1. *See*: single clips. Besides the label, it learns what each part of the picture shows
   (`vidmem.training.barn.sightings`). Of the two rests that look alike either counts as right.
2. *Remember*: sequences of clips, of the same videos and of their twins, in which the visits that
   decide are swapped and nothing else, so that only they give the label away. The layers before the
   first memory read stay as they are, so their output is computed once; the last blocks, the
   memory attentions and the head learn, with one step of truncated back-propagation through memory.
   `l_mem` changes from step to step: 0, since people switch memory off, and very few clips, since
   then only what clips pass on to later ones helps.
3. *Carry*: spliced sequences of other videos, in which every clip is asked which visit was the last
   (`vidmem.training.barn.carry`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidmem.data.barn import CLASS_NAMES
from vidmem.errors import SettingError
from vidmem.models import (
    FamSwin,
    FamSwinConfig,
    Grid,
    MemoryConfig,
    ModelCard,
    load_folder,
    save,
)
from vidmem.training.augmentation import Variation
from vidmem.training.barn.carry import CarryConfig, encode_twins, learn_to_carry
from vidmem.training.barn.clips import BarnClips
from vidmem.training.barn.recipe import (
    GROUP,
    BarnRecipe,
    EncodedClips,
    barn_card,
    is_checkpoint,
    sample_weights,
    training_dtype,
)
from vidmem.training.barn.sightings import SightingHeads, sighting_loss
from vidmem.training.loop import LoopConfig, StepReport, hidden_matrices, run_loop
from vidmem.training.losses import merged_cross_entropy


def nano_config() -> FamSwinConfig:
    """Small enough for a laptop: 1.9 million weights."""
    return FamSwinConfig(
        tubelet_size=(4, 8, 8),
        embed_dim=32,
        depths=(2, 2, 2, 1),
        num_heads=(1, 2, 4, 8),
        attention_window=(4, 4, 4),
        num_classes=len(CLASS_NAMES),
        memory=MemoryConfig(l_mem=8, tokens_per_clip=16),
    )


def nano_card() -> ModelCard:
    """How `fam-swin-nano` wants a video sampled."""
    return barn_card("fam-swin-nano", "FAM Swin nano", fps=4.0, clip_frames=16)


@dataclass(frozen=True, kw_only=True)
class BarnTraining(BarnRecipe):
    """The whole recipe."""

    see: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=6000, learning_rate=8e-4, warmup_steps=40)
    )
    """First stage."""

    see_batch: int = 32
    """Clips per step."""

    remember: tuple[LoopConfig, ...] = (LoopConfig(steps=400),)
    """Second stage, in rounds: the rate starts high again in each. A second round of 400 steps
    lowered the loss and did not help on unseen videos."""

    remember_batch: int = 16
    """Sequences per step."""

    sequence_clips: int = 24
    """Clips of a sequence."""

    l_mem_choices: tuple[int, ...] = (8, 8, 5, 2, 1, 0)
    """Drawn from in the second stage."""

    look_alike_weight: float = 2.0
    """Of the clips that need memory, in the second stage."""

    carry: CarryConfig = field(default_factory=CarryConfig)
    """Third stage."""

    def __post_init__(self) -> None:
        if not 1 <= self.sequence_clips <= self.num_clips:
            raise SettingError(
                f"sequence_clips must be from 1 to num_clips, {self.num_clips}, "
                f"got {self.sequence_clips}"
            )

    @property
    def num_steps(self) -> int:
        """Optimiser steps of all stages."""
        remember = sum(config.steps for config in self.remember)
        return self.see.steps + remember + self.carry.loop.steps


def train_nano(
    training: BarnTraining,
    report: Callable[[str, StepReport], None],
    *,
    checkpoints: Path,
    num_processes: int = 2,
) -> FamSwin:
    """Draw the videos and train a model on them.

    Args:
        training: The recipe; with the same recipe, machine and torch, the same weights.
        report: Called after each optimiser step with the name of the stage.
        checkpoints: A folder for the model as it is after each stage and round. What a run that
            was stopped left there, training goes on from.
        num_processes: For drawing.
    """
    torch.manual_seed(training.seed)
    model = _see_and_remember(training, report, checkpoints, num_processes)
    carry, card = training.carry, nano_card()
    seeds = range(training.num_videos, training.num_videos + carry.num_videos)
    clips, twins = (
        training.draw(
            card,
            num_processes=num_processes,
            swap_visits=swap_visits,
            seeds=seeds,
            num_clips=carry.num_clips,
        )
        for swap_visits in (False, True)
    )
    videos = encode_twins(model, clips, twins, seeds, num_variations=carry.num_variations)
    del clips, twins  # a gigabyte of pixels, before training takes its own
    learn_to_carry(model, videos, carry, lambda step: report("carry", step), seed=training.seed)
    return model.eval()


def _see_and_remember(
    training: BarnTraining,
    report: Callable[[str, StepReport], None],
    checkpoints: Path,
    num_processes: int,
) -> FamSwin:
    """The first two stages, from the last one that an earlier run left."""
    kept = [checkpoints / str(number) for number in range(1 + len(training.remember))]
    num_done = sum(is_checkpoint(folder) for folder in kept)
    if num_done:
        model = load_folder(kept[num_done - 1]).train()
        assert isinstance(model, FamSwin)  # the folder is this function's own
        if num_done == len(kept):
            return model
    else:
        model = FamSwin(nano_config(), nano_card()).train()
    clips = training.draw(model.card, num_processes=num_processes)
    if not num_done:
        learn_to_see(model, clips, training, lambda step: report("see", step))
        model.copy_memory_projections()
        save(model, kept[0])
    rng = np.random.default_rng(training.seed + 1)
    sequences = encode_videos(model, clips, rng)
    del clips  # gigabytes of pixels, before as many more are drawn
    twins = training.draw(model.card, num_processes=num_processes, swap_visits=True)
    sequences = sequences.and_also(encode_videos(model, twins, rng))
    del twins
    for number in range(max(num_done - 1, 0), len(training.remember)):
        learn_to_remember(
            model, sequences, training, lambda step: report("remember", step), number=number
        )
        save(model, kept[number + 1])
    return model


@torch.no_grad()
def whiten_patches(model: FamSwin, clips: Tensor) -> None:
    """Start the patch embedding as the principal components of real tubelets, at equal strength.

    At random it would pass on little but brightness, in which tubelets differ most.
    """
    proj, tubelets = model.patch_embedding.proj, []
    hook = proj.register_forward_pre_hook(lambda _, inputs: tubelets.append(inputs[0]))
    model.patch_embedding(clips)
    hook.remove()
    values = tubelets[0].flatten(0, -2)
    mean = values.mean(0)
    variances, directions = torch.linalg.eigh(torch.cov(values.T))
    # `eigh` sorts from weak to strong. Each direction is divided by its spread: whitening.
    strongest = directions[:, -proj.out_features :] / variances[-proj.out_features :].sqrt()
    proj.weight.copy_(strongest.T)
    proj.bias.copy_(-strongest.T @ mean)


def learn_to_see(
    model: FamSwin, clips: BarnClips, training: BarnTraining, report: Callable[[StepReport], None]
) -> None:
    """Train on single clips, without memory; changes the model in place."""
    rng = np.random.default_rng(training.seed)
    pixels = clips.pixels.reshape(-1, *clips.pixels.shape[2:])
    some = rng.choice(len(pixels), min(64, len(pixels)), replace=False)
    whiten_patches(model, Variation.draw(len(some), rng).of_pixels(pixels[some], model.card))
    labels, weights = torch.from_numpy(clips.labels.ravel()), sample_weights(clips).ravel()
    places = torch.from_numpy(clips.sow_places).flatten(0, 1)
    kinds = torch.from_numpy(clips.sow_kinds).flatten(0, 1)
    heads, size = SightingHeads(model), (model.card.frame_height, model.card.frame_width)
    dtype = training_dtype()

    def loss_of_step(step: int) -> Tensor:
        del step
        chosen = rng.choice(len(labels), training.see_batch, replace=False)
        index = torch.from_numpy(chosen)
        variation = Variation.draw(len(chosen), rng)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits, cells = heads(model, variation.of_pixels(pixels[chosen], model.card, dtype))
        is_merged = torch.ones(len(chosen), dtype=torch.bool)
        loss = merged_cross_entropy(logits, labels[index], GROUP, is_merged, weights[index])
        seen_at = variation.of_places(places[index], size[1], size[0])
        return loss + sum(sighting_loss(cell, seen_at, kinds[index], size) for cell in cells)

    learned = [*model.parameters(), *heads.parameters()]
    matrices = hidden_matrices(model.stages, model.merges)
    run_loop(learned, loss_of_step, training.see, report, matrices=matrices)


def learn_to_remember(
    model: FamSwin,
    videos: EncodedVideos,
    training: BarnTraining,
    report: Callable[[StepReport], None],
    *,
    number: int = 0,
) -> None:
    """One round of training memory on sequences of clips; changes the model in place."""
    rng = np.random.default_rng(training.seed + 2 + number)
    labels, delays = videos.labels, videos.delays
    weights = torch.where(delays >= 0, training.look_alike_weight, 1.0) * videos.weights
    steps_of, dtype = torch.arange(training.sequence_clips), training_dtype()

    def loss_of_step(step: int) -> Tensor:
        del step
        rows = torch.from_numpy(rng.integers(len(labels), size=training.remember_batch))
        latest = training.num_clips - training.sequence_clips
        starts = torch.from_numpy(rng.integers(latest + 1, size=training.remember_batch))
        columns = starts[:, None] + steps_of
        variant = int(rng.integers(len(videos.tokens)))
        l_mem = int(rng.choice(training.l_mem_choices))
        # As at the start of a video, wherever in it the sequence begins.
        state = model.init_state(len(rows), l_mem=l_mem)
        logits = []
        for column in columns.unbind(1):
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                output = model.step_trunk(videos.trunk(variant, rows, column), state)
            logits.append(output.logits)
            state = output.state
        delay = delays[rows[:, None], columns]
        # The deciding visit lies before the sequence, or memory is off: nothing shows the label.
        is_merged = (delay > steps_of) | torch.full_like(delay, l_mem == 0, dtype=torch.bool)
        return merged_cross_entropy(
            torch.stack(logits, 1).flatten(0, 1),
            labels[rows[:, None], columns].flatten(),
            GROUP,
            is_merged.flatten(),
            weights[rows[:, None], columns].flatten(),
        )

    matrices = hidden_matrices(model.stages, model.merges, model.memory)
    config = training.remember[number]
    run_loop(model.parameters(), loss_of_step, config, report, matrices=matrices)


@dataclass(frozen=True, kw_only=True)
class EncodedVideos(EncodedClips):
    """What all clips look like just before the first memory read: tokens `[V, N, L, D]`."""

    size: tuple[int, int, int]
    """Of the token grid of a clip."""

    def trunk(self, variant: int, videos: Tensor, clips: Tensor) -> Grid:
        """Some clips as one batch."""
        return Grid(self.tokens[variant][videos, clips].float(), self.size)


@torch.no_grad()
def encode_videos(
    model: FamSwin, clips: BarnClips, rng: np.random.Generator, *, num_variations: int = 2
) -> EncodedVideos:
    """Run all clips up to the first memory read; each video is varied in its own way."""
    dtype = training_dtype()

    def encode(pixels: NDArray[np.uint8]) -> Grid:
        variation = Variation.draw(len(pixels), rng, is_one_video=True)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return model.trunk(variation.of_pixels(pixels, model.card, dtype))

    size = encode(clips.pixels[0]).size
    return EncodedVideos(
        size=size,
        tokens=tuple(
            # float16: all videos are held at once, in each of their variations.
            torch.stack([encode(pixels).tokens.half() for pixels in clips.pixels])
            for _ in range(num_variations)
        ),
        labels=torch.from_numpy(clips.labels),
        delays=torch.from_numpy(clips.delay_clips),
        weights=sample_weights(clips),
    )
