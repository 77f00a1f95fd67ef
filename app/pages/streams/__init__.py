"""The Streams page: many videos, cameras and regions at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.streams.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.streams.routes import add_streams_routes

    add_streams_routes(api, services.registry, services.pools)


PAGE = Page(
    id="streams",
    title="Streams",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "streams-page",
            ((PagePart("page", id="streams_page"),),),
            ("streams",),
        ),
    ),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
