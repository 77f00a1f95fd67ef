"""The addresses of the Planner page: what can be planned, a plan, its file, rates measured here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from app import live_text, planner, planner_text
from app.inside_routes import run_of
from app.planner_fields import request_of
from app.planner_measure import Measurer, measure_decoding, measure_rate
from app.registry import RunRegistry
from app.text import sentence_for
from app.tools import Tools
from vidmem.errors import SettingError, VidmemError

Query = Mapping[str, str]


def add_planner_routes(api: FastAPI, registry: RunRegistry, tools: Tools) -> None:
    """Answer what the Planner page asks for."""
    pages = _Planner(registry, tools)

    def add(address: str, answer: Callable[[Query], Response], **more: Any) -> None:
        status = more.pop("status", 200)  # a browser would log any other
        api.add_api_route(address, _guarded(answer, status), response_model=None, **more)

    add("/planner/models", pages.models)
    add("/planner/plan", pages.plan)
    add("/planner/plan.json", pages.file, status=400)
    add("/planner/measure", pages.state)
    add("/planner/measure/start", pages.start, methods=["POST"])
    add("/planner/measure/cancel", pages.cancel, methods=["POST"])


class _Planner:
    """What the addresses answer."""

    def __init__(self, registry: RunRegistry, tools: Tools) -> None:
        self._registry, self._tools, self._measurer = registry, tools, Measurer()

    def models(self, asked: Query) -> Response:
        return JSONResponse(planner.catalogue(self._tools.list_models()))

    def plan(self, asked: Query) -> Response:
        answer = planner.answer(asked, self._tools.list_models())
        return Response(answer, media_type="application/json")

    def file(self, asked: Query) -> Response:
        made = planner.download(asked, self._tools.list_models())
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type=made.media_type, headers=headers)

    def start(self, asked: Query) -> Response:
        name, found = planner.model_of(asked, self._tools.list_models())
        request, kind = request_of(asked, found), asked.get("kind", "")
        video = run_of(self._registry, asked).video
        if kind == "rate":
            if request.size.device == "cuda" and not torch.cuda.is_available():
                raise SettingError(planner_text.NO_GPU.format(model=name))
            made = self._measurer.start("rate", partial(measure_rate, request))
        elif kind == "decode":
            if video is not None and video.is_live:
                raise SettingError(live_text.NO_MEASURE)
            if video is None:
                raise SettingError(planner_text.NO_FILE)
            made = self._measurer.start("decode", partial(measure_decoding, video, request))
        else:
            raise SettingError(f"kind must be rate or decode, got {kind!r}")
        return JSONResponse(made.as_dict())

    def state(self, asked: Query) -> Response:
        return JSONResponse(self._measurer.find(asked.get("number", "")).as_dict())

    def cancel(self, asked: Query) -> Response:
        return JSONResponse(self._measurer.cancel(asked.get("number", "")).as_dict())


def _guarded(answer: Callable[[Query], Response], status: int) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        try:
            return answer(request.query_params)
        except (VidmemError, OSError) as error:
            return JSONResponse({"error": sentence_for(error, "")}, status)

    return respond
