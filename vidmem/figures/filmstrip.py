"""Pictures side by side, each with its name: what was watched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from vidmem.figures.pictures import aspect_of, columns_for, picture_address
from vidmem.figures.theme import ThemeName, empty_figure, new_figure, theme_of
from vidmem.video import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FIGURE_PIXELS = 760
"""Width that heights are worked out for: about that of a cell of a notebook."""

MOST_IN_A_ROW = 8
LINE_PIXELS = 13
"""Of a name under a picture."""

GAP = 0.04
"""Between pictures, of their width."""

NOTHING = "There are no pictures."


def filmstrip_figure(
    pictures: Sequence[Picture | ArrayLike],
    names: Sequence[str],
    *,
    title: str = "",
    theme: ThemeName = "light",
) -> Figure:
    """Draw pictures in a row, or in as many rows as they need, with a name under each.

    Args:
        pictures: In order: those of `vidmem.video.PictureReader`, or uint8 `[H, W, 3]`; all of
            one shape.
        names: One for each; a line break in it begins a second line.
        title: Of the figure.
        theme: Colours, `light` or `dark`.

    Raises:
        ValueError: If there are not as many names as pictures.
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    if len(pictures) != len(names):
        raise ValueError(f"got {len(pictures)} pictures and {len(names)} names: give one for each")
    if not pictures:
        return empty_figure(colours, title, says=NOTHING)
    columns = len(pictures) if len(pictures) <= MOST_IN_A_ROW else columns_for(len(pictures))
    rows = -(-len(pictures) // columns)
    width = FIGURE_PIXELS / columns
    lines = 1 + max(name.count("\n") for name in names)
    # In widths of a picture, which is what the axes count in.
    height, below = aspect_of(pictures[0]), (LINE_PIXELS * lines + 8) / width
    figure = new_figure(colours, title)
    for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        row, column = divmod(number, columns)
        top = row * (height + below)
        figure.add_layout_image(
            source=picture_address(picture),
            x=column,
            y=top,
            sizex=1 - GAP,
            sizey=height,
            xref="x",
            yref="y",
            sizing="stretch",
        )
        figure.add_annotation(
            text=escape(name).replace("\n", "<br>"),
            showarrow=False,
            x=column,
            y=top + height,
            xanchor="left",
            yanchor="top",
            align="left",
            borderpad=0,
            font={"color": colours.dim, "size": 10},
        )
    figure.update_xaxes(
        range=[0, columns - GAP], visible=False, constrain="domain", constraintoward="left"
    )
    figure.update_yaxes(
        range=[rows * (height + below), 0],
        visible=False,
        scaleanchor="x",
        constrain="domain",
        constraintoward="top",
    )
    # Without a trace Plotly draws axes of its own choice.
    figure.add_scatter(x=[0], y=[0], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    layout: Any = figure.layout
    figure.update_layout(height=layout.margin.t + 12 + round(width * rows * (height + below)))
    return figure
