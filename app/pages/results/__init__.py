"""The Results page: bouts, budgets, figures, sequences and agreement, of labels or of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.parts import Page, PagePart, Section
from app.pages.results.words import WORDS

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.results.routes import add_results_routes

    add_results_routes(api, services)


PARTS = ("shown", "bout_list", "budget", "over_time", "sequences", "agreement")
PAGE = Page(
    id="results",
    title="Results",
    folder=Path(__file__).parent,
    sections=(
        Section(
            "results-page",
            (tuple(PagePart(name, id=f"results_{name}") for name in PARTS),),
            ("results",),
        ),
    ),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
