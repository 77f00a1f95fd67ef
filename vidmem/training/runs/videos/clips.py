"""The task of telling the class of videos, from clips of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.data import DatasetSample
from vidmem.errors import SettingError
from vidmem.training.runs.kinds import Draw, PixelFacts, Split, TaskKind
from vidmem.training.runs.sequences.classes import device_of
from vidmem.training.runs.videos.reading import (
    CENTRE,
    ClipReader,
    View,
    normalised,
    random_view,
    varied,
    views,
)
from vidmem.training.runs.videos.scoring import Predictions
from vidmem.training.runs.videos.source import VideoSourceConfig, VideoSplits, class_of

SCORED_AT_A_TIME = 8
"""Clips."""


@dataclass(frozen=True, kw_only=True)
class VideosConfig(VideoSourceConfig):
    """Clips of the samples of a dataset."""

    test_clips: int = 1
    """Clips of each sample that `test` is scored on, evenly along it; their mean counts."""

    test_crops: int = 1
    """Crops of each of these: the middle, or 3 along the longer side."""

    label_smoothing: float = 0.0
    """Share of the probability that is asked for all classes alike."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_views(self.test_clips, self.test_crops)
        if not 0 <= self.label_smoothing < 1:
            raise SettingError(
                f"label_smoothing must be from 0 to below 1, got {self.label_smoothing:g}"
            )


def check_views(num_clips: int, num_crops: int) -> None:
    """Refuse numbers of views that nobody scores with.

    Raises:
        SettingError: With what is allowed.
    """
    if not 1 <= num_clips <= 100:
        raise SettingError(f"clips of a sample must be from 1 to 100, got {num_clips}")
    if num_crops not in (1, 3):
        raise SettingError(f"crops of a clip must be 1 or 3, got {num_crops}")


class VideosTask:
    """Tell the class of each sample.

    Args:
        config: Where the samples are.

    Raises:
        DatasetError: If there is no such dataset, or a split has no samples.
        SettingError: If it has no such subset.
    """

    def __init__(self, config: VideosConfig) -> None:
        self._config = config
        self.splits = VideoSplits.of(config)
        self.facts = PixelFacts(card=config.card(self.splits.train.class_names))
        self._reader = ClipReader(config)

    @property
    def test_views(self) -> tuple[int, int]:
        """Clips of a sample, and crops of a clip, that `test` is scored on."""
        return self._config.test_clips, self._config.test_crops

    def batch(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Clips `[B, T, 3, H, W]` of samples, each as likely as any, and their classes `[B]`."""
        samples = self.splits.train.samples
        rows = [samples[int(index)] for index in draw.rng.integers(len(samples), size=draw.size)]
        places = [random_view(draw.rng) for _ in rows]
        with ThreadPoolExecutor(self._config.workers) as pool:
            pixels = np.stack(list(pool.map(self._reader.pixels, rows, places)))
        clips = varied(pixels, self._config, self.facts.card, draw.rng)
        return clips, torch.tensor([class_of(sample) for sample in rows])

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy; where a network gives several answers, the mean of theirs."""
        clips, classes = (one.to(device_of(network)) for one in batch)
        logits = network(clips).float()
        if logits.ndim == 3:
            classes = classes.repeat_interleave(logits.shape[1])
            logits = logits.flatten(0, 1)
        smoothing = self._config.label_smoothing
        return F.cross_entropy(logits, classes, label_smoothing=smoothing)

    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """See `Predictions.scores`; `valid` is scored on the middle of each sample alone."""
        if split == "valid":
            return self.predictions(network, split).scores()
        return self.predictions(network, split, *self.test_views).scores()

    @torch.no_grad()
    def predictions(
        self, network: nn.Module, split: Split, num_clips: int = 1, num_crops: int = 1
    ) -> Predictions:
        """What a network says of each sample: the mean probabilities of its views."""
        check_views(num_clips, num_crops)
        samples = (self.splits.valid if split == "valid" else self.splits.test).samples
        places = views(num_clips, num_crops) if num_clips * num_crops > 1 else [CENTRE]
        jobs = [(sample, place) for sample in samples for place in places]
        device, said = device_of(network), []
        for clips in self._scored(jobs):
            said.append(network(clips.to(device)).float().softmax(-1).cpu())
        means = torch.cat(said).unflatten(0, (len(samples), len(places))).mean(1)
        classes = np.array([class_of(sample) for sample in samples], np.int64)
        return Predictions(means.numpy(), classes)

    def _scored(self, jobs: list[tuple[DatasetSample, View]]) -> Iterator[Tensor]:
        """The clips of some places, a few at a time, decoded while others are scored."""
        with ThreadPoolExecutor(self._config.workers) as pool:
            size = SCORED_AT_A_TIME
            groups = [jobs[at : at + size] for at in range(0, len(jobs), size)]
            ahead = [pool.submit(self._reader.pixels, *job) for job in groups[0]]
            for number in range(len(groups)):
                now, ahead = ahead, []
                if number + 1 < len(groups):
                    ahead = [pool.submit(self._reader.pixels, *job) for job in groups[number + 1]]
                yield normalised([one.result() for one in now], self.facts.card)


VIDEOS = TaskKind(
    name="videos", form="clips", config=VideosConfig, make=VideosTask, reads_ahead=True
)
