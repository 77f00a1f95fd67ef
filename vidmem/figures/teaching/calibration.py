"""Whether probabilities come true."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from vidmem.figures.teaching.reading import ReadReport, Report
from vidmem.figures.theme import ThemeName, empty_figure, new_figure, theme_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "How sure it is, and how often it is right"
NOTHING = "Nothing was left to test with."
MOST_PIXELS = 34
"""Of the disc of all moments."""


def calibration_figure(
    report: Report, *, axis: str | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw how often the model is right where it is so sure: on the line, probabilities come true.

    A disc is as large as its share of the time kept to test with.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    own = read.values["calibration"][read.index]
    bins = own.get("bins", [])
    if not bins:
        return empty_figure(shades, TITLE, read.axis_words, says=NOTHING)
    guess = own["estimated_accuracy"]
    figure = new_figure(
        shades,
        TITLE,
        read.axis_words,
        f"Off by {own['error']:.0%} on average, with logits divided by {own['temperature']:.2f}.",
        "" if guess is None else f"Of unlabelled time about {guess:.0%} is named rightly.",
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": shades.dim, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[one["probability"] for one in bins],
        y=[one["right"] for one in bins],
        mode="markers",
        marker={
            "size": [6 + MOST_PIXELS * sqrt(one["share"]) for one in bins],
            "color": shades.colours[0],
            "opacity": 0.85,
            "line": {"color": shades.card, "width": 1},
        },
        cliponaxis=False,
        hovertext=[
            f"{one['probability']:.0%} sure: right in {one['right']:.0%}, {one['share']:.0%} of "
            "the time"
            for one in bins
        ],
        hoverinfo="text",
    )
    grid: dict[str, Any] = {
        "range": [0, 1],
        "tickformat": ".0%",
        "showgrid": True,
        "gridcolor": shades.line,
    }
    figure.update_xaxes(**grid, title_text="probability of what it names")
    figure.update_yaxes(**grid, title_text="right")
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + 300)
    return figure
