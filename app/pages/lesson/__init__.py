"""The page of live teaching: behaviours are shown while a video plays, or to a camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.pages.lesson.words import WORDS
from app.pages.parts import Page, PagePart, Section

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


def _add_routes(api: FastAPI, services: Services) -> None:
    from app.pages.lesson.routes import add_lesson_routes

    add_lesson_routes(api, services)


PAGE = Page(
    id="lesson",
    title="Lesson",
    folder=Path(__file__).parent,
    sections=(Section("lesson-page", ((PagePart("page", id="lesson_page"),),), ("lesson",)),),
    styles=("page",),
    words=WORDS,
    add_routes=_add_routes,
)
