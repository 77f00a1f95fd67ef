"""The Planner page: what a model costs, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.planner.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.planner.routes import add_planner_routes

    add_planner_routes(api, services.registry, services.tools)


PAGE = Page(
    id="planner",
    title="Planner",
    group="Machine",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "planner-page",
            ((PagePart("page", id="planner"),),),
            ("planner",),
        ),
    ),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
