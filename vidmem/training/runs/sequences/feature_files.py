"""A task in a file: features of sequences, and the class of each frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vidmem.errors import DatasetError
from vidmem.evaluation.metrics import class_scores, confusion_matrix, macro_f1
from vidmem.training.runs.kinds import Draw, SequenceFacts, Split, TaskKind
from vidmem.training.runs.sequences.classes import (
    NO_CLASS,
    device_of,
    frame_cross_entropy,
)

SCORED_AT_A_TIME = 64
"""Sequences."""


@dataclass(frozen=True, kw_only=True)
class FeatureFileConfig:
    """Where the features are."""

    path: str
    """An `.npz` file with `train_features` `[N, T, P, F]`, float, and `train_classes` `[N, T]`,
    whole numbers, -1 where a frame has none; `valid_...` and `test_...` alike."""


@dataclass(frozen=True)
class _Sequences:
    features: NDArray[np.float32]
    classes: NDArray[np.int64]


class FeatureFileTask:
    """Tell the class of each frame.

    Args:
        config: Where the features are.

    Raises:
        DatasetError: If the file cannot be read, or lacks a part or has one of another shape.
    """

    def __init__(self, config: FeatureFileConfig) -> None:
        path = Path(config.path)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self._splits = {name: _read(path, arrays, name) for name in _SPLITS}
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path} cannot be read as .npz: {error}") from error
        num_classes = 1 + max(int(one.classes.max()) for one in self._splits.values())
        _, num_frames, tokens, width = self._splits["train"].features.shape
        self.facts = SequenceFacts(
            tokens_per_frame=tokens,
            feature_dim=width,
            num_frames=num_frames,
            class_names=tuple(f"class {number}" for number in range(num_classes)),
        )

    def batch(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Some sequences, each as likely as any."""
        train = self._splits["train"]
        rows = draw.rng.integers(len(train.features), size=draw.size)
        return torch.from_numpy(train.features[rows]), torch.from_numpy(train.classes[rows])

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy of the frames."""
        features, classes = (one.to(device_of(network)) for one in batch)
        return frame_cross_entropy(network(features).frame_logits, classes)

    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """`macro_f1` and `accuracy`, the share that is right, over all frames that have a class."""
        own, logits = self._splits[split], []
        for start in range(0, len(own.features), SCORED_AT_A_TIME):
            features = torch.from_numpy(own.features[start : start + SCORED_AT_A_TIME])
            logits.append(network(features.to(device_of(network))).frame_logits.cpu())
        is_counted = own.classes != NO_CLASS
        predicted = torch.cat(logits).argmax(-1).numpy()[is_counted]
        classes = own.classes[is_counted]
        if not len(classes):
            return {"macro_f1": math.nan, "accuracy": math.nan}
        table = confusion_matrix(classes, predicted, self.facts.num_classes)
        # Of a class that is neither there nor said there is nothing to score.
        scores = [
            one
            for one, said in zip(class_scores(table), table.sum(0).tolist(), strict=True)
            if one.support or said
        ]
        accuracy = float((predicted == classes).mean())
        return {"macro_f1": macro_f1(scores), "accuracy": accuracy}


_SPLITS = ("train", "valid", "test")


def _read(path: Path, arrays: np.lib.npyio.NpzFile, split: str) -> _Sequences:
    names = (f"{split}_features", f"{split}_classes")
    if missing := [name for name in names if name not in arrays]:
        raise DatasetError(f"{path} lacks {missing[0]}; it has {', '.join(arrays.files) or 'none'}")
    features, classes = arrays[names[0]], arrays[names[1]]
    if features.ndim != 4 or classes.shape != features.shape[:2] or not len(features):
        raise DatasetError(
            f"{path}: {names[0]} must be [N, T, P, F] and {names[1]} [N, T], got "
            f"{list(features.shape)} and {list(classes.shape)}"
        )
    if classes.min() < NO_CLASS or not np.issubdtype(classes.dtype, np.integer):
        raise DatasetError(f"{path}: {names[1]} must be whole numbers from -1 on")
    return _Sequences(features.astype(np.float32), classes.astype(np.int64))


FEATURE_FILE = TaskKind(
    name="feature-file", form="sequences", config=FeatureFileConfig, make=FeatureFileTask
)
