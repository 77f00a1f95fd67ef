"""Events of a run, such as a full memory: marks above the panels, and lines through them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from vidmem.figures.theme import Swatch, Theme, graph_objects
from vidmem.profiling import FootprintEvent
from vidmem.units import clock

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

EVENT_NAMES = {
    "model": "model in use",
    "l_mem": "L_mem changed",
    "full": "memory full: evictions begin",
    "jump": "jump, memory emptied",
    "emptied": "memory emptied",
}
_MARKS = {
    "model": ("triangle-down", "\N{BLACK DOWN-POINTING TRIANGLE}", 2),
    "l_mem": ("diamond", "\N{BLACK DIAMOND}", 1),
    "full": ("circle", "\N{BLACK CIRCLE}", 0),
    "jump": ("triangle-right", "\N{BLACK RIGHT-POINTING TRIANGLE}", 3),
    "emptied": ("square", "\N{BLACK SQUARE}", 5),
}
"""Plotly's symbol, the same as a character, and a number of `Theme.colours`."""


def event_swatches(events: Sequence[FootprintEvent], theme: Theme) -> list[Swatch]:
    """Entries of a legend, for the kinds that occur."""
    kinds = dict.fromkeys(event.kind for event in events)
    marks = [(EVENT_NAMES[kind], *_MARKS[kind][1:]) for kind in kinds]
    return [Swatch(words, theme.colours[colour], symbol=mark) for words, mark, colour in marks]


def draw_events(
    figure: Figure, events: Sequence[FootprintEvent], number: int, theme: Theme
) -> None:
    """A mark for each event, on the strip that is vertical axis `number`, and a thin line below."""
    marks = [_MARKS[event.kind] for event in events]
    colours = [theme.colours[mark[2]] for mark in marks]
    figure.add_trace(
        graph_objects().Scatter(
            x=[*(event.seconds for event in events), None],
            y=[*(0 for _ in marks), None],
            xaxis="x2",
            yaxis=f"y{number}",
            mode="markers",
            marker={
                "symbol": [*(mark[0] for mark in marks), "circle"],
                "size": 10,
                "color": [*colours, theme.dim],
            },
            hovertext=[*(_event_words(event) for event in events), ""],
            hoverinfo="text",
            cliponaxis=False,
        )
    )
    for event, colour in zip(events, colours, strict=True):
        figure.add_shape(
            type="line",
            x0=event.seconds,
            x1=event.seconds,
            y0=0,
            y1=1,
            xref="x",
            yref="paper",
            line={"color": colour, "width": 1, "dash": "dot"},
            opacity=0.7,
            layer="below",
        )


def _event_words(event: FootprintEvent) -> str:
    more = f"<br>and {event.num_joined - 1:,} like it before" if event.num_joined > 1 else ""
    clip = "" if event.clip is None else f" · after clip {event.clip:,}"
    return f"<b>{escape(event.text, quote=False)}</b>{more}<br>{clock(event.seconds)}{clip}"
