"""The addresses of the tests of a model: begin one, ask how far it is, cancel it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.explain.jobs import ModelTestRequest
from app.explain.results import TestedMoment
from app.pages.api import Download, PageRequest, Routes
from app.pages.inside.views import ModelCrop
from app.run.registry import RunRegistry
from app.run.run import Run
from vidmem.errors import SettingError

NOTHING_TESTED = "Nothing was tested yet."


def add_model_test_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the card on the Memory and Heads pages asks for."""
    routes = Routes(api, registry.find)
    routes.json("/inside/tests", _state, work="figure")
    routes.file("/inside/tests/file.json", _file)
    routes.post("/inside/tests/start", _start)
    routes.post("/inside/tests/cancel", _cancel)


def _start(request: PageRequest) -> dict[str, Any]:
    request.run.inside.tests.start(
        ModelTestRequest.read(
            request.text("kind"),
            request.text("at", "newest"),
            request.text("class"),
            is_same_moment=bool(request.text("same")),
        )
    )
    return _state(request)


def _cancel(request: PageRequest) -> dict[str, Any]:
    request.run.inside.tests.cancel()
    return _state(request)


def _state(request: PageRequest) -> dict[str, Any]:
    run = request.run
    state, tested = run.inside.tests.state(), run.inside.tests.tested_moment
    # Results and figures are large: sent only if the page does not have them.
    if tested is None or request.text("have") == str(state["version"]):
        return {**state, "result": None, "figure": {}}
    return {**state, "result": _result(run, tested), "figure": tested.figures(request.theme)}


def _result(run: Run, tested: TestedMoment) -> dict[str, Any]:
    """The results, with the place of token maps on the picture that people see."""
    result = tested.as_dict()
    crop = ModelCrop.of_video(tested.subject.model.card, run.inside.info)
    for stage in result["results"].get("memory", {}).get("stages", ()):
        tall, wide = stage["extent"]
        stage["box"] = crop.shown(0, tall, 0, wide)
    return result


def _file(request: PageRequest) -> Download:
    tested = request.run.inside.tests.tested_moment
    if tested is None:
        raise SettingError(NOTHING_TESTED)
    return Download(f"mattered-{tested.index}.json", "application/json", tested.as_json())
