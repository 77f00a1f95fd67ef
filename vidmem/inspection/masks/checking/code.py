"""The source of a mask, read for what goes wrong without a word: Python's own operators."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from vidmem.inspection.masks.checking.finding import MaskFinding
from vidmem.inspection.masks.checking.functions import MaskFunction

_TENSOR_TO_NUMBER = {"int", "bool", "float", "range", "max", "min", "len"}
_TENSOR_METHODS = {"item", "tolist", "numpy"}
_BITWISE = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}


def control_flow(function: MaskFunction) -> list[MaskFinding]:
    """Where Python asks a tensor for one truth or number, each with its line.

    A mask is asked about many pairs at once, so only what does not depend on its arguments may.
    """
    if function.node is None:
        return []
    tainted = _tainted_names(function.node)
    findings = []
    for node in ast.walk(function.node):
        words = _asks_for_one_truth(node, tainted)
        if words:
            findings.append(
                MaskFinding(
                    kind="python control flow",
                    words=f"{words}, but a mask is asked about many pairs at once.",
                    line=function.place(getattr(node, "lineno", function.node.lineno)),
                )
            )
    return findings


def precedence(function: MaskFunction) -> list[MaskFinding]:
    """Comparisons of what `&`, `|` or `^` gives: Python binds those tighter than `==` or `<`."""
    if function.node is None:
        return []
    found = []
    for node in ast.walk(function.node):
        if not isinstance(node, ast.Compare):
            continue
        for part in _loose_operands(node):
            sign = _BITWISE[type(part.op)]
            found.append(
                MaskFinding(
                    kind="operator precedence",
                    words=(
                        f"`{sign}` binds tighter than a comparison: Python reads "
                        f"`{_with_brackets(function, node, part)}`. Put brackets around each "
                        "comparison."
                    ),
                    line=function.place(node.lineno),
                )
            )
    return found


def _loose_operands(node: ast.Compare) -> Iterator[ast.BinOp]:
    """Operands of a comparison that are `a & b` without brackets around them."""
    last = node.comparators[-1]
    edges = [
        (node.left, (node.left.lineno, node.left.col_offset) == (node.lineno, node.col_offset)),
        (
            last,
            (last.end_lineno, last.end_col_offset) == (node.end_lineno, node.end_col_offset),
        ),
    ]
    # Brackets are not in the tree, but they move where the comparison begins and ends.
    for operand, is_bare in edges:
        if is_bare and isinstance(operand, ast.BinOp) and type(operand.op) in _BITWISE:
            yield operand


def _with_brackets(function: MaskFunction, node: ast.Compare, part: ast.BinOp) -> str:
    whole, inner = function.segment(node), function.segment(part)
    return whole if f"({inner})" in whole else whole.replace(inner, f"({inner})", 1)


def _asks_for_one_truth(node: ast.AST, tainted: set[str]) -> str:
    """Which construct does, in words; empty where none does."""
    if isinstance(node, ast.BoolOp) and any(_reads(v, tainted) for v in node.values):
        word, sign = ("and", "&") if isinstance(node.op, ast.And) else ("or", "|")
        return f"`{word}` asks a tensor for one truth; use `{sign}` with brackets around each side"
    if isinstance(node, ast.If | ast.IfExp | ast.While) and _reads(node.test, tainted):
        word = "while" if isinstance(node, ast.While) else "if"
        return f"`{word}` asks a tensor for one truth; use `torch.where(condition, a, b)`"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        is_asked = _reads(node.operand, tainted)
        return "`not` asks a tensor for one truth; use `~`" if is_asked else ""
    if isinstance(node, ast.Compare):
        return _of_comparison(node, tainted)
    if isinstance(node, ast.Call):
        return _of_call(node, tainted)
    return ""


def _of_comparison(node: ast.Compare, tainted: set[str]) -> str:
    if not _reads(node, tainted):
        return ""
    if len(node.ops) > 1:
        return "`a <= b <= c` asks a tensor for one truth; use `(a <= b) & (b <= c)`"
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        return "`in` asks a tensor for one truth; use `torch.isin` or a table of booleans"
    return ""


def _of_call(node: ast.Call, tainted: set[str]) -> str:
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in _TENSOR_METHODS:
        is_asked = _reads(function.value, tainted)
        return f"`.{function.attr}()` asks a tensor for one number" if is_asked else ""
    if isinstance(function, ast.Name) and function.id in _TENSOR_TO_NUMBER:
        is_asked = any(_reads(argument, tainted) for argument in node.args)
        return f"`{function.id}()` asks a tensor for one number" if is_asked else ""
    return ""


def _tainted_names(node: ast.FunctionDef | ast.Lambda) -> set[str]:
    """The arguments, and what is computed from them."""
    tainted = {argument.arg for argument in node.args.args}
    for _ in range(2):  # twice: a name may be used above the line that gives it
        for part in ast.walk(node):
            if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign):
                if part.value is None or not _reads(part.value, tainted):
                    continue
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                names = (n for target in targets for n in ast.walk(target))
                tainted |= {n.id for n in names if isinstance(n, ast.Name)}
    return tainted


def _reads(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))
