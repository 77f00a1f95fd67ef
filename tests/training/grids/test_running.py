"""A grid is run: what is done stays done, and what fails stops nothing."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.training.grids.small import BASE, MISFIT
from vidmem.training.grids import running
from vidmem.training.grids.grid import grid_from, run_digest
from vidmem.training.grids.running import FAILURE, RUNS, run_grid

ROWS: dict[str, Any] = {
    "title": "small",
    "rows": [{"name": "narrow"}, MISFIT, {"name": "wide", "model": {"hidden": 6}}],
}


def test_a_run_that_fails_is_noted_and_the_others_are_run(tmp_path):
    grid, reported = grid_from(ROWS, BASE), []
    outcomes = run_grid(grid, tmp_path, report=lambda config, outcome: reported.append(outcome))
    narrow, failed, wide = (outcomes[run_digest(row.configs[0])] for row in grid.rows)
    assert "must be num_heads, got 2 + 2 and 3" in failed.failure
    assert (failed.folder / FAILURE).read_text().strip() == failed.failure
    assert not failed.scores
    for one in (narrow, wide):
        assert set(one.scores) == {"accuracy", "past", "future", "both", "order"}
        assert not one.failure
    assert narrow.learned_parameters < wide.learned_parameters
    assert [one.folder for one in reported] == [narrow.folder, failed.folder, wide.folder]
    assert sorted(path.name for path in (tmp_path / RUNS).iterdir()) == sorted(outcomes)


def test_what_is_done_is_not_run_again_and_what_failed_is_tried_again(tmp_path, monkeypatch):
    grid = grid_from(ROWS, BASE)
    first = run_grid(grid, tmp_path)
    tried = []

    def train(config, folder, **options):
        tried.append(config.model.hidden)
        return train_run(config, folder, **options)

    train_run = running.train_run
    monkeypatch.setattr(running, "train_run", train)
    mended = {**ROWS, "rows": [*ROWS["rows"][::2], {"name": "new", "model": {"hidden": 5}}]}
    again = run_grid(grid_from(mended, BASE), tmp_path)
    digests = [run_digest(row.configs[0]) for row in grid.rows]
    for digest in (digests[0], digests[2]):
        assert again[digest].was_done
        assert again[digest].scores == first[digest].scores
    assert [one.was_done for one in again.values()] == [True, True, False]
    record = json.loads((again[digests[0]].folder / "run.json").read_text())
    assert len(record) == 1
    assert run_grid(grid, tmp_path)[digests[1]].failure


def test_rows_with_one_config_share_its_run(tmp_path):
    rows = [{"name": "a"}, {"name": "b"}]
    outcomes = run_grid(grid_from({"title": "t", "rows": rows}, BASE), tmp_path)
    assert len(outcomes) == 1


def test_whatever_a_run_raises_is_its_own(tmp_path, monkeypatch):
    def train(config, folder, **options):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(running, "train_run", train)
    (outcome,) = run_grid(
        grid_from({"title": "t", "rows": [{"name": "a"}]}, BASE), tmp_path
    ).values()
    assert outcome.failure == "ZeroDivisionError: by nothing"


def test_a_grid_can_be_interrupted(tmp_path, monkeypatch):
    def train(config, folder, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "train_run", train)
    with pytest.raises(KeyboardInterrupt):
        run_grid(grid_from(ROWS, BASE), tmp_path)


class Deadly:
    """What ends the process that it is sent to."""

    def __reduce__(self):
        return os._exit, (7,)


@pytest.mark.slow
def test_runs_in_processes_come_to_the_same_and_one_that_dies_takes_no_other(tmp_path):
    grid = grid_from({"title": "t", "rows": ROWS["rows"][:1]}, BASE)
    (config,) = grid.rows[0].configs
    (alone,) = run_grid(grid, tmp_path / "alone").values()
    work = [(Deadly(), tmp_path / "deadly", "cpu"), (config, tmp_path / "well", "cpu")]
    outcomes = dict(running._outcomes(iter(work), jobs=2))
    assert outcomes[tmp_path / "well"].scores == pytest.approx(alone.scores)
    dead = outcomes[tmp_path / "deadly"]
    assert "its process died with 7" in dead.failure
    assert (dead.folder / FAILURE).exists()
