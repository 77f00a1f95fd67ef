"""An ablation as one picture: curves over what scores are numbered by, or points."""

from __future__ import annotations

import math
import re
from html import escape
from typing import TYPE_CHECKING, Any

from vidmem.evaluation.ablation import AblationRow, AblationTable, SeedMean
from vidmem.figures.theme import Swatch, Theme, ThemeName, empty_figure, new_figure, theme_of
from vidmem.units import visible

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "diamond")
IN_LEGEND = ("\N{BLACK CIRCLE}", "\N{BLACK SQUARE}", "\N{BLACK DIAMOND}")
ROW_PIXELS = 26
"""Height of a row of points."""

INTERVALS = "whiskers: 95 % intervals over seeds (Student's t)"


def ablation_figure(
    table: AblationTable, *, curve: str = "", curve_title: str = "", theme: ThemeName = "light"
) -> Figure:
    """Draw the table of an ablation.

    Args:
        table: What is drawn: its shown columns.
        curve: Scores called this and a number are points of a line for each row, over that
            number; empty, or no such scores: each row has a point for each score.
        curve_title: What the number is.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    shades = theme_of(theme)
    if not any(row.scores for row in table.rows):
        return empty_figure(shades, table.title, table.note, says="No run ended well.")
    numbered = _numbered(table.shown_columns, curve)
    if numbered:
        return _curves(table, numbered, curve_title or curve, shades)
    return _points(table, shades)


def _numbered(columns: tuple[str, ...], curve: str) -> dict[str, int]:
    """Scores called `curve` and a number, with that number."""
    found = {name: re.fullmatch(re.escape(curve) + r"(\d+)", name) for name in columns if curve}
    return {name: int(match[1]) for name, match in found.items() if match}


def _curves(table: AblationTable, numbered: dict[str, int], title: str, shades: Theme) -> Figure:
    swatches = [
        Swatch(visible(row.name), _colour(shades, number), symbol=_style(shades, number, IN_LEGEND))
        for number, row in enumerate(table.rows)
    ]
    figure = new_figure(shades, table.title, table.note, INTERVALS, legend=swatches)
    for number, row in enumerate(table.rows):
        cells = {name: table.cell(row, name) for name in numbered}
        there = {name: cell for name, cell in cells.items() if cell is not None}
        colour = _colour(shades, number)
        figure.add_scatter(
            x=[numbered[name] for name in there],
            y=[cell.mean for cell in there.values()],
            error_y=_whiskers(list(there.values()), colour),
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": _style(shades, number, DASHES)},
            marker={"size": 7, "symbol": _style(shades, number, SYMBOLS)},
            name=visible(row.name),
            hovertext=[_hover(row, name, cell) for name, cell in there.items()],
            hoverinfo="text",
        )
    figure.update_xaxes(title_text=title, tickvals=sorted(numbered.values()))
    figure.update_yaxes(range=[0, 1.04], showgrid=True, gridcolor=shades.line)
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + 300)
    return figure


def _points(table: AblationTable, shades: Theme) -> Figure:
    columns = table.shown_columns
    swatches = [
        Swatch(visible(name), _colour(shades, number), symbol=_style(shades, number, IN_LEGEND))
        for number, name in enumerate(columns)
    ]
    figure = new_figure(shades, table.title, table.note, INTERVALS, legend=swatches)
    names = [escape(visible(row.name)) for row in table.rows]
    for number, column in enumerate(columns):
        cells = [(place, row, table.cell(row, column)) for place, row in enumerate(table.rows)]
        there = [(place, row, cell) for place, row, cell in cells if cell is not None]
        # Beside each other, or the whiskers of a row would lie on one another.
        shift = (number - (len(columns) - 1) / 2) * 0.6 / len(columns)
        colour = _colour(shades, number)
        figure.add_scatter(
            x=[cell.mean for _, _, cell in there],
            y=[place + shift for place, _, _ in there],
            error_x=_whiskers([cell for _, _, cell in there], colour),
            mode="markers",
            marker={"size": 8, "color": colour, "symbol": _style(shades, number, SYMBOLS)},
            name=visible(column),
            hovertext=[_hover(row, column, cell) for _, row, cell in there],
            hoverinfo="text",
        )
    figure.update_xaxes(showgrid=True, gridcolor=shades.line)
    figure.update_yaxes(
        range=[len(names) - 0.5, -0.5], tickvals=list(range(len(names))), ticktext=names
    )
    layout: Any = figure.layout
    per_row = ROW_PIXELS + 6 * len(columns)
    figure.update_layout(height=layout.margin.t + per_row * len(names) + 60)
    return figure


def _whiskers(cells: list[SeedMean], colour: str) -> dict[str, Any]:
    widths = [0 if math.isnan(cell.half_width) else cell.half_width for cell in cells]
    return {"type": "data", "array": widths, "color": colour, "thickness": 1, "width": 3}


def _hover(row: AblationRow, column: str, cell: SeedMean) -> str:
    interval = "" if math.isnan(cell.half_width) else f" ± {cell.half_width:.3f}"
    text = f"{row.name}: {column} {cell.mean:.3f}{interval}, {cell.num_seeds} seeds"
    return escape(visible(text))


def _colour(shades: Theme, number: int) -> str:
    return shades.colours[number % len(shades.colours)]


def _style(shades: Theme, number: int, styles: tuple[str, ...]) -> str:
    """Beyond as many as there are colours, another dash or symbol."""
    return styles[number // len(shades.colours) % len(styles)]
