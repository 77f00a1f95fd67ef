"""The recipes are read, and run for ten steps on a miniature in Kinetics' own layout."""

import pytest

from tests.documents import ROOT
from tests.training.runs.videos.miniature import FAM
from vidmem.training.runs.config import config_from, read_config, read_toml
from vidmem.training.runs.folder import RunFolder
from vidmem.training.runs.run import train_run

RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.toml"))
SMALL = {"clip_frames": 4, "fps": 4.0, "height": 32, "width": 32, "workers": 1}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_shared_out_by_one_process_and_by_eight(path):
    config = read_config(path)
    assert config.optimizer.accumulate % 8 == 0
    assert config.optimizer.steps % config.stop.check_every == 0


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_for_ten_steps(path, miniature, tmp_path):
    values = read_toml(path)
    values["task"] |= SMALL | {"path": str(miniature)}
    values["model"] = {"kind": "fam-swin", **FAM}
    values["optimizer"] |= {"steps": 10, "batch": 1, "accumulate": 1, "warmup_steps": 2}
    train_run(config_from(values), tmp_path, device="cpu")
    (line,) = RunFolder(tmp_path).metrics()
    assert line["step"] == 10
