"""The Python functions that a `mask_mod` is made of: their source, and the tensors they hold."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import CellType, FunctionType
from typing import Any

from torch import Tensor

MAX_LINE_CHARACTERS = 90
MAX_FUNCTIONS = 32
"""Functions of a combined mask that are looked at."""


@dataclass(frozen=True)
class MaskFunction:
    """One function, with its source where there is any."""

    function: Any
    """A `FunctionType`; typed so, a checker would take it for a method of this class."""

    @cached_property
    def node(self) -> ast.FunctionDef | ast.Lambda | None:
        """Its syntax, with the line numbers of its file; None where there is no source."""
        first = self.function.__code__.co_firstlineno
        found = [n for n in ast.walk(self._tree) if isinstance(n, ast.FunctionDef | ast.Lambda)]
        names = self.function.__code__.co_varnames[: self.function.__code__.co_argcount]
        # A line may hold several lambdas: that with the same arguments is it.
        same = [n for n in found if [a.arg for a in n.args.args] == list(names)]
        starts = [n for n in same if first in (n.lineno, *_decorator_lines(n))]
        return starts[0] if starts else None

    @property
    def is_of_torch(self) -> bool:
        """Whether it comes with torch."""
        return self.function.__module__.split(".")[0] == "torch"

    def place(self, line: int) -> str:
        """A line in words: `masks.py, line 12: return q_idx >= kv_idx`."""
        text = self._lines.get(line, "").strip()
        return f"{self._file}, line {line}" + (f": {text[:MAX_LINE_CHARACTERS]}" if text else "")

    @cached_property
    def answer_place(self) -> str:
        """The line that gives its answer; empty where there is no source."""
        if self.node is None:
            return ""
        if isinstance(self.node, ast.Lambda):
            return self.place(self.node.body.lineno)
        returns = [n for n in ast.walk(self.node) if isinstance(n, ast.Return)]
        return self.place(returns[-1].lineno) if returns else self.place(self.node.lineno)

    def segment(self, node: ast.AST) -> str:
        """The source of a part of it."""
        return " ".join(ast.unparse(node).split())

    @cached_property
    def _file(self) -> str:
        name = self.function.__code__.co_filename
        # Cells of notebooks are files with made-up names.
        return "this cell" if "ipykernel" in name or name.startswith("<") else Path(name).name

    @cached_property
    def _source(self) -> tuple[list[str], int]:
        try:
            return inspect.getsourcelines(self.function)
        except (OSError, TypeError):
            return [], 1

    @cached_property
    def _lines(self) -> dict[int, str]:
        lines, first = self._source
        return dict(enumerate(lines, first))

    @cached_property
    def _tree(self) -> ast.AST:
        lines, first = self._source
        text = textwrap.dedent("".join(lines))
        # A lambda's lines may be a piece of a call, which is no statement by itself.
        for attempt in (text, f"({text.strip().rstrip(',')})", f"f({text.strip()}"):
            try:
                return ast.increment_lineno(ast.parse(attempt), first - 1)
            except SyntaxError:
                continue
        return ast.Module([], [])


@dataclass(frozen=True)
class CapturedTensor:
    """A tensor that a mask reads, and what it is called there."""

    name: str
    tensor: Tensor
    function: MaskFunction

    def __str__(self) -> str:
        shape = list(self.tensor.shape)
        return f"`{self.name}` ({str(self.tensor.dtype).removeprefix('torch.')} {shape})"


def functions_of(mask_mod: object) -> list[MaskFunction]:
    """The functions of a mask, those that it was combined from first."""
    found: dict[int, FunctionType] = {}
    _collect(mask_mod, found)
    return [MaskFunction(function) for function in reversed(found.values())]


def captured_tensors(mask_mod: object) -> list[CapturedTensor]:
    """The tensors that a mask's functions hold in closures, defaults and globals."""
    captured = {}
    for function in functions_of(mask_mod):
        for name, value in _held(function.function):
            if isinstance(value, Tensor):
                captured[id(value)] = CapturedTensor(name, value, function)
    for name, value in _bound(mask_mod):
        if isinstance(value, Tensor) and functions_of(mask_mod):
            captured[id(value)] = CapturedTensor(name, value, functions_of(mask_mod)[-1])
    return list(captured.values())


def substituted(value: Any, old: FunctionType, new: FunctionType) -> Any:
    """A mask with one of its functions replaced; the mask itself stays as it is."""
    if value is old:
        return new
    if isinstance(value, tuple | list):
        return type(value)(substituted(one, old, new) for one in value)
    if isinstance(value, partial):
        return partial(substituted(value.func, old, new), *value.args, **value.keywords)
    if not isinstance(value, FunctionType) or not value.__closure__:
        return value
    cells = [_content(cell) for cell in value.__closure__]
    changed = [substituted(content, old, new) for content in cells]
    if all(a is b or a == b for a, b in zip(cells, changed, strict=True) if not _is_tensor(a)):
        return value
    closure = tuple(CellType(content) for content in changed)
    copy = FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, closure
    )
    copy.__kwdefaults__ = value.__kwdefaults__
    return copy


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _collect(value: object, found: dict[int, FunctionType]) -> None:
    if id(value) in found or len(found) >= MAX_FUNCTIONS:
        return
    if isinstance(value, FunctionType):
        found[id(value)] = value
    for part in _parts(value):
        _collect(part, found)


def _parts(value: object) -> Iterator[object]:
    """What a callable, or a tuple of them, was made from."""
    if isinstance(value, tuple | list):
        yield from value
    elif isinstance(value, FunctionType):
        yield from (held for _, held in _closure(value))
    elif isinstance(value, partial):
        yield value.func
    elif inspect.ismethod(value):
        yield value.__func__
    elif callable(value) and not isinstance(value, type):
        yield getattr(value, "fn", None)  # of the wrapper that a flattened BlockMask has


def _held(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function reads besides its arguments, by name."""
    yield from _closure(function)
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, value in (function.__kwdefaults__ or {}).items():
        yield name, value
    defaults = function.__defaults__ or ()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    yield from zip(names[len(names) - len(defaults) :], defaults, strict=True)


def _bound(mask_mod: object) -> Iterator[tuple[str, Any]]:
    """What a partial or a method holds."""
    if isinstance(mask_mod, partial):
        yield from mask_mod.keywords.items()
        yield from _bound(mask_mod.func)
    elif inspect.ismethod(mask_mod):
        yield from vars(mask_mod.__self__).items() if hasattr(mask_mod.__self__, "__dict__") else ()


def _closure(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, _content(cell)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is assigned after the function was made
        return None


def _decorator_lines(node: ast.FunctionDef | ast.Lambda) -> list[int]:
    if isinstance(node, ast.Lambda):
        return []
    return [decorator.lineno for decorator in node.decorator_list]
