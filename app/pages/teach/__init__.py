"""The Teach page: what is labelled, teaching on it, how good it is, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.teach.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.teach.routes import add_teach_routes

    add_teach_routes(api, services)


PAGE = Page(
    id="teach",
    title="Teach",
    folder=Path(__file__).parent,
    sections=(Section("teach-page", ((PagePart("page", id="teach_page"),),), ("teach",)),),
    styles=("page", "report"),
    words=WORDS,
    add_routes=_add_routes,
)
