"""The list of models: what is here by its own name, and what the others would fetch."""

from __future__ import annotations

import json

from app.tools import vidmem_tools
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
