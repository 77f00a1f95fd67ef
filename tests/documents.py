"""The documents of the repository, for the tests that hold them to the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
DOCUMENTS = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "assets" / "README.md",
    ROOT / "notebooks" / "README.md",
    *PAGES,
]

_SHELL = re.compile(r"^    ((?:vidmem|make) [^\n#]+)|`((?:vidmem|make) [^`]+)`", re.MULTILINE)


def document_id(path: Path) -> str:
    """A document's name in the names of tests."""
    return path.relative_to(ROOT).as_posix()


def code_blocks(text: str, language: str) -> list[str]:
    """What stands in the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def command_lines(text: str, program: str) -> list[list[str]]:
    """The words of each line `program ...` that a document names, in blocks or in sentences."""
    lines = [(block or sentence).split() for block, sentence in _SHELL.findall(text)]
    return [words[1:] for words in lines if words[0] == program]


def without_code(text: str) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What `#...` can lead to: its headings, as GitHub and MkDocs write them in addresses."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), flags=re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
