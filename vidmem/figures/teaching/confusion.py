"""Who was taken for whom: labelled time by what was predicted there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from vidmem.figures.teaching.reading import ReadReport, Report
from vidmem.figures.theme import Ramp, ThemeName, empty_figure, new_figure, theme_of
from vidmem.units import span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE = "What was taken for what"
NOTHING = "Nothing was left to test with."
CELL_PIXELS = 46


def confusion_figure(
    report: Report, *, axis: str | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw the confusion matrix: seconds in each cell, coloured by their share of the row.

    Classes that neither the labels nor the predictions have are left out. `customdata` of a cell
    are its seconds.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    names, seconds = read.score["class_names"], read.score["confusion_seconds"]
    columns = list(zip(*seconds, strict=True))
    used = [at for at in range(len(names)) if any(seconds[at]) or any(columns[at])]
    if not used:
        return empty_figure(shades, TITLE, read.axis_words, says=NOTHING)
    cells = [[seconds[row][column] for column in used] for row in used]
    shares = [[cell / sum(row) if sum(row) else 0.0 for cell in row] for row in cells]
    shown = [escape(names[at]) for at in used]
    figure = new_figure(
        shades,
        TITLE,
        read.axis_words,
        "Seconds of the time kept to test with.",
        legend=[Ramp("0 % of what is labelled so", "100 %", shades.sequential[::3])],
    )
    figure.add_heatmap(
        z=shares,
        x=list(range(len(used))),
        y=list(range(len(used))),
        zmin=0,
        zmax=1,
        colorscale=_scale(shades.sequential),
        showscale=False,
        xgap=2,
        ygap=2,
        text=[[f"{cell:.1f}" for cell in row] for row in cells],
        texttemplate="%{text}",
        customdata=cells,
        hovertext=[
            [
                f"{shown[row]} taken for {shown[column]}: {span(cell)}, {shares[row][column]:.0%}"
                for column, cell in enumerate(own)
            ]
            for row, own in enumerate(cells)
        ],
        hoverinfo="text",
    )
    ticks = {"tickvals": list(range(len(used))), "ticktext": shown, "tickangle": 0}
    figure.update_xaxes(**ticks, title_text="predicted")
    figure.update_yaxes(**ticks, title_text="labelled", autorange="reversed")
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + CELL_PIXELS * len(used) + 60)
    return figure


def _scale(colours: tuple[str, ...]) -> list[tuple[float, str]]:
    return [(at / (len(colours) - 1), colour) for at, colour in enumerate(colours)]
