"""The addresses of the Planner page: what can be planned, a plan, its file, rates measured here."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from fastapi import FastAPI

from app.pages.api import Download, PageRequest, Routes
from app.pages.planner.fields import request_of
from app.pages.planner.measure import Measurer, measure_decoding, measure_rate
from app.pages.planner.views import catalogue, model_of, plan_answer, plan_download
from app.pages.planner.wording import NO_FILE, NO_GPU
from app.run.registry import RunRegistry
from app.sources.wording import NO_MEASURE
from app.tools import ModelChoice, Tools
from vidmem.errors import SettingError


def add_planner_routes(api: FastAPI, registry: RunRegistry, tools: Tools) -> None:
    """Answer what the Planner page asks for."""
    routes, planner = Routes(api, registry.find), _Planner(tools)
    routes.json("/planner/models", planner.models)
    routes.json("/planner/plan", planner.plan, work="plan")
    routes.file("/planner/plan.json", planner.file, work="plan")
    routes.json("/planner/measure", planner.state)
    routes.post("/planner/measure/start", planner.start)
    routes.post("/planner/measure/cancel", planner.cancel)


class _Planner:
    """The functions of the addresses."""

    def __init__(self, tools: Tools) -> None:
        self._tools, self._measurer = tools, Measurer()

    def _listed(self) -> list[ModelChoice]:
        """Taught models are left out: what an image encoder before them costs is not planned."""
        return [one for one in self._tools.list_models() if not one.is_taught]

    def models(self, request: PageRequest) -> dict[str, Any]:
        return catalogue(self._listed())

    def plan(self, request: PageRequest) -> dict[str, Any]:
        return plan_answer(request.query, self._listed(), request.theme)

    def file(self, request: PageRequest) -> Download:
        return plan_download(request.query, self._listed())

    def start(self, request: PageRequest) -> dict[str, Any]:
        name, model = model_of(request.query, self._listed())
        plan_request, kind = request_of(request.query, model), request.text("kind")
        video = request.run.video
        if kind == "rate":
            if plan_request.size.device == "cuda" and not torch.cuda.is_available():
                raise SettingError(NO_GPU.format(model=name))
            work = partial(measure_rate, plan_request)
            return self._measurer.start("rate", work).as_dict()
        if kind == "decode":
            if video is not None and video.is_live:
                raise SettingError(NO_MEASURE)
            if video is None:
                raise SettingError(NO_FILE)
            work = partial(measure_decoding, video, plan_request)
            return self._measurer.start("decode", work).as_dict()
        raise SettingError(f"kind must be rate or decode, got {kind!r}")

    def state(self, request: PageRequest) -> dict[str, Any]:
        return self._measurer.find(request.text("number")).as_dict()

    def cancel(self, request: PageRequest) -> dict[str, Any]:
        return self._measurer.cancel(request.text("number")).as_dict()
