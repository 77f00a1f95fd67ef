"""The model beside its baselines, and with less memory: macro-F1 as bars."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from vidmem.figures.labels.lanes import set_lanes
from vidmem.figures.teaching.reading import OUTSIDE_ROOM, CandidateScore, ReadReport, Report, number
from vidmem.figures.theme import Swatch, Theme, ThemeName, empty_figure, new_figure, theme_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TITLE, MEMORY_TITLE = "Macro-F1 beside the baselines", "Macro-F1 with less memory"
NO_MEMORY = "Nothing was tried with less memory."
DASH = "\N{BOX DRAWINGS LIGHT TRIPLE DASH HORIZONTAL}"


def candidates_figure(
    report: Report, *, axis: str | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw macro-F1 of the model and of all that it is held against, with intervals.

    A dashed line is where one gets who names the most common class always. Of a correction the
    earlier model is among them.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    model, *others = read.values["candidates"]
    earlier = read.values.get("earlier")
    rows = [read.score_of(model, f"{model['title']} (the model)")]
    rows += [] if earlier is None else [read.score_of(earlier, "the model before")]
    rows += [read.score_of(one, one["title"]) for one in others]
    majority = read.score["majority"]["macro_f1_with_none"]
    legend = [Swatch("the model", shades.colours[0]), Swatch("others", shades.hatch)]
    if majority is not None:
        words = f"always the most common: {number(majority)}"
        legend.append(Swatch(words, shades.mark, symbol=DASH))
    figure = new_figure(shades, TITLE, read.axis_words, legend=legend)
    _draw(figure, rows, shades)
    if majority is not None:
        figure.add_scatter(
            x=[majority, majority],
            y=[-0.5, len(rows) - 0.5],
            mode="lines",
            line={"color": shades.mark, "width": 2, "dash": "dash"},
            hoverinfo="skip",
        )
    return figure


def less_memory_figure(
    report: Report, *, axis: str | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw macro-F1 of the model with its memory off, half and full.

    Args:
        report: Of a taught model, or what `vidmem.teaching.read_report` gives of one.
        axis: Whose behaviours; None: the first axis.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such axis or theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades, read = theme_of(theme), ReadReport.of(report, axis)
    memory = read.values["memory"]
    if not memory["rows"]:
        return empty_figure(shades, MEMORY_TITLE, read.axis_words, says=NO_MEMORY)
    rows = [
        CandidateScore(one["words"], one["macro_f1"][read.index], None, None)
        for one in reversed(memory["rows"])
    ]
    figure = new_figure(shades, MEMORY_TITLE, read.axis_words, memory["of"])
    _draw(figure, rows, shades)
    return figure


def _draw(figure: Figure, rows: Sequence[CandidateScore], theme: Theme) -> None:
    """Bars under each other; the first is the model's."""
    figure.add_bar(
        orientation="h",
        x=[one.value or 0.0 for one in rows],
        y=list(range(len(rows))),
        marker={"color": [theme.colours[0], *[theme.hatch] * (len(rows) - 1)]},
        error_x=_intervals(rows, theme),
        hovertext=[f"{escape(one.title)}: {_words(one)}" for one in rows],
        hoverinfo="text",
    )
    for at, one in enumerate(rows):
        figure.add_annotation(
            x=max(one.value or 0.0, one.high or 0.0),
            y=at,
            text=number(one.value),
            showarrow=False,
            xanchor="left",
            xshift=6,
            font={"color": theme.ink, "size": 12},
        )
    set_lanes(figure, [one.title for one in rows], theme)
    figure.update_xaxes(
        range=[0, OUTSIDE_ROOM - 0.25],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        showgrid=True,
        gridcolor=theme.line,
        title_text="macro-F1",
    )


def _intervals(rows: Sequence[CandidateScore], theme: Theme) -> dict[str, Any]:
    above = [0.0 if one.high is None else max(0.0, one.high - (one.value or 0.0)) for one in rows]
    below = [0.0 if one.low is None else max(0.0, (one.value or 0.0) - one.low) for one in rows]
    return {
        "type": "data",
        "visible": any(one.high is not None for one in rows),
        "array": above,
        "arrayminus": below,
        "symmetric": False,
        "color": theme.ink,
        "thickness": 1.5,
        "width": 4,
    }


def _words(one: CandidateScore) -> str:
    if one.low is None or one.high is None:
        return number(one.value)
    return f"{number(one.value)} ({one.low:.2f} to {one.high:.2f} with 95 % probability)"
