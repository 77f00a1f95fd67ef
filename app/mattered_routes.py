"""The addresses of the tests of what mattered: begin one, hear how far it is, cancel it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app import text
from app.inside_views import Frame
from app.mattered import Asked
from app.mattered_found import Found
from app.registry import RunRegistry
from app.runs import Run
from vidmem.errors import SettingError, VidmemError
from vidmem.figures import ThemeName

NOTHING_FOUND = "Nothing was tested yet."

Query = Mapping[str, str]


def add_mattered_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the card on the Memory and Heads pages asks for."""

    def guarded(
        answer: Callable[[Run, Query], Response], status: int = 200
    ) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            asked = request.query_params
            run = registry.find(asked.get("run", ""))
            if run is None:
                return JSONResponse({"error": text.NO_RUN}, status)
            try:
                return answer(run, asked)
            except (VidmemError, OSError) as error:
                return JSONResponse({"error": text.sentence_about(error, run.video)}, status)

        return respond

    def post(address: str, answer: Callable[[Run, Query], Response]) -> None:
        api.add_api_route(address, guarded(answer), methods=["POST"], response_model=None)

    api.add_api_route("/inside/tests", guarded(_state), response_model=None)
    api.add_api_route("/inside/tests/file.json", guarded(_file, 400), response_model=None)
    post("/inside/tests/start", _start)
    post("/inside/tests/cancel", _cancel)


def _start(run: Run, asked: Query) -> Response:
    run.inside.mattered.start(
        Asked.read(
            asked.get("kind", ""),
            asked.get("at", "newest"),
            asked.get("class", ""),
            is_same_moment=bool(asked.get("same")),
        )
    )
    return _state(run, asked)


def _cancel(run: Run, asked: Query) -> Response:
    run.inside.mattered.cancel()
    return _state(run, asked)


def _state(run: Run, asked: Query) -> Response:
    """How far it is; what was found comes along only if the page does not have it."""
    mattered = run.inside.mattered
    state: dict[str, Any] = mattered.state()
    found = mattered.found
    is_new = asked.get("have") != str(state["version"])
    state["result"] = _result(run, found) if found and is_new else None
    figures: dict[str, Any] = {}
    if found and is_new:
        theme: ThemeName = "dark" if asked.get("theme") == "dark" else "light"
        figures = {name: figure.to_json() for name, figure in found.figures(theme).items()}
    drawn = ",".join(f"{json.dumps(name)}:{figure}" for name, figure in figures.items())
    told = json.dumps(state)
    return Response(f'{told[:-1]},"figure":{{{drawn}}}}}', media_type="application/json")


def _result(run: Run, found: Found) -> dict[str, Any]:
    """What was found, with where token maps lie on the picture that people see."""
    result, info = found.as_dict(), run.inside.info
    card = found.subject.model.card
    frame = Frame.of(card, info.width, info.height) if info else Frame()
    for stage in result["results"].get("memory", {}).get("stages", ()):
        tall, wide = stage["extent"]
        stage["box"] = frame.shown(0, tall, 0, wide)
    return result


def _file(run: Run, asked: Query) -> Response:
    found = run.inside.mattered.found
    if found is None:
        raise SettingError(NOTHING_FOUND)
    headers = {"Content-Disposition": f'attachment; filename="mattered-{found.index}.json"'}
    return Response(found.as_json(), media_type="application/json", headers=headers)
