"""Colours that behaviours get by default, told apart by people with any kind of colour vision.

The first seven are those of Okabe and Ito (*Color universal design*, 2008), without black. Each
further one is the colour of the web-safe cube that is furthest from all before it, in CIELAB, seen
with normal vision, protanopia, deuteranopia or tritanopia (Machado, Oliveira and Fernandes 2009),
whichever sees them closest. Greys are left out: they stand for what is not scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from vidmem.errors import LabelError

DEFAULT_COLOURS = (
    "#e69f00",  # Okabe and Ito: orange
    "#56b4e9",  # sky blue
    "#009e73",  # bluish green
    "#f0e442",  # yellow
    "#0072b2",  # blue
    "#d55e00",  # vermilion
    "#cc79a7",  # reddish purple
    "#8800ff",
    "#662200",
    "#553355",
    "#bbee99",
    "#222299",
    "#dd0044",
    "#bb55ff",
    "#00ffcc",
    "#ccaa55",
    "#990088",
    "#446633",
    "#ddccee",
    "#8811cc",
    "#77bb77",
    "#995577",
    "#dd00bb",
    "#994400",
)


def default_colours(count: int) -> tuple[str, ...]:
    """So many colours, `#rrggbb`; up to 24 all can be told apart, beyond that they come again."""
    return tuple(DEFAULT_COLOURS[index % len(DEFAULT_COLOURS)] for index in range(count))


def next_colour(used: Iterable[str]) -> str:
    """The default colour that is used least often so far, the first of those."""
    times = dict.fromkeys(DEFAULT_COLOURS, 0)
    for colour in used:
        if colour in times:
            times[colour] += 1
    return min(times, key=times.__getitem__)  # the first of equals


def checked_colour(what: str, colour: str) -> str:
    """A colour as `#rrggbb` in small letters.

    Raises:
        LabelError: If it is not six hexadecimal digits after a `#`.
    """
    if not isinstance(colour, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise LabelError(f"{what} must be like #e69f00, got {colour!r:.60}")
    return colour.lower()
