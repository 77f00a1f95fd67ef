"""Lanes of bars over time: what a lane is, how its bars are drawn, and how near ones become one.

lying     |====|     |=======|       a trace of thick lines for each behaviour
standing       |=====|
scored    |--------------------|     a pale line under them; the rest is empty
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from vidmem.figures.theme import Theme
from vidmem.labels import NONE_OF_THESE
from vidmem.labels import NOT_SCORED as IS_NOT_SCORED
from vidmem.units import clock, span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LANE_PIXELS, BAR_PIXELS = 23, 14
MAX_LANES = 120
MAX_BARS = 4_000
"""Drawn one by one; of more, those nearer than a pixel of a wide screen are drawn as one."""

PIXELS = 2_500
SCORED, NOT_SCORED = NONE_OF_THESE, IS_NOT_SCORED
"""What the bars behind those of behaviours are of; no behaviour may be called so."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
DAY_SECONDS = 86_400
MAX_TICKS = 5


@dataclass(frozen=True)
class Bar:
    """A span on a lane, in seconds of the figure's axis; of an instant both are one."""

    lane: int
    start: float
    end: float
    words: str = ""
    """What a pointer over it shows."""

    @property
    def is_point(self) -> bool:
        """Whether it is an instant."""
        return self.start == self.end


def near_as_one(bars: Iterable[Bar], gap: float) -> list[Bar]:
    """Bars of each lane, those of which no more than a gap is between them made one."""
    by_lane: defaultdict[int, list[Bar]] = defaultdict(list)
    for bar in bars:
        by_lane[bar.lane].append(bar)
    joined: list[Bar] = []
    for lane, of_lane in sorted(by_lane.items()):
        first = len(joined)
        for bar in sorted(of_lane, key=lambda one: one.start):
            last = joined[-1] if len(joined) > first else None
            if last and bar.start - last.end <= gap and last.is_point == bar.is_point:
                joined[-1] = Bar(lane, last.start, max(last.end, bar.end), last.words)
            else:
                joined.append(bar)
    return joined


def thinned(bars: dict[str, list[Bar]], length: float) -> tuple[dict[str, list[Bar]], float]:
    """Bars by what they are of, few enough to be drawn, and the gap over which some became one."""
    if sum(map(len, bars.values())) <= MAX_BARS:
        return bars, 0.0
    gap = length / PIXELS
    return {name: near_as_one(of_name, gap) for name, of_name in bars.items()}, gap


def gap_words(gap: float) -> str:
    """That near bars are drawn as one; empty: all are drawn."""
    return f"Bouts less than {span(gap)} apart are drawn as one." if gap else ""


def draw_bars(figure: Figure, bars: Sequence[Bar], colour: str, name: str, pixels: int) -> None:
    """One trace of thick lines, and one of strokes for instants."""
    lasting = [one for one in bars if not one.is_point]
    instants = [one for one in bars if one.is_point]
    if lasting:
        figure.add_scatter(
            x=[x for one in lasting for x in (one.start, one.end, None)],
            y=[y for one in lasting for y in (one.lane, one.lane, None)],
            mode="lines",
            name=name,
            line={"color": colour, "width": pixels, "simplify": False},
            **_hover([text for one in lasting for text in (one.words, one.words, "")]),
        )
    if instants:
        figure.add_scatter(
            x=[one.start for one in instants],
            y=[one.lane for one in instants],
            mode="markers",
            name=name,
            marker={
                "symbol": "line-ns",
                "size": pixels,
                "line": {"color": colour, "width": 2},
                "color": colour,
            },
            **_hover([one.words for one in instants]),
        )


def _hover(words: list[str]) -> dict[str, Any]:
    return {"hovertext": words, "hoverinfo": "text"} if any(words) else {"hoverinfo": "skip"}


def set_lanes(figure: Figure, names: Sequence[str], theme: Theme) -> None:
    """Names beside the lanes, the first on top, and as high as they need."""
    layout: Any = figure.layout
    figure.update_yaxes(
        range=[len(names) - 0.5, -0.5],
        tickvals=[at for at, name in enumerate(names) if name],
        ticktext=[_shortened(name) for name in names if name],
        tickfont={"color": theme.ink, "size": 12},
    )
    height = layout.margin.t + LANE_PIXELS * len(names) + 46
    figure.update_layout(height=height, margin={"l": 12, "r": 16, "b": 12})


def set_time_axis(
    figure: Figure, start: float, end: float, theme: Theme, midnight: datetime | None
) -> None:
    """Round times below, by the clock where a midnight is given, else of the video."""
    figure.update_xaxes(
        range=[start, end],
        **time_ticks(start, end, midnight),
        tickangle=0,
        showgrid=True,
        gridcolor=theme.line,
        title_text="time of the video" if midnight is None else "time by the clock",
    )


def time_ticks(
    start: float, end: float, midnight: datetime | None, most: int = MAX_TICKS
) -> dict[str, Any]:
    """Round times between two; by the clock, the first of a day says which day."""
    length = end - start
    step = next((one for one in _STEPS if length / one <= most), None)
    step = step or DAY_SECONDS * max(1, round(length / DAY_SECONDS / most))
    first = -int(-start // step) * step
    values = [first + number * step for number in range(int((end - first) // step) + 1)]
    if midnight is None:
        return {"tickvals": values, "ticktext": [clock(value) for value in values]}
    texts, day = [], None
    for value in values:
        at = midnight + timedelta(seconds=value)
        text = at.strftime("%H:%M:%S" if step < 60 else "%H:%M")
        texts.append(text if at.date() == day else f"{text}<br>{at:%Y-%m-%d}")
        day = at.date()
    return {"tickvals": values, "ticktext": texts}


def range_words(start: float, end: float, midnight: datetime | None) -> str:
    """From when to when, and how long, for a pointer."""
    if start == end:
        return _moment(start, midnight)
    return f"{_moment(start, midnight)} to {_moment(end, midnight)} ({span(end - start)})"


def _moment(seconds: float, midnight: datetime | None) -> str:
    if midnight is None:
        return clock(seconds, has_tenths=True)
    return f"{midnight + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"


def _shortened(name: str, most: int = 26) -> str:
    text = name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
    # Plotly takes these for markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
