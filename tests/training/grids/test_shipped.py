"""The grids of docs/studies.md: each row can be learnt, and each column is scored."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from tests.documents import ROOT
from vidmem.training.grids.grid import grid_from, read_grid
from vidmem.training.runs.config import read_toml
from vidmem.training.runs.kinds import Draw, SequenceScores
from vidmem.training.runs.run import make_network

FOLDER = ROOT / "docs" / "studies"
PATHS = sorted(FOLDER.glob("*.toml"))
GRIDS = [path for path in PATHS if "base" in read_toml(path)]
NEED_DATA = {"mouse-moving", "mouse-wall", "spool-backbone"}
"""Grids of footage and of encoders that are not here: these are read, and no more."""


class Silent(nn.Linear):
    """Says nothing of any frame."""

    def __init__(self, num_classes):
        super().__init__(1, 1)
        self.num_classes = num_classes

    def forward(self, values):
        logits = values.new_zeros(*values.shape[:2], self.num_classes)
        return SequenceScores(logits, logits[:, 0])


@cache
def score_names(config):
    task = config.task_kind.make(config.task)
    return set(task.scores(Silent(task.facts.num_classes), "valid"))


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_every_row_can_be_learnt_and_every_column_is_scored(path):
    grid = read_grid(path)
    assert grid.num_runs == len(grid.rows) * len(grid.rows[0].configs)
    for row in grid.rows:
        config = row.configs[0]
        if path.stem in NEED_DATA:
            continue
        task = config.task_kind.make(config.task)
        network = make_network(config, task, torch.device("cpu"))
        batch = task.batch(Draw(seed=0, step=0, part=0, num_parts=1, size=2))
        task.loss(network, batch).backward()
        assert set(grid.scores) <= score_names(config)


def test_each_base_is_a_config_of_its_own():
    for path in PATHS:
        if path not in GRIDS:
            grid_from({"title": "t", "rows": [{"name": "as it is"}]}, read_toml(path))


def test_the_document_has_every_grid():
    text = (ROOT / "docs" / "studies.md").read_text()
    for path in GRIDS:
        assert f"vidmem ablate docs/studies/{path.name}" in text
