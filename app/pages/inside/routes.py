"""The addresses of the Memory and Heads pages: views of a moment, their files, past clips."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI

from app.explain.inspector import NEWEST, MomentView
from app.explain.wording import takes_over
from app.pages.api import Download, PageRequest, Query, Routes
from app.pages.inside.heads import heads_answer, heads_download
from app.pages.inside.memory import memory_answer, memory_download
from app.pages.inside.views import ModelCrop
from app.run.registry import RunRegistry
from app.run.run import Run
from vidmem.errors import SettingError

MakeFile = Callable[[MomentView, Query, ModelCrop, str], Download]


def add_inside_routes(api: FastAPI, registry: RunRegistry) -> None:
    """Answer what the Memory and Heads pages ask for."""
    routes = Routes(api, registry.find)
    routes.json("/inside/frames", _frames, work="clip")
    routes.json("/inside/memory", _memory, work="figure")
    routes.json("/inside/heads", _heads, work="figure")
    routes.file("/inside/memory.{kind}", partial(_file, memory_download), work="figure")
    routes.file("/inside/heads.{kind}", partial(_file, heads_download), work="figure")


def _frames(request: PageRequest) -> dict[str, Any]:
    inside = request.run.inside
    start, end = (request.number(name, "a time in seconds") for name in ("start", "end"))
    return {"frames": inside.frames(start, end, request.whole("count", 8))}


def _memory(request: PageRequest) -> dict[str, Any]:
    run = request.run
    moment = _current_moment(request)
    tested = run.inside.tests.tested_moment
    return memory_answer(moment, request.query, _crop(run, moment), request.theme, tested)


def _heads(request: PageRequest) -> dict[str, Any]:
    run = request.run
    moment = _current_moment(request)
    return heads_answer(moment, request.query, _crop(run, moment), request.theme)


def _file(make: MakeFile, request: PageRequest) -> Download:
    run = request.run
    moment = _moment(request)
    return make(moment, request.query, _crop(run, moment), request.path["kind"])


def _current_moment(request: PageRequest) -> MomentView:
    """The moment on view, of the model that is in use now."""
    run, moment = request.run, _moment(request)
    if moment.model is not run.chosen.model:
        raise SettingError(takes_over(run.chosen.model.card.title))
    return moment


def _moment(request: PageRequest) -> MomentView:
    is_newest = request.text("at") in ("", NEWEST)
    at = NEWEST if is_newest else request.number("at", "newest or a time in seconds")
    # A download wants its own moment only, and is no page that has moved on from another one.
    asker = request.text("asker") or f"a download of {at}"
    return request.run.inside.find(at, asker)


def _crop(run: Run, moment: MomentView) -> ModelCrop:
    return ModelCrop.of_video(moment.model.card, run.inside.info)
