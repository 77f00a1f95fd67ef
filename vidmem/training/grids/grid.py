"""A grid of runs: a base config, and what each row changes in it.

    title = "How far back memory reaches"
    seeds = [0, 1, 2]
    scores = ["recall_1", "recall_8"]      # columns of the table; all, if it is left out
    base = { name = "...", task = { ... }, model = { ... }, optimizer = { ... } }

    [[rows]]                               # each with a name, and keys that it changes
    name = "no memory"
    model.memory.l_mem = 0

    [grid]                                 # keys with lists of values: all combinations
    model.gate = [0.0, 1.0]

Where there are both, each row is run in all combinations. `base` may also be the path of a config
of `vidmem train`, from the grid's own folder.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidmem.errors import SettingError
from vidmem.plain import from_plain, to_json
from vidmem.training.runs.config import TrainConfig, config_from, read_toml

MAX_RUNS = 10_000


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """One row of the table: a config for each seed."""

    name: str
    configs: tuple[TrainConfig, ...]


@dataclass(frozen=True, kw_only=True)
class RunGrid:
    """What is to be run, and what of it goes into the table."""

    title: str
    rows: tuple[GridRow, ...]

    scores: tuple[str, ...] = ()
    """Columns of the table, by the names of the task's scores; empty: all."""

    curve: str = ""
    """Scores called this and a number are points of a curve in the figure, over that number."""

    curve_title: str = ""
    """What that number is."""

    note: str = ""
    """A line below the title: what was the same for all."""

    @property
    def num_runs(self) -> int:
        """Runs, some of which may be one and the same."""
        return sum(len(row.configs) for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class _File:
    """The keys of a grid's file, but `base`."""

    title: str
    note: str = ""
    seeds: tuple[int, ...] = (0,)
    scores: tuple[str, ...] = ()
    curve: str = ""
    curve_title: str = ""
    grid: Mapping[str, Any] = field(default_factory=dict)


def read_grid(path: str | Path) -> RunGrid:
    """The grid of a TOML file.

    Raises:
        SettingError: If it cannot be read, a key is unknown or wrong, or a row makes a config that
            `vidmem train` would refuse: the message names the row.
    """
    path = Path(path)
    values = read_toml(path)
    try:
        base = values.pop("base", None)
        if isinstance(base, str):
            base = read_toml(path.parent / base)
        return grid_from(values, base)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from error


def grid_from(values: Mapping[str, Any], base: Any) -> RunGrid:
    """The grid of plain values; see `read_grid`.

    Args:
        values: All keys of the file but `base`.
        base: The config that rows change.
    """
    if not isinstance(base, Mapping):
        raise SettingError("a grid needs base: a config of vidmem train, or the path of one")
    rows = values.get("rows", [{"name": ""}])
    try:
        file = from_plain(
            _File, {name: one for name, one in values.items() if name != "rows"}, "grid"
        )
    except ValueError as error:
        raise SettingError(str(error)) from error
    if "rows" not in values and not file.grid:
        raise SettingError("a grid needs [[rows]] or [grid], what its runs differ in")
    _check_rows(rows)
    if not file.seeds or len(set(file.seeds)) < len(file.seeds):
        raise SettingError(f"seeds must be some numbers, each once, got {list(file.seeds)}")
    made = tuple(_rows(rows, _axes(file.grid), dict(base), file.seeds))
    names = [row.name for row in made]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingError(f"two rows are called {twice[0]!r}; give each a name of its own")
    return RunGrid(
        title=file.title,
        note=file.note,
        rows=made,
        scores=file.scores,
        curve=file.curve,
        curve_title=file.curve_title,
    )


def run_digest(config: TrainConfig) -> str:
    """The name of a run's folder: runs of one config have one, whatever grid they are in."""
    text = to_json(config.values(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_rows(rows: Any) -> None:
    is_list = isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows)
    if not is_list or not all(isinstance(row.get("name"), str) for row in rows):
        raise SettingError("rows must be tables, [[rows]], each with a name")


def _rows(
    rows: list[Mapping[str, Any]],
    axes: dict[tuple[str, ...], list[Any]],
    base: dict[str, Any],
    seeds: tuple[int, ...],
) -> Iterator[GridRow]:
    num_runs = len(rows) * len(seeds)
    for choices in axes.values():
        num_runs *= len(choices)
    if num_runs > MAX_RUNS:
        raise SettingError(f"a grid has at most {MAX_RUNS} runs, got {num_runs}")
    for row in rows:
        own = merged(base, {name: one for name, one in row.items() if name != "name"})
        for choices in itertools.product(*axes.values()):
            values, words = own, [row["name"]] if row["name"] else []
            for keys, choice in zip(axes, choices, strict=True):
                values = merged(values, _nested(keys, choice))
                words.append(f"{keys[-1]} {_in_words(choice)}")
            name = ", ".join(words)
            yield GridRow(name=name, configs=_configs(values, seeds, name))


def _configs(values: dict[str, Any], seeds: tuple[int, ...], name: str) -> tuple[TrainConfig, ...]:
    try:
        return tuple(config_from({**values, "seed": seed}) for seed in seeds)
    except SettingError as error:
        raise SettingError(f"row {name!r}: {error}") from error


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A config with some keys changed, also those of tables inside of it.

    A table whose `kind` becomes another one begins anew: keys of the old kind mean nothing there.
    """
    values = deepcopy(dict(base))
    for key, change in changes.items():
        old = values.get(key)
        if not isinstance(change, Mapping):
            values[key] = change
        elif isinstance(old, Mapping) and change.get("kind", old.get("kind")) == old.get("kind"):
            values[key] = merged(old, change)
        else:
            values[key] = deepcopy(dict(change))
    return values


def _axes(
    grid: Mapping[str, Any], prefix: tuple[str, ...] = ()
) -> dict[tuple[str, ...], list[Any]]:
    """Paths of keys, each with its list of values."""
    axes: dict[tuple[str, ...], list[Any]] = {}
    for key, value in grid.items():
        path = (*prefix, key)
        if isinstance(value, Mapping):
            axes |= _axes(value, path)
        elif isinstance(value, list) and value:
            axes[path] = value
        else:
            raise SettingError(
                f"grid.{'.'.join(path)} must be a list of values to try, got {value!r:.60}"
            )
    return axes


def _nested(keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return value


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return " and ".join(map(_in_words, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
