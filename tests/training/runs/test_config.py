"""A run's config: read from TOML, and what is wrong in it is named."""

import pytest

from tests.training.runs.sequences import config_values
from vidmem.errors import SettingError
from vidmem.models import MemoryConfig
from vidmem.training.runs.config import config_from, read_config

TOML = """
name = "recall"
seed = 7
[task]
kind = "feature-file"
path = "recall.npz"
[model]
kind = "fam"
clip_frames = 1
[model.memory]
l_mem = 3
stages = [4]
has_feedback = false
[optimizer]
steps = 10
batch = 2
learning_rate = 1
"""


def test_a_file_says_what_is_trained(tmp_path):
    path = tmp_path / "recall.toml"
    path.write_text(TOML)
    config = read_config(path)
    assert (config.name, config.seed, config.task.path) == ("recall", 7, "recall.npz")
    assert config.model.clip_frames == 1
    assert config.model.memory == MemoryConfig(l_mem=3, stages=(4,), has_feedback=False)
    assert config.optimizer.learning_rate == 1
    assert config.stop.patience == 0
    assert config_from(config.values()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"hiden": 3}}, "unknown key model.hiden = 3; known here: hidden"),
        ({"model": {"kind": "tcn"}}, "model.kind must be one of cbas, .*gru, spool for a task"),
        ({"task": {"kind": 3}}, "task.kind must be one of .*feature-file.*, got 3"),
        ({"optimizer": {"steps": "many"}}, "optimizer.steps must be a whole number, got 'many'"),
        ({"optimizer": {"batch": 0}}, "batch must be at least 1, got 0"),
        ({"optimizer": {"precision": "half"}}, "precision must be one of .*bf16.*, got 'half'"),
        ({"optimizer": {"ema": 1.0}}, r"ema must be from 0 \(none\) to below 1, got 1"),
        ({"stop": {"check_every": True}}, "check_every must be a whole number, got True"),
        ({"model": {"hidden": 0}}, r"\[model\] hidden must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(SettingError, match=message):
        config_from(config_values("some.npz", **change))


def test_inner_tables_are_checked_too():
    values = config_values("some.npz", "fam", model={"memory": {"lmem": 3}})
    with pytest.raises(SettingError, match=r"unknown key model.memory.lmem = 3; known here: l_mem"):
        config_from(values)
    values["model"]["memory"] = {"l_mem": -3}
    with pytest.raises(SettingError, match=r"\[model\] l_mem must be at least 0"):
        config_from(values)


def test_what_is_missing_is_named():
    values = config_values("some.npz")
    del values["optimizer"]["steps"]
    with pytest.raises(SettingError, match=r"optimizer lacks steps"):
        config_from(values)


@pytest.mark.parametrize("text", [b"name = ", b"\xff", None])
def test_a_file_that_is_none_is_named(tmp_path, text):
    path = tmp_path / "run.toml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(SettingError, match=r"run.toml (is no TOML|cannot be read)"):
        read_config(path)
