"""The footprint of a run over time, how full its memory was, and what happened when.

Seconds lie below, the clips judged by then above. A line is the mean of each stretch of time that
the timeline keeps, the band around it the least and the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vidmem.figures.cost.footprint_events import draw_events, event_swatches
from vidmem.figures.cost.time_axis import clip_ticks, second_ticks
from vidmem.figures.theme import (
    Swatch,
    Theme,
    ThemeName,
    empty_figure,
    graph_objects,
    new_figure,
    theme_of,
)
from vidmem.profiling import FootprintRecord, Slope
from vidmem.units import clock, memory_size, memory_unit, span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "Memory over time"
MAX_POINTS = 300
"""Points of a line: about one for every three pixels."""

GAP_PIXELS, STRIP_PIXELS = 34, 20
CLIPS_PIXELS, SECONDS_PIXELS = 38, 46
"""For the ticks and the title of the axes above and below."""

DASHES = "\N{BOX DRAWINGS HEAVY TRIPLE DASH HORIZONTAL}"


@dataclass(frozen=True)
class _Line:
    """One figure of the record, as drawn."""

    name: str
    words: str
    colour: int
    is_step: bool = False
    is_dashed: bool = False

    def swatch(self, theme: Theme) -> Swatch:
        """Its entry in the legend."""
        colour = theme.colours[self.colour]
        return (
            Swatch(self.words, colour, symbol=DASHES)
            if self.is_dashed
            else Swatch(self.words, colour)
        )


@dataclass(frozen=True)
class _Panel:
    """Figures that share a vertical axis."""

    words: str
    lines: tuple[_Line, ...]
    pixels: int
    is_in_bytes: bool = True


_HOST = _Panel(
    "Main memory",
    (_Line("process_bytes", "process", 0), _Line("decoder_bytes", "decoder", 1)),
    240,
)
_GPU = _Panel(
    "GPU memory",
    (
        _Line("device_bytes", "device, all processes", 4),
        _Line("device_process_bytes", "this process, by the driver", 3),
        _Line("reserved_bytes", "reserved by torch", 2),
        _Line("allocated_bytes", "allocated", 5),
        _Line("peak_allocated_bytes", "peak allocated", 5, is_step=True, is_dashed=True),
        _Line("peak_reserved_bytes", "peak reserved", 2, is_step=True, is_dashed=True),
    ),
    240,
)
_STATE = _Panel("State of the stream", (_Line("state_bytes", "", 2, is_step=True),), 62)
_QUEUE = _Panel(
    "Clips remembered",
    (_Line("l_mem", "", 3, is_step=True, is_dashed=True), _Line("held_clips", "", 3, is_step=True)),
    62,
    is_in_bytes=False,
)


def footprint_figure(record: FootprintRecord, *, theme: ThemeName = "light") -> Figure:
    """Draw the footprint of a run over time, with its slope after the warm-up.

    Figures that were not measured, such as those of a GPU on a machine without one, are left out.

    Args:
        record: From `vidmem.profiling.FootprintTimeline`.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours, names = theme_of(theme), set(record.names)
    if not names:
        return empty_figure(colours, TITLE, says="Nothing was measured yet.")
    panels = [p for p in (_HOST, _GPU, _STATE, _QUEUE) if names & {one.name for one in p.lines}]
    slope = record.slope()
    record = replace(record, spans=record.spans.joined(MAX_POINTS))
    figure = new_figure(
        colours, TITLE, slope_words(record, slope), legend=_legend(record, panels, colours)
    )
    domains = _lay_out(figure, panels)
    for number, panel in enumerate(panels, 1):
        _draw_panel(figure, record, panel, number, colours)
        _title_panel(figure, record, panel, domains[number - 1][1], colours)
    if _HOST in panels:
        _draw_warm_up(figure, record, slope, colours)
    draw_events(figure, record.events, len(panels) + 1, colours)
    _set_times(figure, record, len(panels) + 1)
    return figure


def slope_words(record: FootprintRecord, slope: Slope | None) -> str:
    """The slope of the process's memory in a sentence, or how long until there is one."""
    if slope is None:
        due = record.slope_due_seconds
        return f"No slope yet: the first comes after the warm-up, in {span(max(1.0, due))}"
    return f"Process, {slope} over {span(slope.num_seconds)}"


def _legend(record: FootprintRecord, panels: Sequence[_Panel], theme: Theme) -> list[Swatch]:
    lines = [line for panel in panels for line in panel.lines if line.name in record.names]
    return [
        *(line.swatch(theme) for line in lines if line.words),
        Swatch("slope", theme.ink, symbol=DASHES),
        Swatch("warm-up", theme.hatch),
        *event_swatches(record.events, theme),
    ]


def _lay_out(figure: Figure, panels: Sequence[_Panel]) -> list[tuple[float, float]]:
    """Give each panel its share of the height, the first at the top, and the events a strip."""
    inside = STRIP_PIXELS + sum(panel.pixels + GAP_PIXELS for panel in panels)
    top, domains = 1 - STRIP_PIXELS / inside, []
    for panel in panels:
        top -= GAP_PIXELS / inside
        domains.append((max(0.0, top - panel.pixels / inside), top))
        top -= panel.pixels / inside
    layout: Any = figure.layout
    top_margin = layout.margin.t + CLIPS_PIXELS
    figure.update_layout(height=inside + top_margin + SECONDS_PIXELS, margin_t=top_margin)
    for number, domain in enumerate(domains, 1):
        figure.update_layout({f"yaxis{number}": {"domain": list(domain)}})
    strip = {"domain": [1 - STRIP_PIXELS / inside, 1], "range": [-1, 1], "visible": False}
    figure.update_layout({f"yaxis{len(panels) + 1}": strip})
    return domains


def _draw_panel(
    figure: Figure, record: FootprintRecord, panel: _Panel, number: int, theme: Theme
) -> None:
    lines = [line for line in panel.lines if line.name in record.names]
    most = max(float(np.nanmax(record.series(line.name).high)) for line in lines)
    size, unit = memory_unit(most) if panel.is_in_bytes else (1, "")
    for line in lines:
        _draw_line(figure, record, line, number, (size, unit), theme)
    ticks = {"nticks": 5} if panel.pixels > 100 else {"tickvals": [0, _rounded(most / size)]}
    grid = {
        "showgrid": True,
        "gridcolor": theme.line,
        "zeroline": True,
        "zerolinecolor": theme.line,
    }
    axis = {"range": [0, max(most / size, 1e-9) * 1.12], **ticks, **grid, "fixedrange": True}
    figure.update_layout({f"yaxis{number}": axis})


def _draw_line(
    figure: Figure,
    record: FootprintRecord,
    line: _Line,
    number: int,
    scale: tuple[int, str],
    theme: Theme,
) -> None:
    go, (size, unit) = graph_objects(), scale
    colour, axis = theme.colours[line.colour], f"y{number}"
    low, mean, high = (_shown(part / size) for part in _parts(record, line.name))
    seconds = np.round(record.spans.mean_seconds, 2)
    shape = {"shape": "hv"} if line.is_step else {}
    if not line.is_step and not np.array_equal(low, high, equal_nan=True):
        is_known = ~np.isnan(mean)
        around = [
            np.concatenate([x[is_known], y[is_known][::-1]])
            for x, y in ((seconds, seconds), (high, low))
        ]
        band = {"x": around[0], "y": around[1], "fill": "toself", "fillcolor": colour}
        figure.add_trace(
            go.Scatter(
                **band, mode="lines", opacity=0.22, line={"width": 0}, hoverinfo="skip", yaxis=axis
            )
        )
    figure.add_trace(
        go.Scatter(
            x=seconds,
            y=high if line.is_step else mean,  # what is exact has no mean
            yaxis=axis,
            mode="lines",
            line={
                "color": colour,
                "width": 1.8,
                "dash": "dot" if line.is_dashed else None,
                **shape,
            },
            hovertext=_hover(record, line, (low, mean, high), unit),
            hoverinfo="text",
        )
    )


def _parts(record: FootprintRecord, name: str) -> tuple[NDArray[np.float64], ...]:
    mean, low, high = record.series(name)
    return low, mean, high


def _hover(
    record: FootprintRecord, line: _Line, parts: tuple[NDArray[np.float64], ...], unit: str
) -> list[str]:
    clips = record.series("num_clips").high
    words = []
    for seconds, clip, low, mean, high in zip(record.spans.end_seconds, clips, *parts, strict=True):
        when = clock(seconds) + ("" if np.isnan(clip) else f" · clip {clip:,.0f}")
        name = line.words or line.name.replace("_", " ").removesuffix(" bytes")
        amount = f"{high if line.is_step else mean:,.5g} {unit}".strip()
        extent = "" if low == high else f"<br>from {low:,.5g} to {high:,.5g}"
        words.append(f"<b>{name} {amount}</b>{extent}<br>{when}")
    return words


def _title_panel(
    figure: Figure, record: FootprintRecord, panel: _Panel, top: float, theme: Theme
) -> None:
    figure.add_annotation(
        text=_panel_words(record, panel),
        showarrow=False,
        x=0,
        xref="paper",
        xanchor="left",
        y=top,
        yref="paper",
        yanchor="bottom",
        yshift=2,
        font={"size": 12, "color": theme.dim},
        bgcolor=theme.card,  # over the lines of events
        borderpad=0,
    )


def _panel_words(record: FootprintRecord, panel: _Panel) -> str:
    """What a panel shows, with the newest of it where that is exact."""
    now = record.newest
    if panel is _STATE:
        fixed = record.series("state_bytes")
        is_same = np.nanmin(fixed.low) == np.nanmax(fixed.high)
        always = ", the same all along" if is_same else ""
        return f"{panel.words}: {memory_size(now.state_bytes or 0)}{always}"
    if panel is _QUEUE:
        evicted = f" · {now.num_evicted:,} evicted" if now.num_evicted else ""
        return f"{panel.words}: {now.held_clips} of {now.l_mem}{evicted}"
    most = max(
        float(np.nanmax(record.series(one.name).high))
        for one in panel.lines
        if one.name in record.names
    )
    return f"{panel.words}, {memory_unit(most)[1]}"


def _draw_warm_up(
    figure: Figure, record: FootprintRecord, slope: Slope | None, theme: Theme
) -> None:
    """Shade the time that the slope leaves out, and draw the slope as a line."""
    size, unit = memory_unit(float(np.nanmax(record.series("process_bytes").high)))
    figure.add_shape(
        type="rect",
        x0=record.warm_up_began_seconds,
        x1=min(record.settled_seconds, record.end_seconds),
        y0=0,
        y1=1,
        xref="x",
        yref="y domain",
        fillcolor=theme.well,
        opacity=0.6,
        line={"width": 0},
        layer="below",
    )
    if slope is None:
        return
    along = slope.bytes_per_hour / 3600 * slope.num_seconds
    ends = [slope.at_start_bytes / size, (slope.at_start_bytes + along) / size]
    figure.add_trace(
        graph_objects().Scatter(
            x=[slope.from_seconds, slope.to_seconds],
            y=ends,
            yaxis="y",
            mode="lines",
            line={"color": theme.ink, "width": 1.4, "dash": "dash"},
            hovertext=f"{slope}<br>from {ends[0]:,.5g} to {ends[1]:,.5g} {unit}",
            hoverinfo="text",
        )
    )


def _set_times(figure: Figure, record: FootprintRecord, number: int) -> None:
    """Seconds below the lowest panel, clips above the events."""
    end = max(record.end_seconds, 1.0)
    both = {"range": [-0.015 * end, 1.015 * end], "fixedrange": True}
    figure.update_layout(
        xaxis={
            **both,
            **second_ticks(end),
            "anchor": f"y{number - 1}",
            "title_text": "running time",
        },
        xaxis2={
            **both,
            **clip_ticks(record),
            "anchor": f"y{number}",
            "side": "top",
            "overlaying": "x",
            "title_text": "clips judged",
            "title_standoff": 2,
        },
    )


def _shown(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.round(values, 3)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
