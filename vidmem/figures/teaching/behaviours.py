"""How well each behaviour is found, beside how much of it was there to be tested with."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from vidmem.figures.labels.lanes import set_lanes
from vidmem.figures.teaching.reading import OUTSIDE_ROOM, ReadReport, Report, number
from vidmem.figures.theme import ThemeName, empty_figure, new_figure, theme_of
from vidmem.units import span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "F1 of each behaviour"
NOTHING = "Nothing was left to test with."


def behaviour_f1_figure(
    report: Report,
    colours: Mapping[str, str] | None = None,
    *,
    axis: str | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw F1 of each behaviour on the time kept to test with, and how long it is labelled there.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        colours: Of behaviours, by name; None: those that they get by default.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    rows = read.score["per_class"]
    if not rows:
        return empty_figure(shades, TITLE, read.axis_words, says=NOTHING)
    figure = new_figure(
        shades, TITLE, read.axis_words, "With each, how long it is labelled in the time tested."
    )
    painted = read.colours(colours, shades.hatch)
    figure.add_bar(
        orientation="h",
        x=[row["f1"] or 0.0 for row in rows],
        y=list(range(len(rows))),
        marker={"color": [painted.get(row["behaviour"], shades.dim) for row in rows]},
        text=[f"{number(row['f1'])} · {_labelled(row)}" for row in rows],
        textposition="outside",
        textfont={"color": shades.ink},
        cliponaxis=False,
        hovertext=[
            f"{escape(row['behaviour'])}: precision {number(row['precision'])}, recall "
            f"{number(row['recall'])}, {row['num_bouts']} bouts labelled, "
            f"{row['num_predicted_bouts']} predicted"
            for row in rows
        ],
        hoverinfo="text",
    )
    set_lanes(figure, [row["behaviour"] for row in rows], shades)
    figure.update_xaxes(
        range=[0, OUTSIDE_ROOM],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        showgrid=True,
        gridcolor=shades.line,
        title_text="F1",
    )
    return figure


def _labelled(row: Mapping[str, float]) -> str:
    seconds = row["support_seconds"]
    return span(seconds) if seconds else "not in the time tested"
