"""A run's config: from TOML or plain values, each key checked and named where it is wrong."""

from __future__ import annotations

import dataclasses
import math
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vidmem.errors import SettingError
from vidmem.files import MAX_JSON_BYTES, read_bounded
from vidmem.plain import from_plain
from vidmem.training.loop import LoopConfig
from vidmem.training.runs.kinds import NetworkKind, TaskKind
from vidmem.training.runs.registry import NETWORKS, TASKS


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How fast and for how long."""

    steps: int
    """Optimiser steps, at most."""

    batch: int
    """Rows of a part of a step's batch."""

    accumulate: int = 1
    """Parts of a step's batch, whose gradients are averaged. Processes share them out, so a run
    gives the same on one process as on as many as divide this number."""

    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon`: the matrices inside a network learn with Muon, the rest with AdamW."""

    learning_rate: float = 1e-3
    """The highest; reached after the warm-up, then down to zero along a cosine."""

    matrix_rate: float = 5.0
    """Times the learning rate, for what learns with Muon."""

    scalar_rate: float = 1.0
    """Times the learning rate, for single numbers such as the gate of memory."""

    weight_decay: float = 0.02
    """Of matrices."""

    warmup_steps: int = 20
    """Steps of linear rise."""

    max_grad_norm: float = 1.0
    """Longer gradients are scaled down to this."""

    precision: Literal["float32", "bf16"] = "float32"
    """`bf16`: matrix products in bfloat16 (`torch.autocast`), weights in float32."""

    ema: float = 0.0
    """Decay of the moving average of weights that is scored in their place; 0: none."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate"):
            _check(name, getattr(self, name), least=1)
        for name in ("warmup_steps", "weight_decay", "matrix_rate", "scalar_rate"):
            _check(name, getattr(self, name), least=0)
        for name in ("learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name} must be above 0, got {getattr(self, name):g}")
        if not 0 <= self.ema < 1:
            raise SettingError(f"ema must be from 0 (none) to below 1, got {self.ema:g}")

    def loop(self) -> LoopConfig:
        """What the loop wants to know."""
        return LoopConfig(
            steps=self.steps,
            learning_rate=self.learning_rate,
            matrix_rate=self.matrix_rate,
            weight_decay=self.weight_decay,
            scalar_rate=self.scalar_rate,
            warmup_steps=self.warmup_steps,
            max_grad_norm=self.max_grad_norm,
        )


@dataclass(frozen=True, kw_only=True)
class StopConfig:
    """When a run is scored, and when it ends early."""

    check_every: int = 100
    """Steps from one score of `valid` to the next; the last step is scored always."""

    patience: int = 0
    """Scores in a row without a better one after which it ends; 0: it never ends early."""

    def __post_init__(self) -> None:
        _check("check_every", self.check_every, least=1)
        _check("patience", self.patience, least=0)


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """When a run is saved."""

    every: int = 100
    """Steps from one checkpoint to the next; there is one at each better score, too."""

    def __post_init__(self) -> None:
        _check("every", self.every, least=1)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All that decides what a run comes to."""

    name: str
    """One line, for people."""

    seed: int = 0
    """Of the first weights, of what is drawn to learn from, and of dropout."""

    task_kind: TaskKind
    task: Any
    """Of the class `task_kind.config`."""

    model_kind: NetworkKind
    model: Any
    """Of the class `model_kind.config`."""

    optimizer: OptimizerConfig
    stop: StopConfig = field(default_factory=StopConfig)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise SettingError(f"name must be one line of text, got {self.name!r:.60}")
        _check("seed", self.seed, least=0)

    def values(self) -> dict[str, Any]:
        """All keys with their values, ready for JSON; `config_from` is the inverse."""
        parts = {
            name: dataclasses.asdict(getattr(self, name))
            for name in ("task", "model", "optimizer", "stop", "checkpoints")
        }
        parts["task"] = {"kind": self.task_kind.name, **parts["task"]}
        parts["model"] = {"kind": self.model_kind.name, **parts["model"]}
        return {"name": self.name, "seed": self.seed, **parts}


@dataclass(frozen=True, kw_only=True)
class _Top:
    """The keys of a config's top level."""

    name: str
    seed: int = 0
    task: Mapping[str, Any]
    model: Mapping[str, Any]
    optimizer: OptimizerConfig
    stop: StopConfig = field(default_factory=StopConfig)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)


def read_config(path: str | Path) -> TrainConfig:
    """The config of a TOML file. Paths in it are meant from the working directory.

    Raises:
        SettingError: If the file cannot be read, is no TOML, or as `config_from`.
    """
    values = read_toml(path)
    try:
        return config_from(values)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from error


def read_toml(path: str | Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        SettingError: If it cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(read_bounded(path, MAX_JSON_BYTES).decode("utf-8"))
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(f"{path} is no TOML: {error}") from error


def config_from(values: Mapping[str, Any]) -> TrainConfig:
    """The config of plain values, as TOML or JSON has them.

    Raises:
        SettingError: If a key is unknown, missing, of another type or out of range; it names the
            key, what was got, and what is known or allowed.
    """
    top = _dataclass(_Top, dict(values), "")
    task = dict(top.task)
    task_kind = _kind("task", task, TASKS)
    model = dict(top.model)
    fitting = {name: kind for (form, name), kind in NETWORKS.items() if form == task_kind.form}
    model_kind = _kind("model", model, fitting, f" for a task of {task_kind.form}")
    return TrainConfig(
        name=top.name,
        seed=top.seed,
        task_kind=task_kind,
        task=_dataclass(task_kind.config, task, "task"),
        model_kind=model_kind,
        model=_dataclass(model_kind.config, model, "model"),
        optimizer=top.optimizer,
        stop=top.stop,
        checkpoints=top.checkpoints,
    )


K = typing.TypeVar("K", TaskKind, NetworkKind)


def _kind(table: str, values: dict[str, Any], kinds: Mapping[str, K], of: str = "") -> K:
    name = values.pop("kind", None)
    if not isinstance(name, str) or name not in kinds:
        known = ", ".join(sorted(kinds))
        raise SettingError(f"{table}.kind must be one of {known}{of}, got {name!r:.60}")
    return kinds[name]


def _dataclass(kind: type, values: dict[str, Any], place: str) -> Any:
    _check_known(kind, values, place)
    try:
        return from_plain(kind, values, place or "the config")
    except ValueError as error:
        # What a dataclass says of its own fields does not know which table it stands in.
        text = str(error)
        is_placed = text.startswith(place or "the config") or not place
        raise SettingError(text if is_placed else f"[{place}] {text}") from error


def _check_known(kind: type, values: Mapping[str, Any], place: str) -> None:
    """Refuse unknown keys, in tables inside of it, too.

    Raises:
        SettingError: With the keys that are known.
    """
    hints = typing.get_type_hints(kind)
    known = [one.name for one in dataclasses.fields(kind) if one.init]
    for name, value in values.items():
        key = f"{place}.{name}".removeprefix(".")
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise SettingError(f"unknown key {key} = {value!r:.60}; known here: {allowed}")
        options = (hints[name], *typing.get_args(hints[name]))
        inner = [one for one in options if dataclasses.is_dataclass(one)]
        if isinstance(value, Mapping) and inner:
            _check_known(typing.cast(type, inner[0]), value, key)


def _check(name: str, value: float, *, least: float) -> None:
    if not (value >= least and math.isfinite(value)):
        raise SettingError(f"{name} must be at least {least:g}, got {value:g}")
