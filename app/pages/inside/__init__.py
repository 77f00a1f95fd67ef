"""The Memory and Heads pages: what the model looks at, and what mattered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.inside.words import WORDS
from app.pages.parts import Page, PagePart, Section

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.inside.model_test_routes import add_model_test_routes
    from app.pages.inside.routes import add_inside_routes

    add_inside_routes(api, services.registry)
    add_model_test_routes(api, services.registry)


_FOLDER = Path(__file__).parent

MEMORY = Page(
    id="memory",
    title="Memory",
    group="Inside the model",
    folder=_FOLDER,
    sections=(
        Section(
            "memory-page",
            ((PagePart("memory_page"),),),
            ("memory",),
        ),
    ),
    styles=("memory_page",),
    words=WORDS,
    add_routes=_add_routes,
)

HEADS = Page(
    id="heads",
    title="Heads",
    group="Inside the model",
    folder=_FOLDER,
    sections=(
        Section(
            "heads-page",
            ((PagePart("heads_page"),),),
            ("heads",),
        ),
        Section(
            "mattered-page",
            ((PagePart("mattered"),),),
            ("memory", "heads"),
        ),
    ),
    styles=("heads_page", "mattered"),
)
