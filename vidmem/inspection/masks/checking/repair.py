"""Which one change of a mask's source would make it what was meant: so the line is named."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import TypeVar

from vidmem.inspection.masks.checking.functions import MaskFunction, functions_of, substituted
from vidmem.nn.masks import MaskMod

Node = TypeVar("Node", bound=ast.expr)

MAX_CHANGES = 40
"""Changes that are tried."""

_STRICTNESS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_DIRECTION: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}


@dataclass(frozen=True)
class Repair:
    """A change of one operator or name."""

    line: str
    """Where, as `MaskFunction.place` says it."""

    words: str
    """What it would be: `q_idx - kv_idx < window`."""


@dataclass(frozen=True)
class _Change:
    function: MaskFunction
    original: ast.expr
    """What is changed, in the function's own tree."""

    changed: ast.FunctionDef | ast.Lambda
    expression: ast.expr
    """The same place in the changed tree."""


def find_repair(mask_mod: MaskMod, is_as_meant: Callable[[MaskMod], bool]) -> Repair | None:
    """The first of the usual slips whose opposite makes a mask what was meant.

    Args:
        mask_mod: The mask; it is not changed, copies of its functions are.
        is_as_meant: Evaluates a changed mask; may raise ValueError where it cannot be.
    """
    changes = (change for make in _KINDS for change in make(mask_mod))
    for _, change in zip(range(MAX_CHANGES), changes, strict=False):
        function = _compiled(change.changed, change.function.function)
        if function is None:
            continue
        try:
            is_right = is_as_meant(substituted(mask_mod, change.function.function, function))
        except ValueError:
            continue
        if is_right:
            place = change.function.place(change.original.lineno)
            return Repair(place, change.function.segment(change.expression))
    return None


def _comparisons(
    mask_mod: MaskMod, table: dict[type[ast.cmpop], type[ast.cmpop]]
) -> Iterator[_Change]:
    for function, index, node in _nodes(mask_mod, ast.Compare):
        for at, operator in enumerate(node.ops):
            other = table.get(type(operator))
            if other is not None:
                tree, twin = _copied(function, index)
                assert isinstance(twin, ast.Compare)
                twin.ops[at] = other()
                yield _Change(function, node, tree, twin)


def _strictness(mask_mod: MaskMod) -> Iterator[_Change]:
    return _comparisons(mask_mod, _STRICTNESS)


def _direction(mask_mod: MaskMod) -> Iterator[_Change]:
    return _comparisons(mask_mod, _DIRECTION)


def _index_names(mask_mod: MaskMod) -> Iterator[_Change]:
    """A table asked for the query where the key was meant, or the other way."""
    for function, index, node in _nodes(mask_mod, ast.Subscript):
        assert function.node is not None
        arguments = [argument.arg for argument in function.node.args.args]
        if len(arguments) < 4:
            continue
        swap = {arguments[2]: arguments[3], arguments[3]: arguments[2]}
        tree, twin = _copied(function, index)
        assert isinstance(twin, ast.Subscript)
        names = [n for n in ast.walk(twin.slice) if isinstance(n, ast.Name) and n.id in swap]
        for name in names:
            name.id = swap[name.id]
        if names:
            yield _Change(function, node, tree, twin)


_KINDS = (_strictness, _direction, _index_names)
"""From the commonest slip on."""


def _nodes(mask_mod: MaskMod, kind: type[Node]) -> Iterator[tuple[MaskFunction, int, Node]]:
    for function in functions_of(mask_mod):
        if function.node is not None:
            for index, node in enumerate(ast.walk(function.node)):
                if isinstance(node, kind):
                    yield function, index, node


def _copied(function: MaskFunction, index: int) -> tuple[ast.FunctionDef | ast.Lambda, ast.AST]:
    """A copy of a function's tree, and its node of a number in the order of `ast.walk`."""
    assert function.node is not None
    tree = copy.deepcopy(function.node)
    return tree, next(node for at, node in enumerate(ast.walk(tree)) if at == index)


def _compiled(tree: ast.FunctionDef | ast.Lambda, original: FunctionType) -> FunctionType | None:
    """A changed tree as a function with the closure of the original; None where it has another."""
    if original.__defaults__ or original.__kwdefaults__:
        return None
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list, tree.returns, tree.name = [], None, "changed"
        body: list[ast.stmt] = [tree, ast.Return(ast.Name("changed", ast.Load()))]
    else:
        body = [ast.Return(tree)]
    for argument in tree.args.args:
        argument.annotation = None
    free = original.__code__.co_freevars
    given = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)) for name in free]
    outer = ast.parse("def outer(): pass")
    definition = outer.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.body = [*given, *body]
    namespace: dict[str, FunctionType] = {}
    # Nothing of the user's is run here: `outer` only makes the function.
    exec(compile(ast.fix_missing_locations(outer), "<changed mask>", "exec"), namespace)
    code = namespace["outer"]().__code__
    if code.co_freevars != free:
        return None
    return FunctionType(code, original.__globals__, original.__name__, None, original.__closure__)
