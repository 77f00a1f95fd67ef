"""All heads of a Spool at once: a thumbnail of each, layer by layer, to pick from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.figures.theme import (
    MASKED,
    Ramp,
    Swatch,
    Theme,
    ThemeName,
    graph_objects,
    hatched,
    new_figure,
    theme_of,
)
from vidmem.inspection import HeadView
from vidmem.inspection.attention.maps import MAX_SIDE, group_edges, sum_groups

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TOP = 0.02
"""Share of a head's cells that are all drawn in the last colour: at the ends of a window heads have
few frames to look at, and would set the scale."""

MAX_CELLS = 512
"""Along a side of all thumbnails together."""


def head_grid_figure(
    heads: HeadView, *, picked: tuple[int, int] | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw which frames look (down) at which (across), for each layer (down) and head (across).

    Each head has a scale of its own, from 0 to the share that 2% of its cells reach, so that those
    that look everywhere can be read beside those that do not. `customdata` of a thumbnail is
    `[layer, head]`.

    Args:
        heads: From `vidmem.inspection.view_heads`.
        picked: A layer and a head to mark.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    scale = Ramp("0%", "top 2% per head", colours.sequential)
    figure = new_figure(
        colours,
        "Layers and heads",
        legend=[scale, Swatch(MASKED, colours.dim, is_hatched=True)],
    )
    figure.add_layout_image(hatched(colours))
    figure.add_traces([_cells(_relative(heads.thumbnails), colours), _hover(heads)])
    num_layers, num_heads = heads.thumbnails.shape[:2]
    figure.update_layout(shapes=_gaps(num_layers, num_heads, colours))
    figure.update_xaxes(
        tickvals=list(range(num_heads)),
        ticktext=[_head_name(heads, head, colours) for head in range(num_heads)],
        range=[-0.5, num_heads - 0.5],
        tickangle=0,
        title_text=_directions(heads, colours),
    )
    step = -(-num_layers // 12)
    figure.update_yaxes(
        tickvals=list(range(0, num_layers, step)),
        ticktext=[f"layer {layer}" for layer in range(0, num_layers, step)],
        range=[num_layers - 0.5, -0.5],
    )
    if picked is not None:
        layer, head = picked
        line = {"color": colours.mark, "width": 3}
        at = {"x0": head - 0.5, "x1": head + 0.5, "y0": layer - 0.5, "y1": layer + 0.5}
        figure.add_shape(type="rect", line=line, **at)
    return figure


def _relative(thumbnails: np.ndarray) -> np.ndarray:
    """`[Y, A, g, g]`: shares by those of each head's top cells, in cells few enough to be sent."""
    num_groups = thumbnails.shape[-1]
    edges = group_edges(num_groups, min(MAX_SIDE, MAX_CELLS // max(thumbnails.shape[:2])))
    is_masked = np.isnan(thumbnails)
    shares, allowed = np.where(is_masked, 0, thumbnails), (~is_masked).astype(np.float32)
    for axis in (2, 3):
        shares, allowed = (
            np.moveaxis(sum_groups(np.moveaxis(one, axis, -1), edges), -1, axis)
            for one in (shares, allowed)
        )
    shares = np.where(allowed > 0, shares, np.nan)
    high = np.nanquantile(shares, 1 - TOP, axis=(2, 3), keepdims=True)
    high = np.where(high > 0, high, 1.0)
    return np.minimum(shares / high, 1).astype(np.float32)


def _cells(relative: np.ndarray, theme: Theme) -> Any:
    """All thumbnails as one matrix, whose unit is a thumbnail."""
    num_layers, num_heads, side = relative.shape[:3]
    return graph_objects().Heatmap(
        z=relative.transpose(0, 2, 1, 3).reshape(num_layers * side, num_heads * side),
        x0=-0.5 + 0.5 / side,
        dx=1 / side,
        y0=-0.5 + 0.5 / side,
        dy=1 / side,
        zmin=0,
        zmax=1,
        colorscale=list(theme.sequential),
        showscale=False,
        hoverinfo="skip",
    )


def _hover(heads: HeadView) -> Any:
    """An invisible cell over each thumbnail, for its hover text and its `customdata`."""
    num_layers, num_heads = heads.thumbnails.shape[:2]
    layers, all_heads = range(num_layers), range(num_heads)
    return graph_objects().Heatmap(
        z=np.zeros((num_layers, num_heads), dtype=np.int8),
        customdata=[[[layer, head] for head in all_heads] for layer in layers],
        hovertext=[[_words(heads, layer, head) for head in all_heads] for layer in layers],
        hoverinfo="text",
        showscale=False,
        opacity=0,
    )


def _words(heads: HeadView, layer: int, head: int) -> str:
    far, reach = float(heads.mean_distance[layer, head]), heads.layout.local_frame_range
    distance = f"{far:.1f} of {reach} frames away on average" if np.isfinite(far) else ""
    return f"<b>layer {layer}, head {head}, {heads.direction(head)}</b><br>{distance}"


def _gaps(num_layers: int, num_heads: int, theme: Theme) -> list[dict[str, Any]]:
    shapes = []
    for count, along, across in ((num_heads, "x", "y"), (num_layers, "y", "x")):
        for number in range(1, count):
            at = {f"{along}0": number - 0.5, f"{along}1": number - 0.5}
            whole = {f"{across}0": 0, f"{across}1": 1, f"{across}ref": f"{across} domain"}
            line = {"color": theme.card, "width": 6 if max(num_layers, num_heads) < 9 else 3}
            shapes.append({"type": "line", "line": line, **at, **whole})
    return shapes


def _head_name(heads: HeadView, head: int, theme: Theme) -> str:
    colour = theme.colours[0 if heads.direction(head) == "lookback" else 1]
    return f'<span style="color:{colour}"><b>{head}</b></span>'


def _directions(heads: HeadView, theme: Theme) -> str:
    """What the colours of the heads' numbers mean."""
    num_back, num_heads = heads.layout.num_lookback_heads, heads.layout.num_heads
    counts = (("lookback", num_back), ("lookahead", num_heads - num_back))
    parts = [
        f'<span style="color:{colour}">{name}</span>'
        for (name, count), colour in zip(counts, theme.colours[:2], strict=True)
        if count
    ]
    return f"heads: {', then '.join(parts)}"
