"""What the app says of a model of a kind that it does not know."""

from __future__ import annotations

import pytest

from app.explain.model_masks import model_masks
from app.explain.model_tests import MODEL_TESTS, NO_TOKENS, why_not
from app.pages.planner.views import catalogue, plan_answer
from app.run.sections import model_section
from app.tools import ModelChoice
from tests.app.explain.test_inspector import Place
from tests.data.footage import write_pen
from tests.third_model import add_records, make_mean
from vidmem import save
from vidmem.streaming import StreamSettings


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    add_records(monkeypatch)
    save(make_mean(), tmp_path / "mean")
    return tmp_path


@pytest.mark.slow
def test_the_pages_that_look_into_a_model_say_that_there_is_nothing(folder):
    write_pen(folder / "barn.mp4", 6, width=96, height=64, fps=8)
    place = Place(folder, folder / "runs", "mean")
    try:
        place.watch(3)
        for at in ({}, {"at": 1.5}):
            memory, heads = place.ask("memory", **at)["error"], place.ask("heads", **at)["error"]
            assert memory.startswith("Mean colour has no memory of clips to look into. For this")
            assert heads.startswith("Mean colour has no heads that look back or ahead over frames.")
            assert "page shows" not in memory + heads  # neither page has anything of it
        tests = place.run.inside.tests.state()
        assert tests["page"] is None
        refused = {one["name"] for one in tests["offers"] if one["why_not"] == NO_TOKENS}
        assert refused == {"memory"}
    finally:
        place.registry.close()


def test_it_has_no_heads_with_sides_and_no_masks():
    model = make_mean()
    assert model_section("mean", model)["heads"] is None
    settings = StreamSettings.for_model(model)
    assert model_masks(model, settings) == {"model": "Mean colour", "masks": []}
    assert why_not(MODEL_TESTS["pixels"], model, None) == ""


def test_it_is_planned(folder):
    name = str(folder / "mean")
    choices = [ModelChoice(name, "Mean colour", is_available=True)]
    fields = {one["name"]: one for one in catalogue(choices)["models"][0]["fields"]}
    assert fields["l_mem"]["stops"] == [0]
    answer = plan_answer({"model": name, "memory": "24"}, choices, "light")
    assert answer["texts"]["headline"]
