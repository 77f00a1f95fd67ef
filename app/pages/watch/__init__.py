"""The Watch page: one video, watched as it streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.watch.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.watch.routes import add_watch_routes

    add_watch_routes(api, services)


PAGE = Page(
    id="watch",
    title="Watch",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "page",
            (
                (
                    PagePart("player"),
                    PagePart("moment"),
                    PagePart("timeline"),
                    PagePart("strip"),
                ),
                (
                    PagePart("source"),
                    PagePart("controls"),
                    PagePart("cost_card", id="cost"),
                    PagePart("bouts"),
                ),
            ),
            # Above Memory and Heads its timeline stays, to pick a moment on.
            shown_on=("watch", "memory", "heads"),
        ),
    ),
    styles=(
        *(
            "player",
            "moment",
            "timeline",
            "strip",
            "source",
            "controls",
            "range_picture",
            "cost_card",
        ),
        "bouts",
    ),
    words=WORDS,
    add_routes=_add_routes,
)
