"""A few shares as bars, beside the picture that they are of: probabilities, or scores."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from vidmem.figures.pictures import picture_address
from vidmem.figures.theme import ThemeName, new_figure, theme_of
from vidmem.units import MINUS
from vidmem.video import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW_PIXELS = 24
PICTURE_SHARE = 0.38
"""Of the width, where there is a picture."""

TEXT_ROOM = 1.18
"""Where the axis ends: a bar of 1 has its number behind it."""

UNDEFINED = "undefined"


def shares_figure(
    shares: Mapping[str, float | None],
    title: str,
    *lines: str,
    picture: Picture | ArrayLike | None = None,
    marked: str | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw a bar for each share, in order from above.

    Args:
        shares: From 0 to 1, or down to -1, by name; `None`: undefined, which is said.
        title: What is shown.
        lines: Smaller, under the title.
        picture: What they are of: one of a video, or uint8 `[H, W, 3]`.
        marked: The name of the one in the colour of what was picked, such as the right answer.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    figure = new_figure(colours, title, *lines)
    names, values = list(shares), list(shares.values())
    figure.add_bar(
        orientation="h",
        x=[value or 0.0 for value in values],
        y=list(range(len(names))),
        marker={
            "color": [colours.mark if name == marked else colours.colours[0] for name in names]
        },
        text=[_shown(value) for value in values],
        textposition="outside",
        textfont={"color": colours.ink},
        cliponaxis=False,
        hovertext=[f"{escape(name)}: {_shown(shares[name])}" for name in names],
        hoverinfo="text",
    )
    lowest = min([0.0, *(value for value in values if value is not None)])
    figure.update_xaxes(
        range=[lowest * TEXT_ROOM, TEXT_ROOM],
        tickvals=[tick for tick in (-1, -0.5, 0, 0.5, 1) if tick >= lowest],
        showgrid=True,
        gridcolor=colours.line,
        domain=[0 if picture is None else PICTURE_SHARE, 1],
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[escape(name) for name in names],
        range=[len(names) - 0.5, -0.5],
    )
    if picture is not None:
        figure.add_layout_image(
            source=picture_address(picture),
            xref="paper",
            yref="paper",
            x=0,
            y=1,
            sizex=PICTURE_SHARE - 0.18,
            sizey=1,
            sizing="contain",
            xanchor="left",
            yanchor="top",
        )
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + ROW_PIXELS * max(len(names), 4) + 40)
    return figure


def _shown(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.2f}".replace("-", MINUS)
