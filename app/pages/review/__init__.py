"""The Review page: a person goes over a model's bouts, and sees how right the rest is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.review.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.review.routes import add_review_routes

    add_review_routes(api, services)


PAGE = Page(
    id="review",
    title="Review",
    folder=Path(__file__).parent,
    sections=(Section("review-page", ((PagePart("page", id="review_page"),),), ("review",)),),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
