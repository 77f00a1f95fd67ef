"""The Label page: where a person codes behaviour."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.label.words import WORDS
from app.pages.parts import Page, PagePart, Section

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.label.routes import add_label_routes

    add_label_routes(api, services)


PAGE = Page(
    id="label",
    title="Label",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "label-page",
            ((PagePart("page", id="label_page"),),),
            ("label",),
        ),
    ),
    styles=("page", "timeline/timeline", "dialog", "behaviours/editor", "exchange/exchange"),
    words=WORDS,
    add_routes=_add_routes,
)
