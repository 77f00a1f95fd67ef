"""How far lookback and lookahead heads of a Spool look, and what its context frames gather.

Letters: Y layers, A heads, N offsets, G groups of frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vidmem.figures.theme import MASKED, Swatch, Theme, ThemeName, hatched, new_figure, theme_of
from vidmem.inspection import HeadView
from vidmem.inspection.attention.maps import MAX_SIDE, group_edges, sum_groups
from vidmem.units import MINUS, span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


LOOKBACK, LOOKAHEAD = 0, 1
"""Numbers of `Theme.colours`."""


@dataclass(frozen=True)
class _Side:
    """What the heads of one direction do, as drawn."""

    name: str
    colour: int
    shares: np.ndarray
    """`[G]`, of groups of offsets, NaN where the head may not look."""

    context: float | None
    """The share of the context frame that they may look at, if there is one."""


def offset_figure(
    heads: HeadView,
    *,
    layer: int | None = None,
    head: int | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw how attention is spread over the frames around the one that looks.

    The bars of one direction and the context frame at its end sum to 1. Ranges of more than 64
    frames are drawn in groups of neighbours. Where a picked head may not look, it is hatched.

    Args:
        heads: From `vidmem.inspection.view_heads`.
        layer: None: the mean of all.
        head: None: the mean of all lookback heads, beside that of all lookahead heads.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        IndexError: If there is no such layer or head.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    groups = _OffsetGroups.of(heads.offsets)
    sides = _sides(heads, groups, layer, head)
    figure = new_figure(
        colours,
        "How far the heads look" if head is None else "How far this head looks",
        _heads_text(heads, layer, head),
        legend=_offset_legend(sides, colours, has_masked=len(sides) == 1),
    )
    for number, side in enumerate(sides):
        shift = 0.0 if len(sides) == 1 else (number - 0.5) * 0.4
        _add_side(figure, heads, groups, side, shift, colours)
    if len(sides) == 1:
        _hatch_masked(figure, groups, sides[0], colours)
    _set_offset_axis(figure, heads, groups)
    return figure


@dataclass(frozen=True)
class _OffsetGroups:
    """Offsets in at most 64 groups, frame 0 always by itself."""

    offsets: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(cls, offsets: np.ndarray) -> _OffsetGroups:
        reach = len(offsets) // 2
        before = group_edges(reach, MAX_SIDE // 2 - 2)
        after = len(offsets) - before[::-1]
        return cls(offsets, np.concatenate([before, after]))

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def centre(self) -> int:
        """The group of the frame itself."""
        return len(self) // 2

    def sums(self, shares: np.ndarray) -> np.ndarray:
        """`[N]` to `[G]`; NaN where all of a group is masked."""
        is_masked = np.logical_and.reduceat(np.isnan(shares), self.edges[:-1])
        return np.where(is_masked, np.nan, sum_groups(np.nan_to_num(shares), self.edges))

    def span(self, group: int) -> tuple[int, int]:
        """The first and the last offset of a group."""
        return int(self.offsets[self.edges[group]]), int(self.offsets[self.edges[group + 1] - 1])


def _sides(
    heads: HeadView, groups: _OffsetGroups, layer: int | None, head: int | None
) -> list[_Side]:
    """One per direction that is drawn."""
    layers = slice(None) if layer is None else [layer]
    first_ahead, num_heads = heads.layout.num_lookback_heads, heads.layout.num_heads
    both = ((LOOKBACK, range(first_ahead)), (LOOKAHEAD, range(first_ahead, num_heads)))
    sides = []
    for colour, members in both:
        picked = [one for one in members if head is None or one == head % num_heads]
        if not picked:
            continue
        by_offset = heads.offset_share[layers][:, picked].mean((0, 1))
        context = None
        if heads.layout.has_context_frames:
            context = float(heads.context_share[layers][:, picked, colour].mean())
        name = ("lookback", "lookahead")[colour]
        sides.append(_Side(name, colour, groups.sums(by_offset), context))
    return sides


def _heads_text(heads: HeadView, layer: int | None, head: int | None) -> str:
    num_layers, num_heads = heads.offset_share.shape[:2]
    layers = f"mean of {num_layers} layers" if layer is None else f"layer {layer}"
    if head is None:
        return f"{layers}, {num_heads} heads · range {heads.layout.local_frame_range} frames"
    who = f"{layers}, head {head}"
    distances = heads.mean_distance[:, head]
    far = float(distances.mean() if layer is None else distances[layer])
    if not np.isfinite(far):
        return who
    return f"{who} · {far:.1f} of {heads.layout.local_frame_range} frames away on average"


def _offset_legend(sides: list[_Side], theme: Theme, *, has_masked: bool) -> list[Swatch]:
    legend = [Swatch(side.name, theme.colours[side.colour]) for side in sides]
    if any(side.context is not None for side in sides):
        legend.append(Swatch("context frames", theme.dim))
    if has_masked:
        legend.append(Swatch(MASKED, theme.dim, is_hatched=True))
    return legend


def _add_side(
    figure: Figure,
    heads: HeadView,
    groups: _OffsetGroups,
    side: _Side,
    shift: float,
    theme: Theme,
) -> None:
    """The bars of one direction: by offset, and that of its context frame."""
    seen = np.flatnonzero(~np.isnan(side.shares))
    width = 0.4 if shift else 0.8
    figure.add_bar(
        # Only the frame itself is seen from both sides.
        x=[int(group) - groups.centre + (shift if group == groups.centre else 0) for group in seen],
        y=side.shares[seen],
        width=[width if group == groups.centre else 0.8 for group in seen],
        marker={"color": theme.colours[side.colour]},
        customdata=[groups.span(int(group)) for group in seen],
        hovertext=[
            f"<b>{_offset_words(heads, groups.span(int(group)))}</b><br>"
            f"{side.shares[group]:.1%} of {side.name} attention"
            for group in seen
        ],
        hoverinfo="text",
    )
    if side.context is None:
        return
    end = "start" if side.colour == LOOKBACK else "end"
    figure.add_bar(
        x=[_context_place(groups, end)],
        y=[side.context],
        width=[0.8 * max(1.0, groups.centre / 10)],
        marker={"color": theme.dim},
        hovertext=[f"<b>{end} context frame</b><br>{side.context:.1%} of {side.name} attention"],
        hoverinfo="text",
    )


def _context_place(groups: _OffsetGroups, end: str) -> float:
    # Set apart from the frames, so that there is room for its name.
    apart = max(1.5, 0.4 + 0.22 * groups.centre)
    return (groups.centre + apart) * (-1 if end == "start" else 1)


def _hatch_masked(figure: Figure, groups: _OffsetGroups, side: _Side, theme: Theme) -> None:
    """Hatch where the head may not look, which is not the same as a share of zero."""
    masked = np.flatnonzero(np.isnan(side.shares)) - groups.centre
    if not len(masked):
        return
    start, width = float(masked[0]) - 0.5, float(np.ptp(masked)) + 1
    if side.context is not None:  # it may not look at the other context frame either
        more = _context_place(groups, "end") - groups.centre
        start, width = start - more * (start < 0), width + more
    where = {"xref": "x", "x": start, "sizex": width}
    figure.add_layout_image({**hatched(theme, 400), **where})


def _offset_words(heads: HeadView, offsets: tuple[int, int]) -> str:
    """`3 frames back (0.75 s)`."""
    near, far = sorted(abs(offset) for offset in offsets)
    if far == 0:
        return "the frame itself"
    count = f"{far}" if near == far else f"{near} to {far}"
    frames = "frame" if far == 1 else "frames"
    interval = frame_interval(heads)
    seconds = "" if interval is None else f" ({span(far * interval)})"
    return f"{count} {frames} {'back' if offsets[0] < 0 else 'ahead'}{seconds}"


def frame_interval(heads: HeadView) -> float | None:
    """Seconds from one frame to the next, usually; None where it is not known."""
    if heads.frame_seconds is None or len(heads.frame_seconds) < 2:
        return None
    return float(np.median(np.diff(heads.frame_seconds)))


def _set_offset_axis(figure: Figure, heads: HeadView, groups: _OffsetGroups) -> None:
    """Ticks at the frame itself, half way and at the end of the range; and the context frames."""
    reach = groups.centre
    far = sorted({-(-reach // 2), reach} if reach > 3 else range(1, reach + 1))
    places: list[float] = [*(-n for n in reversed(far)), 0, *far]
    texts = [_offset_tick(heads, groups.span(int(place) + reach)) for place in places]
    edge = reach + 0.5
    if heads.layout.has_context_frames:
        places = [_context_place(groups, "start"), *places, _context_place(groups, "end")]
        texts = ["start", *texts, "end"]
        edge = places[-1] + 0.06 * reach + 0.5
    figure.update_xaxes(
        tickvals=places,
        ticktext=texts,
        tickangle=0,
        range=[-edge, edge],
        title_text="frames from the one that looks",
    )
    figure.update_yaxes(tickformat=".0%", nticks=4, rangemode="tozero")
    figure.update_layout(barmode="overlay")


def _offset_tick(heads: HeadView, offsets: tuple[int, int]) -> str:
    """`-8`, and under it `-4 s` where that is known."""
    far, interval = max(offsets, key=abs), frame_interval(heads)
    if not far:
        return "0"
    sign = MINUS if far < 0 else "+"
    seconds = "" if interval is None else f"<br>{sign}{span(abs(far) * interval)}"
    return f"{sign}{abs(far)}{seconds}"
