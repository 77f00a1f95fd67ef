"""Whether an answer to an exercise is right, said in a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any


@dataclass(frozen=True, kw_only=True, repr=False)
class Check:
    """What became of an answer; its `repr` is the sentence that a notebook shows."""

    is_right: bool | None
    """`None`: there is no answer yet."""

    text: str

    def __repr__(self) -> str:
        mark = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "\N{WHITE CIRCLE}"}
        return f"{mark[self.is_right]} {self.text}"


def check(
    answer: Any,
    expected: Any,
    *,
    hint: str = "Look at the cells above once more.",
    tolerance: float = 0.0,
) -> Check:
    """See whether an answer is right.

    Args:
        answer: The reader's: a value or a function; `None`: none yet.
        expected: What it has to equal, or a function that is told the answer and says whether it
            is right.
        hint: Said of a wrong answer.
        tolerance: How far a number may be off.
    """
    if answer is None:
        return Check(is_right=None, text="Not answered yet.")
    try:
        is_right = _is_right(answer, expected, tolerance)
    except Exception as error:  # an answer is anybody's code, and what it raises is no fault here
        text = f"Your answer raises {type(error).__name__}: {error}. {hint}"
        return Check(is_right=False, text=text)
    return Check(is_right=is_right, text="Right." if is_right else f"Not yet. {hint}")


def _is_right(answer: Any, expected: Any | Callable[[Any], bool], tolerance: float) -> bool:
    if callable(expected):
        return bool(expected(answer))
    if isinstance(expected, Real) and isinstance(answer, Real):
        return math.isclose(answer, expected, rel_tol=0.0, abs_tol=tolerance or 1e-9)
    return bool(answer == expected)
