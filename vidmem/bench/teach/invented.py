"""Hours of features that nobody encoded, with minutes of labels: what teaching is measured on.

They are put where `encode_video` keeps those of a video, so that teaching finds them as it finds
any others: it reads, reduces and learns as it does for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from vidmem.data.barn import BarnConfig, write_video
from vidmem.data.barn.looping import loop_video
from vidmem.labels import Behaviour, Bout, Ethogram, Labels
from vidmem.models import FeatureEncoder, FeatureStore
from vidmem.models.features.config import NUM_MOTION_CHANNELS, FeatureConfig
from vidmem.models.features.encoder import load_feature_backbone
from vidmem.teaching import TeachConfig
from vidmem.teaching.encoding import feature_bytes, feature_key
from vidmem.units import MIB

BEHAVIOURS = ("resting", "walking", "eating")
BOUT_SECONDS = 5.0
PIECE_SECONDS = 30.0
"""Of labels in a row: people label some pieces of a long video."""

MOST_LABELLED_SECONDS = 300.0
"""And no more than half of the video."""

NUM_CAUSES = 8
"""Of all that changes in the picture: the first of them are the behaviours."""

CAUSE_NOISE = 1.5
"""Beside a behaviour's 1: a single frame says little, those around it more."""

TOKEN_NOISE = 0.5
PIECE_FRAMES = 512
"""Written at a time."""

VIDEO_FPS, MOST_DRAWN_MINUTES = 1.0, 0.25
"""Of the file that stands for the video; nobody decodes it."""


@dataclass(frozen=True, kw_only=True)
class InventedVideo:
    """A video with labels, its features in a store."""

    labels: Labels
    more_labels: Labels
    """With one piece more, as after a look at what the model said."""

    path: Path
    store: FeatureStore
    labelled_seconds: float
    num_feature_frames: int
    num_bytes: int
    """Of the features on disk, about."""


def load_encoder(features: FeatureConfig) -> FeatureEncoder:
    """The image encoder of features, yet without a reduction.

    Raises:
        WeightsNotAvailableError: If it is not on this machine, with how to get it.
    """
    backbone = load_feature_backbone(features)
    return FeatureEncoder(replace(features, backbone_sha256=backbone.fingerprint()), backbone)


@contextmanager
def invented_video(
    config: TeachConfig, minutes: float, encoder: FeatureEncoder
) -> Iterator[InventedVideo]:
    """A video of so many minutes in a temporary folder, deleted afterwards.

    Raises:
        StorageError: If its features do not fit there.
    """
    with TemporaryDirectory(prefix="vidmem-") as folder:
        path = _write_video(Path(folder), minutes)
        num_frames = round(60 * minutes * config.feature_fps)
        num_bytes = num_frames * feature_bytes(encoder)
        store = FeatureStore(folder=Path(folder) / "features", max_bytes=num_bytes + MIB)
        _write_features(path, store, encoder, config.feature_fps, num_frames)
        labels, labelled_seconds = _labels(path.name, 60 * minutes)
        yield InventedVideo(
            labels=labels,
            more_labels=labels.add(*_more_bouts(labels, 60 * minutes)),
            path=path,
            store=store,
            labelled_seconds=labelled_seconds,
            num_feature_frames=num_frames,
            num_bytes=num_bytes,
        )


def _write_video(folder: Path, minutes: float) -> Path:
    """A file of about that length: a few small pictures again and again."""
    num_times = math.ceil(minutes / MOST_DRAWN_MINUTES)
    drawn, looped = folder / "drawn.mp4", folder / "invented.mp4"
    write_video(BarnConfig(minutes=minutes / num_times), drawn, width=64, height=36, fps=VIDEO_FPS)
    loop_video(drawn, looped, num_times)
    return looped


def _labels(name: str, seconds: float) -> tuple[Labels, float]:
    """Pieces that lie apart, each full of bouts; and how long they are together."""
    labelled = min(MOST_LABELLED_SECONDS, seconds / 2)
    num_pieces = max(1, round(labelled / PIECE_SECONDS))
    num_bouts = max(1, round(labelled / num_pieces / BOUT_SECONDS))
    bouts = []
    for piece in range(num_pieces):
        first = int(piece * seconds / num_pieces / BOUT_SECONDS)
        bouts += [
            Bout(name, number * BOUT_SECONDS, (number + 1) * BOUT_SECONDS, _behaviour(number))
            for number in range(first, first + num_bouts)
        ]
    ethogram = Ethogram(tuple(Behaviour(one) for one in BEHAVIOURS))
    return Labels(ethogram, tuple(bouts)), num_pieces * num_bouts * BOUT_SECONDS


def _more_bouts(labels: Labels, seconds: float) -> list[Bout]:
    """As many as a piece holds, in the middle of the longest stretch without a label."""
    bouts = labels.bouts
    edges = [(one.end_seconds, two.start_seconds) for one, two in pairwise(bouts)]
    start, end = max([*edges, (bouts[-1].end_seconds, seconds)], key=lambda one: one[1] - one[0])
    num_bouts = min(round(PIECE_SECONDS / BOUT_SECONDS), int((end - start) / BOUT_SECONDS))
    first = int((start + end - num_bouts * BOUT_SECONDS) / 2 / BOUT_SECONDS)
    name = bouts[0].video
    return [
        Bout(name, number * BOUT_SECONDS, (number + 1) * BOUT_SECONDS, _behaviour(number))
        for number in range(first, first + num_bouts)
    ]


def _behaviour(number: int) -> str:
    return BEHAVIOURS[number % len(BEHAVIOURS)]


def _write_features(
    path: Path, store: FeatureStore, encoder: FeatureEncoder, feature_fps: float, num_frames: int
) -> None:
    """As `encode_video` would have left them."""
    key = feature_key(path, encoder, fps=feature_fps * encoder.config.encode_every)
    store.check_room([(key, num_frames * feature_bytes(encoder))])
    writer = store.writer(key)
    assert writer is not None, "nobody else knows the folder"
    inventor = _Inventor(encoder, feature_fps)
    with writer:
        for start in range(0, num_frames, PIECE_FRAMES):
            writer.append(inventor.rows(start, min(start + PIECE_FRAMES, num_frames)))
        writer.complete({"gaps": [], "duration_seconds": num_frames / feature_fps})


class _Inventor:
    """Makes the rows of feature frames, from first to last."""

    def __init__(self, encoder: FeatureEncoder, feature_fps: float) -> None:
        self._every, self._fps = encoder.config.encode_every, feature_fps
        self._places, width = encoder.config.tokens_per_frame, encoder.backbone.embed_dim
        self._random = torch.Generator().manual_seed(0)
        # How each cause shows in each token; what is on top is the same again and again, since
        # billions of random numbers would take minutes.
        self._shows = self._normal(NUM_CAUSES, self._places * width)
        self._rest = TOKEN_NOISE * self._normal(PIECE_FRAMES, self._places * width)

    def rows(self, start: int, stop: int) -> dict[str, Tensor]:
        """Of feature frames `[start, stop)`."""
        num = stop - start
        starts = torch.arange(start, stop, dtype=torch.float64) / self._fps
        ends, encoded = starts + 1 / self._fps, starts + (1 - 1 / self._every) / self._fps
        behaviour = torch.from_numpy(np.floor(encoded.numpy() / BOUT_SECONDS)).long()
        causes = CAUSE_NOISE * self._normal(num, NUM_CAUSES)
        causes[torch.arange(num), behaviour % len(BEHAVIOURS)] += 1
        tokens = (causes @ self._shows + self._rest[:num]).view(num, self._places, -1)
        return {
            "tokens": tokens.half(),
            "cell_motion": self._normal(num, self._places, NUM_MOTION_CHANNELS),
            "frame_motion": self._normal(num, NUM_MOTION_CHANNELS),
            "seconds": torch.stack([starts, ends, encoded], 1),
        }

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._random)
