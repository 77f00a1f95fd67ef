"""What the recipes of the nano models share: videos to draw, and clips once they are encoded."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from vidmem.data.barn import CLASS_NAMES, LOOK_ALIKES
from vidmem.models import ModelCard
from vidmem.models.checkpoint import CONFIG_FILE
from vidmem.models.device import has_fast_bf16
from vidmem.training.barn.clips import BarnClips, ClipShape, draw_barn_clips

logger = logging.getLogger(__name__)

# The classes that only the past decides between, as indices.
GROUP = tuple(CLASS_NAMES.index(name) for name in LOOK_ALIKES)


def barn_card(name: str, title: str, *, fps: float, clip_frames: int) -> ModelCard:
    """How a nano model wants a video sampled; its windows lie back to back."""
    return ModelCard(
        name=name,
        title=title,
        class_names=CLASS_NAMES,
        fps=fps,
        clip_frames=clip_frames,
        window_stride=clip_frames,
        frame_height=96,
        frame_width=160,
        resize="squash",
        trained_on=(
            "Trained on generated barn videos. On other footage its labels mean nothing until you "
            "teach it."
        ),
    )


@dataclass(frozen=True, kw_only=True)
class BarnRecipe:
    """The settings that all recipes share."""

    seed: int = 0
    """Of the first weights and of the order of samples."""

    num_videos: int = 256
    """Videos drawn; their seeds are 0, 1, 2, ..."""

    num_clips: int = 32
    """Clips of each video, in a row."""

    def draw(
        self,
        card: ModelCard,
        *,
        num_processes: int,
        swap_visits: bool = False,
        seeds: range | None = None,
        num_clips: int | None = None,
    ) -> BarnClips:
        """Draw the videos, or their twins (`swap_visits`), as a model wants them.

        Args:
            card: Of the model.
            num_processes: Drawn side by side.
            swap_visits: Draw the twins.
            seeds: Of other videos than those of the recipe.
            num_clips: Of each video, where it is not the recipe's number.
        """
        started = time.monotonic()
        shape = ClipShape(
            num_clips=num_clips or self.num_clips,
            fps=card.fps,
            clip_frames=card.clip_frames,
            width=card.frame_width,
            height=card.frame_height,
        )
        seeds = range(self.num_videos) if seeds is None else seeds
        clips = draw_barn_clips(seeds, shape, num_processes=num_processes, swap_visits=swap_visits)
        logger.info("drew %d videos in %.0f s", len(seeds), time.monotonic() - started)
        return clips


@dataclass(frozen=True, kw_only=True)
class EncodedClips:
    """What a frozen part of a model made of all clips of some videos, and their labels."""

    tokens: tuple[Tensor, ...]
    """`[V, N, ...]`, float16, for each of some variations of the videos."""

    labels: Tensor
    """`[V, N]`"""

    delays: Tensor
    """`[V, N]`, as in `BarnClips`."""

    weights: Tensor
    """`[V, N]`, of `sample_weights`."""

    def and_also(self, others: Self) -> Self:
        """These videos and others of the same length."""
        return replace(
            self,
            tokens=tuple(torch.cat(both) for both in zip(self.tokens, others.tokens, strict=True)),
            labels=torch.cat([self.labels, others.labels]),
            delays=torch.cat([self.delays, others.delays]),
            weights=torch.cat([self.weights, others.weights]),
        )


def sample_weights(clips: BarnClips) -> Tensor:
    """`[V, N]`, 0.1 to 1: a window in which two behaviours share the time counts less."""
    # In full from a share of 0.8 on, 0.4 where both have half, and never nothing.
    return torch.from_numpy(np.clip(2 * clips.purity - 0.6, 0.1, 1.0)).float()


def is_checkpoint(folder: Path) -> bool:
    """Whether a run left a whole model there; its config is written last."""
    return (folder / CONFIG_FILE).is_file()


def training_dtype() -> torch.dtype:
    """bf16 where this CPU multiplies it in hardware: half as much to compute and to move."""
    return torch.bfloat16 if has_fast_bf16() else torch.float32
