"""The model of a run and its settings: who holds them when, and what is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.run.board import Board
from app.run.model import RunModel
from app.sources.shelf import Video
from app.tools import EngineRequest
from tests.app.fakes import FakeEngine, FakeMachine, FakeModel, FakeSpool
from vidmem.errors import CheckpointError, SettingError


@pytest.fixture
def machine():
    return FakeMachine(models={"fake": FakeModel(), "spool": FakeSpool()})


@pytest.fixture
def chosen(machine):
    made = RunModel(Board(), machine.tools(), "fake", lambda change, has_other_classes: None)
    made.load()
    return made


def open_engine(chosen: RunModel, folder: Path) -> FakeEngine:
    request = EngineRequest(
        video=Video("v", "v", folder / "v.mp4"),
        model=chosen.model,
        settings=chosen.settings,
        start_seconds=0.0,
        out=folder / "out.csv",
    )
    return FakeEngine(request, 60.0)


def shown(chosen: RunModel) -> dict:
    return chosen._board.get("settings")["values"]


def test_before_a_play_a_change_is_kept_and_restarts_nothing(chosen):
    change = chosen.update(clip_frames=8)
    assert change.restarted is None
    assert chosen.settings.clip_frames == shown(chosen)["clip_frames"] == 8


def test_an_engine_that_opens_gets_what_was_changed_meanwhile(chosen, tmp_path):
    engine = open_engine(chosen, tmp_path)
    chosen.update(l_mem=3)
    assert engine.settings.l_mem == 25
    assert chosen.hand_to(engine).restarted is None
    assert engine.settings.l_mem == 3


def test_an_engine_that_opens_gets_the_model_that_was_chosen_meanwhile(chosen, tmp_path):
    engine = open_engine(chosen, tmp_path)
    chosen.change_model("spool")
    assert "the model is now Spool nano" in chosen.hand_to(engine).restarted
    assert engine.model is chosen.model
    assert engine.settings == chosen.settings
    assert (engine.settings.fps, engine.settings.clip_frames) == (2.0, 8)


def test_while_an_engine_is_open_it_holds_the_settings(chosen, tmp_path):
    engine = open_engine(chosen, tmp_path)
    chosen.hand_to(engine)
    assert "starts empty" in chosen.update(clip_frames=8).restarted
    assert engine.settings.clip_frames == 8
    engine.settings = replace(engine.settings, l_mem=7)
    assert chosen.settings.l_mem == 7
    assert chosen.update(fps=2).settings.l_mem == shown(chosen)["l_mem"] == 7


def test_when_the_engine_is_gone_its_settings_stay(chosen, tmp_path):
    engine = open_engine(chosen, tmp_path)
    chosen.hand_to(engine)
    chosen.update(l_mem=4)
    chosen.take_back()
    assert chosen.settings.l_mem == 4
    chosen.update(l_mem=5)
    assert engine.settings.l_mem == 4
    chosen.take_back()
    assert chosen.settings.l_mem == 5


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("l_mem", 201, "from 0 to 200"),
        ("l_mem", "many", "from 0 to 200"),
        ("fps", float("inf"), "from 0.1 to 60"),
        ("memory_every", 2, "cannot be changed"),
        ("local_frame_range", 4, "has no local_frame_range"),
    ],
)
@pytest.mark.parametrize("has_engine", [False, True])
def test_what_is_not_allowed_changes_nothing(chosen, tmp_path, setting, value, said, has_engine):
    if has_engine:
        chosen.hand_to(open_engine(chosen, tmp_path))
    before = chosen.settings
    with pytest.raises(SettingError, match=said):
        chosen.update(**{setting: value})
    assert chosen.settings == before
    assert shown(chosen) == before.as_dict()


def test_a_model_that_cannot_be_loaded_makes_way_for_one_that_can(machine):
    def load(name):
        if name == "broken":
            raise CheckpointError("it is broken")
        return machine.models[name]

    chosen = RunModel(
        Board(), replace(machine.tools(), load_model=load), "broken", lambda change, has_other: None
    )
    with pytest.raises(CheckpointError):
        chosen.load()
    chosen.change_model("fake")
    assert chosen.name == "fake"
    assert shown(chosen)["l_mem"] == 25
