"""The Cost page: what a run holds over its time, and whether that grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.cost.words import WORDS
from app.pages.parts import Page, PagePart, Section

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.cost.routes import add_cost_routes

    add_cost_routes(api, services.registry)


PAGE = Page(
    id="cost",
    title="Cost",
    group="Machine",
    folder=Path(__file__).parent,
    sections=(Section("cost-page", ((PagePart("page", id="cost_page"),),), ("cost",)),),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
