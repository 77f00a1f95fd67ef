"""The Masks page: who may attend to whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.masks.words import WORDS
from app.pages.parts import Page, PagePart, Section

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.masks.routes import add_mask_routes

    add_mask_routes(api, services.registry.find)


PAGE = Page(
    id="masks",
    title="Masks",
    group="Inside the model",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "masks-page",
            ((PagePart("page", id="masks"),),),
            ("masks",),
        ),
    ),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
