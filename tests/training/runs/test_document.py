"""`docs/training.md` has every key of a config."""

import dataclasses
import re
import tomllib

import pytest

from tests.documents import ROOT, code_blocks
from vidmem.training.runs.config import (
    CheckpointConfig,
    OptimizerConfig,
    StopConfig,
    config_from,
)
from vidmem.training.runs.registry import NETWORKS, TASKS

TEXT = (ROOT / "docs" / "training.md").read_text()
NAMED = set(re.findall(r"`([\w-]+)`", TEXT))
HERE = "vidmem.training.runs."
"""What is elsewhere, as the tasks of studies are, has documents of its own."""

KINDS = [
    kind
    for kind in (*TASKS.values(), *NETWORKS.values())
    if kind.config.__module__.startswith(HERE)
]


@pytest.mark.parametrize("config", [OptimizerConfig, StopConfig, CheckpointConfig])
def test_every_key_of_learning_is_there(config):
    assert {field.name for field in dataclasses.fields(config)} <= NAMED


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.form} {kind.name}")
def test_every_kind_is_there_with_its_keys(kind):
    keys = {field.name for field in dataclasses.fields(kind.config)}
    assert keys | {kind.name} <= NAMED


def test_its_example_is_a_config():
    (example,) = code_blocks(TEXT, "toml")
    config = config_from(tomllib.loads(example))
    assert (config.task_kind.name, config.model.memory.l_mem) == ("videos", 8)
