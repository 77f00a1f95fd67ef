"""Maps laid over pictures, in panels side by side."""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from vidmem.figures.theme import Theme, graph_objects
from vidmem.video import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

USUAL_ASPECT = 9 / 16
"""Height by width of a panel without a picture."""

NAME_PIXELS = 16
"""Above each panel, for its name."""

USUAL_PIXELS = 170
"""Height of the plot that the room for names is worked out from."""

OPACITY = 0.62
"""Of a map over a picture."""

GAP = 0.015
"""Between panels, of the figure's width."""

MAX_PIXELS = 480
"""A side of a picture as it is sent."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A map over one picture."""

    name: str

    values: np.ndarray
    """`[rows, columns]`."""

    hover: list[list[str]]
    """What each cell says on hover."""

    picture: Picture | ArrayLike | None = None
    """One of a video, or uint8 `[H, W, 3]`."""

    extent: tuple[float, float] = (1.0, 1.0)
    """Heights and widths of the picture that the map covers."""

    customdata: Any = None
    """`customdata` of each of its cells, for clicks."""


def draw_panels(
    figure: Figure,
    panels: Sequence[Panel],
    theme: Theme,
    *,
    is_translucent: bool = False,
    **colouring: Any,
) -> None:
    """Lay panels out in rows, as large as they fit.

    Args:
        figure: Without traces.
        panels: In order.
        theme: Colours.
        is_translucent: Whether the colours of the maps let a picture through by themselves.
        colouring: Of all maps: `zmin`, `zmax` and `colorscale`.
    """
    columns = columns_for(len(panels))
    colouring["opacity"] = 1 if is_translucent else OPACITY
    rows = -(-len(panels) // columns)
    room = NAME_PIXELS / USUAL_PIXELS
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left, right = column / columns, (column + 1) / columns - GAP * (columns > 1)
        top = 1 - row / rows
        domains = ([left, right], [max(0.0, top - 1 / rows), top - room])
        _add_panel(figure, panel, number, domains, theme, colouring)


def columns_for(num_panels: int) -> int:
    """Panels in a row: a figure is wider than it is high."""
    if num_panels <= 3:
        return num_panels
    rows = -(-num_panels // math.ceil(math.sqrt(num_panels * 2.5)))
    return -(-num_panels // rows)


def picture_address(pixels: Picture | ArrayLike) -> str:
    """A picture as a data URL (JPEG): one of a video as it is, or uint8 `[H, W, 3]`."""
    if isinstance(pixels, Picture):
        return f"data:image/jpeg;base64,{b64encode(pixels.jpeg).decode()}"
    picture = Image.fromarray(np.asarray(pixels, dtype=np.uint8))
    picture.thumbnail((MAX_PIXELS, MAX_PIXELS))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"


def aspect_of(picture: Picture | ArrayLike) -> float:
    """Height by width of a picture: one of a video, or `[H, W, 3]`."""
    if isinstance(picture, Picture):
        return picture.height / picture.width
    height, width = np.shape(picture)[:2]
    return height / width


def _add_panel(
    figure: Figure,
    panel: Panel,
    number: int,
    domains: tuple[list[float], list[float]],
    theme: Theme,
    colouring: dict[str, Any],
) -> None:
    mark = str(number + 1) if number else ""
    across, down = f"x{mark}", f"y{mark}"
    whole = {"xref": across, "yref": down, "x": 0, "y": 0, "sizex": 1, "sizey": 1}
    if panel.picture is not None:
        address = picture_address(panel.picture)
        figure.add_layout_image(source=address, sizing="stretch", layer="below", **whole)
    figure.add_trace(_map(panel, (across, down), colouring))
    figure.update_layout(
        {
            f"xaxis{mark}": {
                "domain": domains[0],
                "anchor": down,
                "range": [0, 1],
                "constrain": "domain",
                "constraintoward": "left",
                "visible": False,
            },
            f"yaxis{mark}": {
                "domain": domains[1],
                "anchor": across,
                "range": [1, 0],
                "scaleanchor": across,
                "scaleratio": USUAL_ASPECT if panel.picture is None else aspect_of(panel.picture),
                "constrain": "domain",
                "constraintoward": "top",
                "visible": False,
            },
        }
    )
    figure.add_annotation(
        text=panel.name,
        showarrow=False,
        xref=f"{across} domain",
        yref=f"{down} domain",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        borderpad=0,
        font={"color": theme.dim, "size": 10},
    )


def _map(panel: Panel, axes: tuple[str, str], colouring: dict[str, Any]) -> Any:
    rows, columns = panel.values.shape
    height, width = panel.extent
    if panel.picture is None:
        colouring = {**colouring, "opacity": 1}
    return graph_objects().Heatmap(
        z=panel.values,
        x0=width / columns / 2,
        dx=width / columns,
        y0=height / rows / 2,
        dy=height / rows,
        xaxis=axes[0],
        yaxis=axes[1],
        showscale=False,
        customdata=[[panel.customdata] * columns for _ in range(rows)],
        hovertext=panel.hover,
        hoverinfo="text",
        **colouring,
    )
