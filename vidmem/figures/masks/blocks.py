"""A mask block by block: what `flex_attention` computes, and what it skips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidmem.figures.masks.axes import (
    STATES,
    all_spans,
    axes_layout,
    block_words,
    cell_gap,
    discrete,
    or_nan,
)
from vidmem.figures.theme import Swatch, ThemeName, graph_objects, hatched, new_figure, theme_of
from vidmem.inspection import MaskView
from vidmem.inspection.masks.spec import TIMES

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def block_mask_figure(view: MaskView, *, theme: ThemeName = "light") -> Figure:
    """Draw what `flex_attention` has to compute: full, partial and skipped blocks.

    Args:
        view: From `vidmem.inspection.view_mask`.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        MissingPackageError: If Plotly is not installed.
    """
    colours, blocks, size = theme_of(theme), view.blocks, view.blocks.block_tokens
    of_state = (colours.dim, colours.colours[4], colours.colours[0])
    layout = axes_layout(view, all_spans(view.keys), all_spans(view.queries))
    # The last block may reach beyond the sequence; it is drawn whole, since it is computed whole.
    num_rows, num_columns = (count * size for count in blocks.states.shape)
    layout["xaxis"]["range"] = [-0.5, num_columns - 0.5]
    layout["yaxis"]["range"] = [num_rows - 0.5, -0.5]
    figure = new_figure(
        colours,
        f"Blocks of {size:,} {TIMES} {size:,} tokens",
        _saving(view),
        legend=[
            Swatch(f"{blocks.count(n):,} {STATES[n]}", of_state[n], is_hatched=n == 0)
            for n in (2, 1, 0)
        ],
        layout={**layout, "images": [hatched(colours)]},
    )
    gap = cell_gap(max(blocks.states.shape))
    figure.add_trace(
        graph_objects().Heatmap(
            z=or_nan(blocks.states),
            x0=(size - 1) / 2,
            dx=size,
            y0=(size - 1) / 2,
            dy=size,
            zmin=0,
            zmax=2,
            colorscale=discrete(of_state),
            showscale=False,
            xgap=gap,
            ygap=gap,
            hovertext=block_words(view),
            hoverinfo="text",
        )
    )
    return figure


def _saving(view: MaskView) -> str:
    blocks = view.blocks
    if not blocks.count(0):
        return "no block is skipped"
    if blocks.count(0) == blocks.states.size:
        return "every block is skipped"
    return (
        f"{blocks.skipped_share:.0%} of the blocks are skipped · "
        f"{blocks.times_less_work:.1f} {TIMES} less to compute"
    )
