"""What MkDocs does to a page before it builds it."""

from __future__ import annotations

import re
from typing import Any

# A link out of `docs/`: it leads to a file of the repository, and nowhere on the site.
_LINK_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Make such a link the name of the file."""
    return _LINK_OUTSIDE.sub(_file_name, markdown)


def _file_name(link: re.Match[str]) -> str:
    text, path = link.groups()
    return f"`{path}`" if text == path else f"{text} (`{path}`)"
