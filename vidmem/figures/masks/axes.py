"""What the figures of masks share: axes in frames or clips, and cells with nothing in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidmem.figures.theme import Theme
from vidmem.inspection import Axis, MaskView

Spans = list[tuple[int, int, int]]
"""Stretches of an axis as drawn: number, start, stop."""

MAX_TICKS = 16
USUAL_PIXELS = 340
"""Length of a side of a matrix, to work out which ticks have room."""

TITLE_PIXELS, CHARACTER_PIXELS, BELOW_PIXELS = 35, 6, 46
"""Left of a matrix, for the title of its rows and for each character of its ticks; and below it."""

MAX_LINES = 80
"""Frames up to which their edges are drawn."""

STATES = ("empty", "partial", "full")
"""Of blocks, by number."""


def drawn_spans(axis: Axis, tokens: Sequence[int]) -> Spans:
    """The stretches among the drawn tokens, placed by their order."""
    spans: Spans = []
    for place, token in enumerate(tokens):
        number = axis.span_of(token)
        if spans and spans[-1][0] == number:
            spans[-1] = (number, spans[-1][1], place + 1)
        else:
            spans.append((number, place, place + 1))
    return spans


def all_spans(axis: Axis) -> Spans:
    """The stretches of an axis of which every token is drawn."""
    return [(i, start, axis.stop_of(i)) for i, start in enumerate(axis.starts)]


def axes_layout(view: MaskView, columns: Spans, rows: Spans) -> dict[str, Any]:
    """Keys go across, queries go down; cells are square unless they would be too thin to see.

    Room for ticks and titles is told, not found out by Plotly: that draws everything twice.
    """
    num_columns, num_rows = columns[-1][2], rows[-1][2]
    across = {
        "automargin": False,
        "title": {"text": f"key: {view.keys.title}"},
        "range": [-0.5, num_columns - 0.5],
        **_ticks(columns, view.keys, is_across=True),
    }
    down = {
        "automargin": False,
        "title": {"text": f"query: {view.queries.title}"},
        "range": [num_rows - 0.5, -0.5],
        **_ticks(rows, view.queries, is_across=False),
    }
    if max(num_columns, num_rows) <= 1.5 * min(num_columns, num_rows):
        down |= {"scaleanchor": "x", "constrain": "domain", "constraintoward": "top"}
        across |= {"constrain": "domain", "constraintoward": "left"}
    longest = max(len(name) for name in down["ticktext"])
    margin = {"l": TITLE_PIXELS + CHARACTER_PIXELS * longest, "b": BELOW_PIXELS}
    return {"xaxis": across, "yaxis": down, "margin": margin}


def edge_shapes(columns: Spans, rows: Spans, theme: Theme) -> list[dict[str, Any]]:
    """Lines between frames, where there are few enough and each has more than one token."""
    line = {"color": theme.card, "width": 2 if max(len(columns), len(rows)) < 30 else 1}
    path = ""
    for spans, others, is_column in ((columns, rows, True), (rows, columns, False)):
        if len(spans) > MAX_LINES or spans[-1][2] == len(spans):
            continue
        end = others[-1][2] - 0.5
        for _, start, _ in spans[1:]:
            at = start - 0.5
            path += f"M{at},-0.5V{end}" if is_column else f"M-0.5,{at}H{end}"
    # One shape: each is drawn anew on every redraw.
    return [{"type": "path", "path": path, "line": line}] if path else []


def discrete(colours: Sequence[str]) -> list[tuple[float, str]]:
    """A colour scale of equal steps, the first for 0 and the last for `len(colours) - 1`."""
    n = len(colours)
    return [(edge / n, colour) for i, colour in enumerate(colours) for edge in (i, i + 1)]


def or_nan(numbers: NDArray) -> NDArray[np.float32]:
    """Zeros as gaps, through which the hatching is seen."""
    return np.where(numbers == 0, np.nan, numbers).astype(np.float32)


def cell_gap(cells: int) -> int:
    """Pixels between cells, of which there are so many a side."""
    return 1 if cells <= 64 else 0


def block_words(view: MaskView) -> NDArray[np.str_]:
    """What each block says on hover: `[query blocks, key blocks]`."""
    blocks, size = view.blocks, view.blocks.block_tokens
    sides = []
    for axis, count in zip((view.queries, view.keys), blocks.states.shape, strict=True):
        starts = [i * size for i in range(count)]
        sides.append([axis.stretch(s, min(s + size, axis.num_tokens)) for s in starts])
    rows = [
        [
            f"<b>{STATES[state]}: {count:,} of {size * size:,} pairs may attend</b>"
            f"<br>queries: {asks}<br>keys: {seen}"
            for seen, state, count in zip(sides[1], states, counts, strict=True)
        ]
        for asks, states, counts in zip(sides[0], blocks.states, blocks.num_allowed, strict=True)
    ]
    return np.array(rows)


def _ticks(spans: Spans, axis: Axis, *, is_across: bool) -> dict[str, Any]:
    """Ticks in the middle of some stretches: round numbers, the first and the last."""
    middle = {number: (start + stop - 1) / 2 for number, start, stop in spans}
    numbers = [number for number in _round_numbers(axis) if number in middle]
    numbers = sorted({spans[0][0], *numbers, spans[-1][0]})
    pixels = USUAL_PIXELS / spans[-1][2]
    ends = (numbers[0], numbers[-1])
    widths = {n: len(axis.names[n]) * (6 if n in ends else 8) + 5 for n in numbers}
    room = {n: (widths[n] if is_across else 15) / pixels for n in numbers}

    def fits(left: int, right: int) -> bool:
        return middle[right] - middle[left] >= (room[left] + room[right]) / 2

    kept = numbers[:1]
    for number in numbers[1:-1]:
        if fits(kept[-1], number) and fits(number, numbers[-1]):
            kept.append(number)
    if numbers[-1] != kept[-1]:
        kept.append(numbers[-1])
    return {
        "tickvals": [middle[number] for number in kept],
        "ticktext": [axis.names[number] for number in kept],
        "tickangle": 0,
        # Those that are kept have room. To see whether one sticks out takes Plotly a third of a
        # redraw, since it asks the browser for the place of each.
        "ticklabeloverflow": "allow",
    }


def _round_numbers(axis: Axis) -> range:
    """Stretches at round distances, so that there are about as many as an axis has room for."""
    count = len(axis.names)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, count) if count / s <= MAX_TICKS)
    first = axis.names.index("0") if "0" in axis.names else 0
    return range(first, count, step)
