"""Which moments of a Spool's window its context frames attend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.figures.attention.heads import frame_interval
from vidmem.figures.theme import (
    MASKED,
    Swatch,
    Theme,
    ThemeName,
    empty_figure,
    hatched,
    new_figure,
    theme_of,
)
from vidmem.inspection import HeadView
from vidmem.inspection.masks.spec import runs
from vidmem.units import clock, clock_range

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_TICKS = 5
ENDS = ("start", "end")


def gathered_figure(
    heads: HeadView,
    layer: int | None = None,
    head: int | None = None,
    *,
    theme: ThemeName = "light",
) -> Figure:
    """Draw which moments the start and the end context frame attend to: what the scores rest on.

    A panel for each. Its bars, and its attention to the context frames themselves, which stands
    above them, sum to 1. Frames that it may not look at are hatched. `customdata` of a bar is the
    first frame of its group.

    Args:
        heads: From `vidmem.inspection.view_heads`.
        layer: None: the mean of all.
        head: None: the mean of all.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        IndexError: If there is no such layer or head.
        MissingPackageError: If Plotly is not installed.
    """
    colours, title = theme_of(theme), "What the context frames gather"
    if not heads.layout.has_context_frames:
        return empty_figure(colours, title, says="This model has no context frames.")
    layers, those = (slice(None) if one is None else [one] for one in (layer, head))
    shares_2G = heads.gathered[layers][:, those].mean((0, 1))
    legend = []
    if np.isnan(shares_2G[:, 1:-1]).any():
        legend.append(Swatch(MASKED, colours.dim, is_hatched=True))
    figure = new_figure(colours, title, _heads_text(heads, layer, head), legend=legend)
    moments = _Moments(heads)
    for number, shares in enumerate(shares_2G):
        _add_end(figure, moments, number, shares, colours)
    _set_axes(figure, moments, float(np.nanmax(shares_2G[:, 1:-1], initial=0)))
    return figure


@dataclass(frozen=True)
class _Moments:
    """The groups of a window's real frames, by their order, and their times."""

    heads: HeadView

    def __len__(self) -> int:
        return len(self.heads.edges) - 3

    def span(self, group: int) -> tuple[int, int]:
        """The first frame of a group, and that after its last."""
        return int(self.heads.edges[group + 1]) - 1, int(self.heads.edges[group + 2]) - 1

    def words(self, group: int) -> str:
        """Which frames a group is, and when they are shown."""
        first, stop = self.span(group)
        name = f"frame {first}" if stop == first + 1 else f"frames {first} to {stop - 1}"
        seconds = self.heads.frame_seconds
        if seconds is None:
            return name
        if stop < len(seconds):
            end = float(seconds[stop])
        else:
            end = float(seconds[-1]) + (frame_interval(self.heads) or 0.0)
        return f"{name} · {clock_range(float(seconds[first]), end)}"

    def ticks(self) -> dict[str, Any]:
        """Of some groups: when they begin."""
        groups = list(range(0, len(self), -(-len(self) // MAX_TICKS)))
        return {
            "tickvals": groups,
            "ticktext": [self._tick(group) for group in groups],
            "tickangle": 0,
            "range": [-0.5, len(self) - 0.5],
        }

    def _tick(self, group: int) -> str:
        first, seconds = self.span(group)[0], self.heads.frame_seconds
        return f"{first}" if seconds is None else clock(float(seconds[first]))


def _heads_text(heads: HeadView, layer: int | None, head: int | None) -> str:
    num_layers, num_heads = heads.offset_share.shape[:2]
    layers = f"mean of {num_layers} layers" if layer is None else f"layer {layer}"
    return f"{layers}, {f'mean of {num_heads} heads' if head is None else f'head {head}'}"


def _add_end(
    figure: Figure, moments: _Moments, number: int, shares: np.ndarray, theme: Theme
) -> None:
    """The panel of one context frame."""
    end, axis = ENDS[number], "y" if number == 0 else "y2"
    of_frames, of_context = shares[1:-1], float(shares[0] + shares[-1])
    seen = np.flatnonzero(~np.isnan(of_frames)).tolist()
    figure.add_bar(
        x=seen,
        y=of_frames[seen],
        yaxis=axis,
        marker={"color": theme.colours[0]},
        customdata=[moments.span(group)[0] for group in seen],
        hovertext=[
            f"<b>{moments.words(group)}</b><br>"
            f"{of_frames[group]:.1%} of what the {end} frame gathers"
            for group in seen
        ],
        hoverinfo="text",
    )
    for start, stop in runs(np.flatnonzero(np.isnan(of_frames)).tolist()):
        where = {"xref": "x", "yref": f"{axis} domain", "x": start - 0.5, "sizex": stop - start}
        figure.add_layout_image({**hatched(theme, 300), **where})
    figure.add_annotation(
        text=f"{end} frame · {of_context:.0%} from the context frames themselves",
        showarrow=False,
        xref="paper",
        yref=f"{axis} domain",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        borderpad=0,
        font={"color": theme.dim, "size": 11},
    )


def _set_axes(figure: Figure, moments: _Moments, top: float) -> None:
    """One scale for both panels, one above the other."""
    shared = {"range": [0, top * 1.08 or 1], "nticks": 3, "tickformat": ".2~%"}
    title = "frame" if moments.heads.frame_seconds is None else "time in the video"
    figure.update_layout(
        yaxis={**shared, "domain": [0.57, 0.92]},
        yaxis2={**shared, "domain": [0, 0.35], "anchor": "x"},
        xaxis={**moments.ticks(), "anchor": "y2", "title": {"text": title}},
        bargap=0.15,
    )
