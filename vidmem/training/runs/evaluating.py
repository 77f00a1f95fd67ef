"""A run that was trained, scored again: in other views, class by class, and what it costs."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidmem.errors import SettingError, StorageError
from vidmem.evaluation.metrics import ClassScore, class_scores
from vidmem.files import guarded
from vidmem.models.device import resolve_device
from vidmem.plain import to_json
from vidmem.training.runs.efficiency import Efficiency, measure_efficiency
from vidmem.training.runs.folder import RunFolder
from vidmem.training.runs.kinds import HoldsOpen, Split
from vidmem.training.runs.run import make_network
from vidmem.training.runs.videos.clips import VideosTask
from vidmem.training.runs.videos.lanes import StreamsTask
from vidmem.training.runs.videos.scoring import Predictions

EVALUATION, CONFUSION = "evaluation.json", "confusion.csv"


@dataclass(frozen=True, kw_only=True)
class RunEvaluation:
    """Scores of a run beside its cost."""

    name: str
    split: Split
    step: int
    """That was best on `valid`; its weights are scored."""

    clips: int
    """Of each sample, whose mean probabilities count; 1 where there are no samples."""

    crops: int
    """Of each clip."""

    scores: dict[str, float]
    class_names: tuple[str, ...]

    classes: tuple[ClassScore, ...]
    """One for each class name; empty where the task predicts none."""

    confusion: tuple[tuple[int, ...], ...]
    """Rows are classes, columns what was predicted; empty alike."""

    efficiency: Efficiency

    def write(self, folder: Path) -> None:
        """Write `evaluation.json`, and `confusion.csv` where there is one.

        Raises:
            StorageError: If it cannot be written.
        """
        texts = {EVALUATION: to_json(asdict(self), indent=2) + "\n"}
        if self.confusion:
            texts[CONFUSION] = self.confusion_csv()
        try:
            for name, text in texts.items():
                part = folder / f".{name}.part"
                part.write_text(text, encoding="utf-8")
                os.replace(part, folder / name)
        except OSError as error:
            raise StorageError(f"{folder} cannot be written: {error.strerror or error}") from error

    def confusion_csv(self) -> str:
        """The confusion as a table with the names of classes."""
        text = io.StringIO()
        names = [guarded(name) for name in self.class_names]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["class \\ predicted", *names])
        writer.writerows([name, *row] for name, row in zip(names, self.confusion, strict=True))
        return text.getvalue()


def evaluate_run(
    folder: str | Path,
    *,
    split: Split = "test",
    clips: int | None = None,
    crops: int | None = None,
    batch: int = 8,
    device: str = "auto",
) -> RunEvaluation:
    """Score the best weights of a run, and measure what its network costs.

    Args:
        folder: Of the run.
        split: `test` or `valid`.
        clips: Of each sample, evenly along it; `None`: as the config says for this split.
        crops: Of each clip, 1 or 3; `None`: the same.
        batch: Samples at a time, for throughput and peak memory.
        device: `auto`, `cpu`, `cuda`, ...

    Raises:
        SettingError: If it is no folder of a run, the run is not done, or its task has no views.
        CheckpointError: If its weights are damaged.
    """
    files = RunFolder(folder)
    config, done = files.config(), files.scores()
    if done is None:
        raise SettingError(f"the run in {folder} is not done; go on with it: vidmem train")
    where = resolve_device(device)
    task = config.task_kind.make(config.task)
    try:
        network = make_network(config, task, where).eval()
        network.load_state_dict(files.best(done.best_step))
        num_clips, num_crops = _views(task, split, clips, crops)
        predictions, scores = _score(task, network, split, (num_clips, num_crops))
    finally:
        if isinstance(task, HoldsOpen):
            task.close()
    form = config.task_kind.form
    confusion = () if predictions is None else predictions.confusion()
    facts: Any = task.facts
    return RunEvaluation(
        name=config.name,
        split=split,
        step=done.best_step,
        clips=num_clips,
        crops=num_crops,
        scores=scores,
        class_names=facts.card.class_names if form != "sequences" else facts.class_names,
        classes=() if predictions is None else tuple(class_scores(predictions.confusion())),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        efficiency=measure_efficiency(network, form, facts, where, batch=batch),
    )


def _views(task: Any, split: Split, clips: int | None, crops: int | None) -> tuple[int, int]:
    if not isinstance(task, VideosTask):
        if clips is not None or crops is not None:
            raise SettingError("only runs on samples of videos have clips and crops of a sample")
        return 1, 1
    given = task.test_views if split == "test" else (1, 1)
    return clips or given[0], crops or given[1]


@torch.no_grad()
def _score(
    task: Any, network: nn.Module, split: Split, views: tuple[int, int]
) -> tuple[Predictions | None, dict[str, float]]:
    if isinstance(task, VideosTask):
        predictions = task.predictions(network, split, *views)
        return predictions, predictions.scores()
    if isinstance(task, StreamsTask):
        return task.scored(network, split)
    return None, task.scores(network, split)
