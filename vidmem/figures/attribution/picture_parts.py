"""What of the picture a score rests on: cell by cell for a whole clip, and frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vidmem.figures.attribution.clip_effects import signed
from vidmem.figures.pictures import Panel, draw_panels
from vidmem.figures.theme import Ramp, Theme, ThemeName, new_figure, theme_of
from vidmem.inspection import OcclusionMap, PixelAttribution
from vidmem.inspection.attention.maps import group_edges
from vidmem.units import clock

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_PANELS = 8
MAX_ROWS, MAX_COLUMNS = 12, 20
"""Of the cells that pixels are summed over."""

AGAINST, FOR = 0, 5
"""Numbers of `Theme.colours`: blue and vermilion, which the colour-blind can tell apart."""

STEPS = (-1.0, -0.75, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Of the scale; more of them near zero, where it rises faster."""


def occlusion_figure(
    occlusion: OcclusionMap, picture: ArrayLike | None = None, *, theme: ThemeName = "light"
) -> Figure:
    """Draw how the score falls when a part of the picture is made neutral in the whole clip.

    Parts that spoke for the class are vermilion, parts against it blue; what did nothing shows the
    picture.

    Args:
        occlusion: From `vidmem.inspection.occlusion`.
        picture: A frame of the clip, uint8 `[H, W, 3]`, to lay the map over.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    values, changes = occlusion.values.numpy(), occlusion.probabilities.numpy()
    top = float(np.abs(values).max())
    figure = new_figure(
        colours,
        "What each part of the picture did",
        f"probability {occlusion.score.probability:.1%} with all of it",
        legend=[_legend(top, colours)],
    )
    hover = [
        [_part_words(value, change) for value, change in zip(*rows, strict=True)]
        for rows in zip(values.tolist(), changes.tolist(), strict=True)
    ]
    panel = Panel(name="whole clip", values=values, hover=hover, picture=picture)
    draw_panels(figure, [panel], colours, is_translucent=True, **_colouring(top, colours))
    return figure


def pixel_figure(
    attribution: PixelAttribution,
    pictures: Sequence[ArrayLike] | None = None,
    *,
    frame_seconds: ArrayLike | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw which pixels spoke for and against the class, summed over small cells.

    A panel for each frame, or for some neighbours together where there are more than 8: each adds
    up to what its frames brought. `customdata` of a cell is the number of the first of them.

    Args:
        attribution: From `vidmem.inspection.pixel_gradients`.
        pictures: The frames, uint8 `[H, W, 3]` each, to lay the maps over.
        frame_seconds: When each frame is shown.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        ValueError: If there are not as many pictures as frames.
        MissingPackageError: If Plotly is not installed.
    """
    colours, (num_frames, height, width) = theme_of(theme), attribution.values.shape
    if pictures is not None and len(pictures) != num_frames:
        raise ValueError(f"one picture for each of {num_frames} frames, got {len(pictures)}")
    cells = attribution.cells(min(height, MAX_ROWS), min(width, MAX_COLUMNS)).numpy()
    edges = group_edges(num_frames, MAX_PANELS)
    sums = np.add.reduceat(cells, edges[:-1], axis=0)
    top = float(np.abs(sums).max())
    gain = attribution.score.log_odds - attribution.neutral_score.log_odds
    error = attribution.completeness_error
    figure = new_figure(
        colours,
        "Pixels for and against",
        f"in all {signed(gain)} log-odds; their sum is off by {signed(error)}",
        legend=[_legend(top, colours)],
    )
    panels = []
    for values, first in zip(sums, edges[:-1].tolist(), strict=True):
        name = _frame_name(first, frame_seconds)
        panels.append(
            Panel(
                name=name,
                values=values,
                hover=_cell_words(name, values),
                picture=None if pictures is None else pictures[first],
                customdata=first,
            )
        )
    draw_panels(figure, panels, colours, is_translucent=True, **_colouring(top, colours))
    return figure


def _frame_name(frame: int, seconds: ArrayLike | None) -> str:
    if seconds is None:
        return f"frame {frame}"
    return clock(float(np.asarray(seconds)[frame]), has_tenths=True)


def _cell_words(name: str, values: np.ndarray) -> list[list[str]]:
    """What each cell of a frame says on hover: the frame's sum, and its own."""
    whole = f"<b>{name}: {signed(float(values.sum()))} log-odds</b>"
    return [[f"{whole}<br>here {signed(value)}" for value in row] for row in values.tolist()]


def _part_words(effect: float, change: float) -> str:
    return (
        f"<b>{signed(effect)} log-odds</b><br>"
        f"made neutral, the probability moves by {signed(-100 * change)} points"
    )


def _colouring(top: float, theme: Theme) -> dict[str, Any]:
    # Zero is clear; the further from it, the less of the picture is seen.
    scale = [((1 + at) / 2, _rgba(at, theme)) for at in STEPS]
    return {"zmin": -top or -1.0, "zmax": top or 1.0, "colorscale": scale}


def _legend(top: float, theme: Theme) -> Ramp:
    colours = tuple(_rgba(at, theme) for at in STEPS)
    return Ramp(f"against {signed(-top)}", f"{signed(top)} for, log-odds", colours)


def _rgba(at: float, theme: Theme) -> str:
    colour = theme.colours[FOR if at > 0 else AGAINST]
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{0.9 * abs(at) ** 0.6:.3f})"
