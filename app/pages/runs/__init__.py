"""The Runs page: what was watched on the Watch page, kept in the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.runs.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.runs.routes import add_runs_routes

    add_runs_routes(api, services)


PAGE = Page(
    id="runs",
    title="Runs",
    folder=Path(__file__).parent,
    sections=(Section("runs-page", ((PagePart("page", id="runs_page"),),), ("runs",)),),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
