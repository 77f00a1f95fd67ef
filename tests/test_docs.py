"""`docs/architecture.md` names files, functions and arrows: they are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.documents import ROOT, code_blocks, without_code

TEXT = (ROOT / "docs" / "architecture.md").read_text()
PATH = r"(?:vidmem|app|tests|docs)/[\w./*-]+"
BELOW_ALL = {"errors", "files", "holding", "plain", "units", "processors", "renamed"}


def section(title: str) -> str:
    found = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, title
    return found


def paragraphs() -> list[str]:
    """Paragraphs and items of lists: each names files, and after or before them functions."""
    return re.split(r"\n\n|\n(?=\d+\. |- )", without_code(TEXT))


def functions_of(path: Path) -> set[str]:
    """Functions that a file defines, methods as `Class.method`."""
    if path.suffix == ".js":
        pairs = re.findall(r"function (\w+)\(|const (\w+) = \(", path.read_text())
        return {name for pair in pairs for name in pair if name}
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef))
            names |= {f"{node.name}.{one.name}" for one in methods}
    return names


def named_files(text: str) -> list[Path]:
    return [file for name in re.findall(PATH, text) for file in sorted(ROOT.glob(name))]


def test_every_file_named_exists():
    for name in re.findall(PATH, TEXT):
        assert list(ROOT.glob(name)), name


@pytest.mark.parametrize(
    "text", [one for one in paragraphs() if "()`" in one], ids=lambda text: text[:30]
)
def test_every_function_named_is_in_a_file_named_beside_it(text):
    files = named_files(text)
    known = set().union(*map(functions_of, files))
    if not files:  # a sentence between steps: any file of the page
        known = set().union(*map(functions_of, named_files(TEXT)))
    for name in re.findall(r"`([\w.]+)\(\)`", text):
        assert name in known, name


@pytest.mark.parametrize(
    ("title", "most"),
    [
        ("A clip's pixels, from the file to the logits", 18),
        ("`l_mem`, from the slider to the queue", 12),
    ],
)
def test_a_walk_passes_few_files(title, most):
    item = r"^(\d+)\. (.*?)(?=^\d+\. |\n\n|\Z)"
    steps = re.findall(item, section(title), re.DOTALL | re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    files = {file for _, step in steps for file in named_files(step)}
    assert len(steps) <= len(files) <= most


def imported(path: Path) -> set[str]:
    """What a file imports, in dotted names; `from app import sentences` is `app.sentences`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports_between_rooms(package: str) -> set[tuple[str, str]]:
    """Each room (a folder, or a file alone) with each other one that it imports from."""
    folder = ROOT / package
    rooms = {path.stem for path in folder.iterdir()} - {"__init__", "__pycache__"}
    pairs = set()
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        for parts in ([*name.split("."), ""] for name in imported(path)):
            if parts[0] == package and {room, parts[1]} <= rooms and room != parts[1]:
                pairs.add((room, parts[1]))
    return pairs


def arrows_of(package: str) -> set[tuple[str, str]]:
    """The arrows of a picture: `a --> b & c` are two."""
    title = "The rooms of the app" if package == "app" else "The rooms of vidmem"
    lines = re.findall(r"(\w+) --> (.+)", code_blocks(section(title), "mermaid")[0])
    return {(start, end) for start, ends in lines for end in ends.split(" & ")}


def boxes_of(package: str) -> set[str]:
    """The boxes of a picture: also of a room that nothing imports, and that imports none."""
    title = "The rooms of the app" if package == "app" else "The rooms of vidmem"
    return set(re.findall(r'^ *(\w+)\["', code_blocks(section(title), "mermaid")[0], re.MULTILINE))


@pytest.mark.parametrize("package", ["vidmem", "app"])
def test_the_picture_of_the_rooms_is_true(package):
    imports, arrows = imports_between_rooms(package), arrows_of(package)
    assert arrows <= imports, "an arrow that nothing imports along"
    drawn = boxes_of(package)
    assert {room for arrow in arrows for room in arrow} <= drawn
    reach = {room: {room} for room in drawn}
    for _ in drawn:  # as often as the longest way can be
        for start, end in arrows:
            reach[start] |= reach[end]
    rooms = {path.stem for path in (ROOT / package).iterdir() if path.suffix in {"", ".py"}}
    assert drawn == rooms - BELOW_ALL - {"__init__", "__pycache__"}
    missing = {(a, b) for a, b in imports if a in drawn and b in drawn and b not in reach[a]}
    assert not missing, "imports that the picture has no way for"
