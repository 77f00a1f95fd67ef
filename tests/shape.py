"""What is wide, long or without comments: things to look at, printed by `make check`, no failure.

A limit on lines made people pack classes against it (LAYOUT); a list of the largest does not.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ("vidmem", "app")
SOURCES = {".py", ".js", ".css", ".html"}
NUM_SHOWN = 5
WIDE_FOLDER = 15
LARGE_CLASS = 20

Sized = tuple[int, str]


def sources() -> list[Path]:
    files = (path for folder in CODE for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in files if path.suffix in SOURCES)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    """The first two folders of a path, or `vidmem` for what stands alone in it."""
    return "/".join(path.relative_to(ROOT).parts[:-1][:2])


def largest(sized: list[Sized], over: int = 0) -> list[Sized]:
    return sorted((one for one in sized if one[0] > over), reverse=True)


def folders(paths: list[Path]) -> list[Sized]:
    """How many sources lie in each folder itself; `__init__.py` is none."""
    counted = Counter(relative(path.parent) for path in paths if path.name != "__init__.py")
    return [(count, name) for name, count in counted.items()]


def functions(path: Path, tree: ast.Module) -> Iterator[Sized]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield lines, f"{relative(path)}:{node.lineno} {node.name}"


def classes(path: Path, tree: ast.Module) -> Iterator[Sized]:
    """With their methods counted, properties among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = sum(isinstance(one, ast.FunctionDef) for one in node.body)
            yield methods, f"{relative(path)}:{node.lineno} {node.name}"


def comments(text: str) -> int:
    """Lines with a comment; a docstring is none."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def shares(texts: dict[Path, str]) -> list[tuple[float, str]]:
    """Comments in a hundred lines, by room, the fewest first."""
    lines: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for path, text in texts.items():
        lines[room_of(path)] += text.count("\n")
        said[room_of(path)] += comments(text)
    return sorted((100 * said[room] / lines[room], room) for room in lines if lines[room])


def table(title: str, rows: list[tuple[float, str]], form: str = "d") -> list[str]:
    return [title, *(f"  {number:>6{form}}  {name}" for number, name in rows), ""]


def report() -> str:
    paths = sources()
    texts = {path: path.read_text() for path in paths}
    python = {path: text for path, text in texts.items() if path.suffix == ".py"}
    trees = {path: ast.parse(text) for path, text in python.items()}
    files: list[Sized] = [(text.count("\n"), relative(path)) for path, text in texts.items()]
    long = [one for path, tree in trees.items() for one in functions(path, tree)]
    large = [one for path, tree in trees.items() for one in classes(path, tree)]
    wide = largest(folders(paths), WIDE_FOLDER)
    return "\n".join(
        [
            *table(f"folders of more than {WIDE_FOLDER} source files", wide),
            *table("longest files, in lines", largest(files)[:NUM_SHOWN]),
            *table("longest functions, in lines", largest(long)[:NUM_SHOWN]),
            *table(f"classes of more than {LARGE_CLASS} methods", largest(large, LARGE_CLASS)),
            *table("comments in 100 lines of Python, by room", shares(python), ".1f"),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(report())
