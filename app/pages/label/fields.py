"""Fields that requests of the Label page have in common."""

from __future__ import annotations

from app.pages.api import PageRequest
from vidmem.units import visible

MAX_AUTHOR_CHARACTERS = 100


def author_of(request: PageRequest) -> str:
    """Who makes an edit, as the page says; empty: nobody in particular."""
    return visible(request.text("author")).strip()[:MAX_AUTHOR_CHARACTERS].strip()
