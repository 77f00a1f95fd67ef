"""How `spool-nano` is trained: first a backbone that sees, then blocks that look back and ahead.

1. *See*: single frames. The backbone learns what each patch shows (`sightings`).
2. *Look around*: windows of frames. The backbone is frozen and every frame is encoded once; the
   temporal blocks learn the behaviour of each clip of the window. Every video has a twin in which
   the visits that decide are swapped, as for `fam-swin-nano`. The number of frames and the range
   change from step to step, since streams begin with few frames and people move the range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vidmem.data.barn import CLASS_NAMES
from vidmem.errors import SettingError
from vidmem.models import (
    Backbone,
    BackboneConfig,
    ModelCard,
    Preprocessing,
    Spool,
    SpoolConfig,
    load_folder,
    save,
)
from vidmem.training.augmentation import Variation
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
from vidmem.training.barn.sightings import NOTHING, sighting_loss
from vidmem.training.loop import LoopConfig, StepReport, hidden_matrices, run_loop
from vidmem.training.losses import merged_cross_entropy

TOKENS_PER_FRAME = 15
_WINDOW_LOSS = 0.2
"""Of the loss for the whole window, beside that for its clips."""


def nano_backbone_config() -> BackboneConfig:
    """DINOv2's architecture at 1.1 million weights, with 12 x 20 patches."""
    return BackboneConfig(
        model_type="dinov2",
        options={
            "hidden_size": 128,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
            "patch_size": 8,
            "image_size": 128,
        },
        tokens_per_frame=TOKENS_PER_FRAME,
        frames_per_batch=64,
        preprocessing=Preprocessing(frame_height=96, frame_width=160, resize="squash"),
    )


def spool_nano_config() -> SpoolConfig:
    """Small enough for a laptop: 1.9 million weights, backbone included."""
    return SpoolConfig(
        backbone="spool-nano",
        backbone_config=asdict(nano_backbone_config()),
        embed_dim=128,
        num_layers=4,
        num_heads=4,
        num_lookback_heads=2,
        num_lookahead_heads=2,
        local_frame_range=8,
        has_offset_bias=True,
        tokens_per_frame=TOKENS_PER_FRAME,
        window_frames=136,
        num_classes=len(CLASS_NAMES),
    )


def spool_nano_card() -> ModelCard:
    """How `spool-nano` wants a video sampled."""
    return barn_card("spool-nano", "Spool nano", fps=2.0, clip_frames=8)


@dataclass(frozen=True, kw_only=True)
class SpoolTraining(BarnRecipe):
    """The whole recipe."""

    see: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=2400, learning_rate=8e-4, warmup_steps=40)
    )
    """First stage."""

    see_batch: int = 16
    """Clips per step, four frames of each."""

    look_around: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=1000, learning_rate=8e-4, warmup_steps=40)
    )
    """Second stage."""

    clips_per_step: int = 256
    """Of the second stage, in windows of some of them."""

    window_clips: tuple[int, ...] = (17, 17, 17, 9, 5, 2, 1)
    """Drawn from in the second stage."""

    ranges: tuple[int, ...] = (8, 8, 8, 12, 4, 2)
    """Of the heads; drawn from in the second stage."""

    look_alike_weight: float = 2.0
    """Of the clips that need the past, in the second stage."""

    def __post_init__(self) -> None:
        if not 1 <= max(self.window_clips) <= self.num_clips:
            raise SettingError(
                f"window_clips must be from 1 to num_clips, {self.num_clips}, "
                f"got {self.window_clips}"
            )

    @property
    def num_steps(self) -> int:
        """Optimiser steps of both stages."""
        return self.see.steps + self.look_around.steps


def train_spool_nano(
    training: SpoolTraining,
    report: Callable[[str, StepReport], None],
    *,
    checkpoints: Path,
    num_processes: int = 2,
) -> Spool:
    """Draw the videos and train a model on them.

    Args:
        training: The recipe; with the same recipe, machine and torch, the same weights.
        report: Called after each optimiser step with the name of the stage.
        checkpoints: A folder for the model as it is after the first stage. What a run that was
            stopped left there, training goes on from.
        num_processes: For drawing.
    """
    torch.manual_seed(training.seed)
    card = spool_nano_card()
    clips = training.draw(card, num_processes=num_processes)
    kept = checkpoints / "0"
    if is_checkpoint(kept):
        model = load_folder(kept).train()
        assert isinstance(model, Spool)
    else:
        backbone = Backbone(nano_backbone_config())
        learn_patches(backbone, clips, card, training, lambda step: report("see", step))
        model = Spool(spool_nano_config(), card, backbone=backbone).train()
        save(model, kept)
    rng = np.random.default_rng(training.seed + 1)
    frames = encode_frames(model, clips, rng)
    del clips  # gigabytes of pixels, before as many more are drawn
    twins = training.draw(card, num_processes=num_processes, swap_visits=True)
    frames = frames.and_also(encode_frames(model, twins, rng))
    del twins
    learn_to_look_around(model, frames, training, lambda step: report("look around", step))
    return model.eval()


def learn_patches(
    backbone: Backbone,
    clips: BarnClips,
    card: ModelCard,
    training: SpoolTraining,
    report: Callable[[StepReport], None],
) -> None:
    """Train a backbone to name what each patch shows; changes it in place."""
    rng = np.random.default_rng(training.seed)
    config = replace(backbone.config, tokens_per_frame=None, is_frozen=False)
    whole = Backbone(config, backbone.encoder.requires_grad_(True)).train()
    head = nn.Linear(whole.embed_dim, NOTHING + 1)
    pixels = clips.pixels.reshape(-1, *clips.pixels.shape[2:])
    places = torch.from_numpy(clips.sow_places).flatten(0, 1)
    kinds = torch.from_numpy(clips.sow_kinds).flatten(0, 1)
    size, dtype = (card.frame_height, card.frame_width), training_dtype()
    frames_per_moment = pixels.shape[1] // places.shape[1]

    def loss_of_step(step: int) -> Tensor:
        del step
        chosen = rng.choice(len(pixels), training.see_batch, replace=False)
        # One frame for each moment. Places are known at moments only, and change little in between.
        offset = int(rng.integers(frames_per_moment))
        frames = pixels[chosen, offset::frames_per_moment]
        variation = Variation.draw(len(chosen), rng)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            patches = whole(variation.of_pixels(frames, card))
            logits = head(patches).float().unflatten(2, whole.patch_grid(*size))
        index = torch.from_numpy(chosen)
        seen_at = variation.of_places(places[index], size[1], size[0])
        return sighting_loss(logits, seen_at, kinds[index], size)

    learned = [*whole.parameters(), *head.parameters()]
    matrices = hidden_matrices(whole.encoder)
    run_loop(learned, loss_of_step, training.see, report, matrices=matrices)
    backbone.encoder.requires_grad_(not backbone.config.is_frozen).eval()


@torch.no_grad()
def encode_frames(
    model: Spool, clips: BarnClips, rng: np.random.Generator, *, num_variations: int = 2
) -> EncodedClips:
    """All frames through the backbone, `[V, N, T, P, D]`; each video is varied in its own way."""
    dtype = training_dtype()

    def encode(row: int) -> Tensor:
        pixels = clips.pixels[row]
        variation = Variation.draw(len(pixels), rng, is_one_video=True)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return model.encode(variation.of_pixels(pixels, model.card)).half()

    return EncodedClips(
        tokens=tuple(
            torch.stack([encode(row) for row in range(len(clips.pixels))])
            for _ in range(num_variations)
        ),
        labels=torch.from_numpy(clips.labels),
        delays=torch.from_numpy(clips.delay_clips),
        weights=sample_weights(clips),
    )


def learn_to_look_around(
    model: Spool,
    videos: EncodedClips,
    training: SpoolTraining,
    report: Callable[[StepReport], None],
) -> None:
    """Train the temporal blocks on windows of clips; changes the model in place."""
    rng = np.random.default_rng(training.seed + 2)
    labels, delays = videos.labels, videos.delays
    weights = torch.where(delays >= 0, training.look_alike_weight, 1.0) * videos.weights
    dtype = training_dtype()

    def loss_of_step(step: int) -> Tensor:
        del step
        num_clips = int(rng.choice(training.window_clips))
        batch = max(1, training.clips_per_step // num_clips)
        rows = torch.from_numpy(rng.integers(len(labels), size=batch))[:, None]
        starts = torch.from_numpy(rng.integers(labels.shape[1] - num_clips + 1, size=batch))
        steps_of = torch.arange(num_clips)
        columns = starts[:, None] + steps_of
        variant = videos.tokens[int(rng.integers(len(videos.tokens)))]
        # Kept as float16; the blocks compute in another type.
        features = variant[rows, columns].float().flatten(1, 2)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            scores = model.forward_features(
                features, local_frame_range=int(rng.choice(training.ranges))
            )
        clip_logits = scores.frame_logits.unflatten(1, (num_clips, -1)).mean(2)
        wanted = labels[rows, columns]
        is_merged = delays[rows, columns] > steps_of  # its visit lies before the window
        loss = merged_cross_entropy(
            clip_logits.flatten(0, 1),
            wanted.flatten(),
            GROUP,
            is_merged.flatten(),
            weights[rows, columns].flatten(),
        )
        labels_of_windows, is_shown = _commonest(wanted, is_merged)
        window_loss = merged_cross_entropy(
            scores.clip_logits, labels_of_windows, GROUP, ~is_shown, torch.ones(batch)
        )
        return loss + _WINDOW_LOSS * window_loss

    temporal = [p for name, p in model.named_parameters() if not name.startswith("backbone.")]
    matrices = hidden_matrices(model.blocks)
    run_loop(temporal, loss_of_step, training.look_around, report, matrices=matrices)


def _commonest(labels: Tensor, is_merged: Tensor) -> tuple[Tensor, Tensor]:
    """The commonest label of each window `[B, N]`, and whether the window shows what decides it."""
    commonest = labels.mode(1).values
    is_shown = ((labels == commonest[:, None]) & ~is_merged).any(1)
    return commonest, is_shown
