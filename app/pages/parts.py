"""What a page is made of: parts of markup, style and script, their words, and its addresses.

A page is one folder and one `Page` record. To add one, write its folder and put its record into
`PAGES` of `app/pages/__init__.py`; nothing else knows the pages by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from app.pages.services import Services


@dataclass(frozen=True)
class PagePart:
    """Markup that a script fills: `<name>.html` and `<name>.js` in the folder of the page.

    The script is an ES module that exports `start(element)`, and imports what else it uses. It is
    fetched and started when a page that has the part is first on view; what the bus said before
    is said to it again, the newest of each topic.
    """

    name: str
    id: str = ""
    """The element is `part-<id>`; empty: `part-<name>`."""

    @property
    def element_id(self) -> str:
        """The id of the element on the page."""
        return f"part-{self.id or self.name}"


@dataclass(frozen=True)
class Section:
    """Parts under each other, in one column or several, and the pages that show them."""

    element_id: str
    columns: tuple[tuple[PagePart, ...], ...]
    shown_on: tuple[str, ...]
    """Ids of pages."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of the app."""

    id: str
    """In its address: `#memory`."""

    title: str
    """In the bar at the top."""

    folder: Path
    group: str = ""
    """Said before the first of the pages that it holds; empty: the page stands alone."""

    sections: tuple[Section, ...] = ()
    styles: tuple[str, ...] = ()
    """Names of CSS files, without `.css`; in this order."""

    words: Mapping[str, str] = field(default_factory=dict)
    """By key: in the markup `[[key]]`, in the scripts `words.key`. No key is on two pages."""

    add_routes: Callable[[FastAPI, Services], None] | None = None

    def read(self, name: str) -> str:
        """The text of a file in its folder."""
        return (self.folder / name).read_text(encoding="utf-8")
