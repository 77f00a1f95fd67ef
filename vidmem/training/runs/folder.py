"""The folder of a run: what it holds, written so that a run that is killed can go on.

config.json      all keys, those left to their defaults, too; config.toml as it was given
run.json         when, where and with what it ran; a list, since a run may be continued
metrics.jsonl    a line for each check: step, loss, learning rate, scores of `valid`
checkpoints/     last.pt, and best-000400.pt: the weights of the best step
scores.json      scores of the best step, written last: where it is there, the run is done
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vidmem.errors import CheckpointError, SettingError, StorageError
from vidmem.files import read_bounded, read_json
from vidmem.holding import HeldFile
from vidmem.plain import from_plain, to_json
from vidmem.training.runs.config import TrainConfig, config_from

CONFIG, TOML, RECORD = "config.json", "config.toml", "run.json"
METRICS, SCORES, LOCK = "metrics.jsonl", "scores.json", ".lock"
CHECKPOINTS, LAST, MODEL = "checkpoints", "last.pt", "model"
_MAX_METRICS_BYTES = 2**30


@dataclass(frozen=True, kw_only=True)
class RunScores:
    """What a run came to."""

    best_step: int
    """Steps after which `valid` was scored best."""

    num_steps: int
    """Steps that were taken."""

    valid: Mapping[str, float]
    """Scores after the best step, by name."""

    test: Mapping[str, float]
    """The same, on what no choice looked at."""


class RunFolder:
    """The files of one run.

    Args:
        path: Made when the run begins.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in the same folder.

        Raises:
            StorageError: If one does, or the folder cannot be made.
        """
        with _storage(f"the run cannot be written to {self.path}"):
            (self.path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            lock = HeldFile.take(self.path / LOCK)
        if lock is None:
            raise StorageError(f"another process trains in {self.path}; wait for it or end it")
        try:
            yield
        finally:
            lock.release()

    def begin(self, config: TrainConfig, toml: str | None = None) -> None:
        """Write the config, or check that what is there is the same.

        Raises:
            SettingError: If the folder has a run of another config; it names the first key.
            StorageError: If it cannot be written.
        """
        # Through JSON, which has lists only, as what is read has.
        values = json.loads(to_json(config.values()))
        if (self.path / CONFIG).exists():
            self._check_same(values)
            return
        if toml is not None:
            self._write(TOML, toml)
        self._write(CONFIG, to_json(values, indent=2) + "\n")

    def config(self) -> TrainConfig:
        """The config of the run.

        Raises:
            SettingError: If this is no folder of a run.
        """
        return config_from(self._config_values())

    def scores(self) -> RunScores | None:
        """What the run came to; `None`: it is not done.

        Raises:
            CheckpointError: If the file is damaged.
        """
        path = self.path / SCORES
        if not path.exists():
            return None
        try:
            return from_plain(RunScores, read_json(path))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path} is damaged, delete it: {error}") from error

    def write_scores(self, scores: RunScores) -> None:
        """The run is done."""
        self._write(SCORES, to_json(asdict(scores), indent=2) + "\n")

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Note that the run was begun or continued; `finish_record` says how that ended."""
        self._write(RECORD, to_json([*self._records(), dict(record)], indent=2) + "\n")

    def finish_record(self, more: Mapping[str, Any]) -> None:
        """Add to the newest note."""
        *earlier, newest = self._records()
        self._write(RECORD, to_json([*earlier, {**newest, **more}], indent=2) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The checks so far, in order; a line that was cut off is left out."""
        path = self.path / METRICS
        if not path.exists():
            return []
        with _storage(f"{path} cannot be read"):
            text = read_bounded(path, _MAX_METRICS_BYTES).decode("utf-8", "replace")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def add_metrics(self, line: Mapping[str, Any]) -> None:
        """One more check."""
        path = self.path / METRICS
        with _storage(f"{path} cannot be written"), path.open("a", encoding="utf-8") as file:
            file.write(to_json(dict(line)) + "\n")

    def forget_metrics_after(self, num_steps: int) -> None:
        """Leave out the checks that a continued run makes again."""
        kept = [line for line in self.metrics() if line["step"] <= num_steps]
        self._write(METRICS, "".join(to_json(line) + "\n" for line in kept))

    def last(self) -> dict[str, Any] | None:
        """The newest checkpoint; `None`: there is none.

        Raises:
            CheckpointError: If it is damaged.
        """
        path = self.path / CHECKPOINTS / LAST
        return self._load(path) if path.exists() else None

    def write_last(self, checkpoint: Mapping[str, Any]) -> None:
        """Take the place of the newest checkpoint, and forget weights that are no longer best."""
        self._save(self.path / CHECKPOINTS / LAST, checkpoint)
        # Only now: until this was written, a run would have gone on from the one before it.
        best = self._best_path(checkpoint["best_step"])
        for path in (self.path / CHECKPOINTS).iterdir():
            if re.fullmatch(r"best-\d+\.pt", path.name) and path != best:
                path.unlink()

    def best(self, step: int) -> dict[str, Any]:
        """The weights after the best step.

        Raises:
            CheckpointError: If they are missing or damaged.
        """
        return self._load(self._best_path(step))

    def write_best(self, step: int, weights: Mapping[str, Any]) -> None:
        """Keep the weights after a step; see `write_last` for those before."""
        self._save(self._best_path(step), weights)

    def _best_path(self, step: int) -> Path:
        return self.path / CHECKPOINTS / f"best-{step:06}.pt"

    def _load(self, path: Path) -> dict[str, Any]:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # what torch.load raises depends on how the file is damaged
            raise CheckpointError(f"{path} is missing or damaged: {error}") from error

    def _save(self, path: Path, contents: Mapping[str, Any]) -> None:
        part = path.with_name(f".{path.name}.part")
        with _storage(f"{path} cannot be written"):
            try:
                torch.save(dict(contents), part)
            except RuntimeError as error:  # as torch has it where the disk is full
                raise OSError(str(error)) from error
            os.replace(part, path)

    def _write(self, name: str, text: str) -> None:
        part = self.path / f".{name}.part"
        with _storage(f"{self.path / name} cannot be written"):
            part.write_text(text, encoding="utf-8")
            os.replace(part, self.path / name)

    def _records(self) -> list[dict[str, Any]]:
        path = self.path / RECORD
        return read_json(path) if path.exists() else []

    def _config_values(self) -> dict[str, Any]:
        path = self.path / CONFIG
        try:
            return read_json(path)
        except (OSError, ValueError) as error:
            raise SettingError(f"{self.path} is no folder of a run: {path} {error}") from error

    def _check_same(self, values: dict[str, Any]) -> None:
        own, wanted = _flat(self._config_values()), _flat(values)
        for key in sorted(own.keys() | wanted.keys()):
            if own.get(key, "nothing") != wanted.get(key, "nothing"):
                raise SettingError(
                    f"{self.path} has a run of another config: its {key} is "
                    f"{own.get(key, 'nothing')!r:.80}, not {wanted.get(key, 'nothing')!r:.80}; "
                    "take another folder, or the config in it"
                )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


@contextlib.contextmanager
def _storage(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}") from error
