"""What more labels would bring, and which ones to make next."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

from vidmem.figures.teaching.reading import ReadReport, Report
from vidmem.figures.theme import ThemeName, empty_figure, new_figure, theme_of
from vidmem.units import clock_range, span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "What more labels would bring"
NOT_MEASURED = "It was not found out: a correction leaves it out."
BESIDE = 1.2
"""Times less and more labels than the curve has: room beside its ends."""

MOST_NAMED = 3
"""Stretches to label next, in words under the title."""


def learning_curve_figure(
    report: Report, *, axis: str | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw macro-F1 of the linear head from fewer labels: mean, lowest and highest of some draws.

    Under the title stands what to label next: where the model is in most doubt.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    points = read.values["learning_curve"]
    about = [read.axis_words, *_next_lines(read)]
    if not points:
        return empty_figure(shades, TITLE, *about, says=NOT_MEASURED)
    figure = new_figure(shades, TITLE, *about)
    seconds = [one["seconds"] for one in points]
    low, mean, high = (
        [one[name][read.index] for one in points] for name in ("lowest", "macro_f1", "highest")
    )
    figure.add_scatter(
        x=[*seconds, *reversed(seconds)],
        y=[*high, *reversed(low)],
        fill="toself",
        fillcolor=shades.colours[0],
        opacity=0.2,
        mode="none",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=seconds,
        y=mean,
        mode="lines+markers",
        line={"color": shades.colours[0], "width": 2.2},
        marker={"size": 7},
        hovertext=[
            f"from {span(at)} of labels: {value:.2f} ({least:.2f} to {most:.2f})"
            for at, value, least, most in zip(seconds, mean, low, high, strict=True)
        ],
        hoverinfo="text",
    )
    figure.update_xaxes(
        type="log",
        range=[log10(seconds[0] / BESIDE), log10(seconds[-1] * BESIDE)],
        tickvals=seconds,
        ticktext=[span(at) for at in seconds],
        tickangle=0,
        title_text="labels",
    )
    figure.update_yaxes(
        range=[0, 1.02], showgrid=True, gridcolor=shades.line, title_text="macro-F1, linear head"
    )
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + 240)
    return figure


def _next_lines(read: ReadReport) -> list[str]:
    found = read.values["label_next"][:MOST_NAMED]
    if not found:
        return []
    return [
        "To label next, where it is in most doubt:",
        *(
            f"{one['video']}, {clock_range(one['start_seconds'], one['end_seconds'])} "
            f"({one['doubt']:.0%} in doubt)"
            for one in found
        ),
    ]
