"""What a name, a text and a time of labels may be; times are kept to a microsecond.

Two programs say 1.9999999 and 2 of one moment. Both become 2 here, where a label is made, so that
further on edges are equal or not, and no comparison needs a tolerance of its own.
"""

from __future__ import annotations

import math
from numbers import Real

from vidmem.errors import LabelError
from vidmem.units import visible

TICKS_PER_SECOND = 1_000_000
INSTANT_SECONDS = 1 / TICKS_PER_SECOND
"""Two edges no further apart than this are one: the grid may put one moment on two of its steps."""

LONGEST_SECONDS = 1e9
"""Thirty years; beyond it is a mistake, such as a date taken for a time in the video."""


def is_one_instant(first_seconds: float, second_seconds: float) -> bool:
    """Whether two times that were checked are one: the same step of the grid, or the next."""
    # Half a step more, for what subtraction of two decimal fractions adds.
    return abs(first_seconds - second_seconds) < 1.5 * INSTANT_SECONDS


def checked_seconds(what: str, seconds: float) -> float:
    """A time of a video, in seconds from its first frame, rounded to a microsecond.

    Raises:
        LabelError: If it is no number, NaN, infinite, negative or beyond thirty years.
    """
    # bool is a number in Python: `start_seconds=True` must not pass as 1.
    if isinstance(seconds, bool) or not isinstance(seconds, Real):
        raise LabelError(f"{what} must be a number of seconds, got {seconds!r:.60}")
    value = float(seconds)
    if not math.isfinite(value):
        raise LabelError(f"{what} must be a finite number of seconds, got {value}")
    if abs(value) <= LONGEST_SECONDS:
        # The same operations as on a whole array of times in sampling: both land on one step.
        value = round(value * TICKS_PER_SECOND) / TICKS_PER_SECOND + 0.0  # no minus before zero
    if not 0 <= value <= LONGEST_SECONDS:
        raise LabelError(
            f"{what} must be from 0 (the start of the video) to {LONGEST_SECONDS:.0f} seconds, "
            f"got {value:.10g}"
        )
    return value


def checked_range(start_seconds: float, end_seconds: float, of: str) -> tuple[float, float]:
    """Start and end, each checked; the end may be the start, but not before it.

    Raises:
        LabelError: If a time cannot be one, or the end is before the start.
    """
    start = checked_seconds(f"the start of {of}", start_seconds)
    end = checked_seconds(f"the end of {of}", end_seconds)
    if end < start:
        raise LabelError(f"{of} must end after it starts, got {start:.10g} to {end:.10g} s")
    return start, end


def checked_name(what: str, name: str, *, may_be_empty: bool = False) -> str:
    """A name that every format can hold: a single line, with no space around it.

    Raises:
        LabelError: If it is empty, has a space at an end, a line break or a control character.
    """
    if not isinstance(name, str):
        raise LabelError(f"{what} must be a text, got {name!r:.60}")
    if not name and not may_be_empty:
        raise LabelError(f"{what} must not be empty; give it a name")
    # The first is quick and true of most names; what is not printable may still be harmless.
    if not name.isprintable() and visible(name) != name:
        raise LabelError(
            f"{what} must be one line without control characters, got {visible(name)[:60]!r}; "
            "take them out"
        )
    if name.strip() != name:
        raise LabelError(f"{what} must not begin or end with a space, got {name[:60]!r}")
    return name


def checked_text(what: str, text: str) -> str:
    """A text of several lines, such as a comment.

    Raises:
        LabelError: If it has control characters other than line breaks and tabs.
    """
    if not isinstance(text, str):
        raise LabelError(f"{what} must be a text, got {text!r:.60}")
    shown = text if text.isprintable() else visible(text, keep="\n\t")
    if shown != text:
        raise LabelError(
            f"{what} must have no control characters but line breaks and tabs, got {shown[:60]!r}; "
            "take them out"
        )
    return text
