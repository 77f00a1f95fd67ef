"""The list of models: what is here by its own name, and what the others would fetch."""

from __future__ import annotations

import json

import pytest

import vidmem
from app.projects.taught_models import TaughtModels
from app.tools import vidmem_tools, with_taught_models
from tests.app.tiny_spool import make_tiny_spool
from vidmem.errors import SettingError
from vidmem.models.presets import bundled_models


def test_models_that_are_here_have_their_own_names_and_the_others_say_what_they_fetch(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"card": {"title": "My pen"}}))
    choices = vidmem_tools(str(tmp_path)).list_models()
    assert (choices[0].name, choices[0].title) == (str(tmp_path), "My pen")
    titles = {one.name: one.title for one in choices}
    for name, folder in bundled_models().items():
        assert titles[name] == json.loads((folder / "config.json").read_text())["card"]["title"]
    for one in choices:
        assert bool(one.needs) == (not one.is_available)


def test_a_folder_without_a_readable_config_goes_by_its_name(tmp_path):
    (tmp_path / "config.json").write_text("no json")
    assert vidmem_tools(str(tmp_path)).list_models()[0].title == tmp_path.name


def test_a_page_is_told_what_each_model_needs(desk):
    run = desk.open()
    assert run.board.get("models") == [["fake", "FAM Swin nano", True, ""]]


def test_a_taught_model_is_found_by_its_name_and_loaded_anew_when_it_is_another(tmp_path):
    models = TaughtModels(tmp_path)
    vidmem.save(make_tiny_spool(), tmp_path / "pens v1")
    tools = with_taught_models(vidmem_tools(), models)
    first = tools.list_models()[0]
    assert (first.name, first.is_taught) == ("models/pens v1", True)
    loaded = tools.load_model(first.name)
    assert tools.load_model(first.name) is loaded
    models.rename(first.name, "pens of May")
    assert tools.load_model(first.name).card.title == "pens of May"
    assert loaded.card.title != "pens of May"  # of a run that has it
    with pytest.raises(SettingError, match="The model pens v2 is not in the project any more"):
        tools.load_model("models/pens v2")
