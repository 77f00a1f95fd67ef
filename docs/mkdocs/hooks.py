"""What MkDocs does to a page before it builds it, and the pages of the notebooks among its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

# Where `make notebooks-html` writes them.
_NOTEBOOK_PAGES = Path(__file__).resolve().parents[2] / "build" / "notebooks"
_LINK_TO_NOTEBOOK = re.compile(r"\]\(\.\./notebooks/(?:(README)\.md|(\w+)\.ipynb)(?:#[^)]*)?\)")

# A link out of `docs/`: it leads to a file of the repository, and nowhere on the site.
_LINK_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Put the pages of the notebooks into the site, as they are."""
    for path in sorted(_NOTEBOOK_PAGES.glob("*")):
        name = f"notebooks/{path.name}"
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, files: Files, **_: Any) -> str:
    """Make a link to a notebook one to its page, and one out of `docs/` the name of the file."""
    if files.get_file_from_path("notebooks/index.html") is not None:
        markdown = _LINK_TO_NOTEBOOK.sub(_notebook_page, markdown)
    return _LINK_OUTSIDE.sub(_file_name, markdown)


def _notebook_page(link: re.Match[str]) -> str:
    return f"](notebooks/{'index' if link[1] else link[2]}.html)"


def _file_name(link: re.Match[str]) -> str:
    text, path = link.groups()
    return f"`{path}`" if text == path else f"{text} (`{path}`)"
