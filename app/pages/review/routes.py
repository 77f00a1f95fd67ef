"""The addresses of the Review page. What a person says goes to those of the Label page."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.pages.api import PageRequest, Routes
from app.pages.review.alike import AlikeFinder
from app.pages.review.reviewed import ReviewedRuns
from app.pages.review.views import (
    agreement_answer,
    blind_answer,
    blind_check,
    bout_answer,
    list_answer,
    runs_answer,
)
from app.pages.services import Services
from vidmem.errors import SettingError

MAX_ID = 64


def add_review_routes(api: FastAPI, services: Services) -> None:
    """Answer what the Review page asks for."""
    project, routes = services.project, Routes(api)
    runs, finder = ReviewedRuns(project), AlikeFinder(project, services.tools.load_model)

    def bouts(request: PageRequest) -> dict[str, Any]:
        return list_answer(runs.of(request), request, project)

    def bout(request: PageRequest) -> dict[str, Any]:
        return bout_answer(runs.of(request), request)

    def blind(request: PageRequest) -> dict[str, Any]:
        return blind_answer(runs.of(request), request)

    def alike(request: PageRequest) -> dict[str, Any]:
        span = (request.number(name, "a time in seconds") for name in ("start", "end"))
        return finder.answer(runs.of(request), *span)

    def agreement(request: PageRequest) -> dict[str, Any]:
        return agreement_answer(runs.of(request), max(1, request.whole("count")))

    def check(request: PageRequest) -> dict[str, Any]:
        edit_id = request.text("id")
        if not 0 < len(edit_id) <= MAX_ID:
            raise SettingError(f"a blind check must have an id of 1 to {MAX_ID} characters")
        found = blind_check(runs.of(request), request, project.ethogram, request.author)
        project.blind_checks.add(found, edit_id=edit_id)
        return {}

    routes.json("/review/runs", lambda request: runs_answer(project))
    routes.json("/review/bouts", bouts, work="figure")
    routes.json("/review/bout", bout, work="figure")
    routes.json("/review/alike", alike, work="replay")
    routes.json("/review/blind", blind, work="figure")
    routes.json("/review/blind/agreement", agreement, work="figure")
    routes.post_json("/review/blind/check", check)
