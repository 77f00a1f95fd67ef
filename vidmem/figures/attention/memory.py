"""What a FAM Swin reads in its memory: how much of which clip, by head, and how far back.

`customdata` of a bar or a cell is the clip, or the head, that it is of, for clicks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vidmem.figures.attribution.clip_effects import EffectDots
from vidmem.figures.clip_axis import ClipAxis
from vidmem.figures.theme import (
    Ramp,
    Theme,
    ThemeName,
    empty_figure,
    graph_objects,
    new_figure,
    theme_of,
)
from vidmem.inspection import DirectEffects, MemoryView, StageMemory, TotalEffects
from vidmem.units import span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_NUMBERED_HEADS = 10
"""With more of them, bars have no numbers beside them."""

NO_MEMORY_WIDTH = 0.15
"""Of the figure: the column of what reads no memory."""


def memory_share_figure(
    view: MemoryView,
    stage: int,
    *,
    head: int | None = None,
    picked: int | None = None,
    direct: DirectEffects | None = None,
    total: TotalEffects | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw how much attention each remembered clip gets, and beside it what each did to the score.

    The bars and what reads no memory, named above them, sum to 1. Effects are dots on an axis of
    their own, in log-odds, whose zero is that of the bars. More than 64 clips are drawn in groups
    of neighbours: a bar is their sum, a dot the largest effect among them.

    Args:
        view: From `vidmem.inspection.view_memory`.
        stage: Of the model.
        head: None: the mean of all heads.
        picked: Number of the clip to mark.
        direct: Effects of the same clips, numbered alike.
        total: Effects of clips of the same stream; those of clips that are no longer remembered are
            counted under the title, not drawn.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        KeyError: If the view has no such stage.
        IndexError: If there is no such head.
        MissingPackageError: If Plotly is not installed.
    """
    colours, title = theme_of(theme), "Attention to each remembered clip"
    if not view.stages:
        return _memory_off(colours, title)
    memory = view.stage(stage)
    lines = (_heads_text(memory, head), _no_memory(memory, head))
    if not view.clips:
        return _nothing_yet(colours, title, " · ".join(lines))
    axis, shares = ClipAxis.of(view.clips), _mean(memory.clip_share, head)
    effects = EffectDots(axis, direct, total, colours)
    figure = new_figure(
        colours, title, " · ".join(lines), effects.left_out, legend=effects.legend()
    )
    heights, clips = axis.sums(shares), [axis.index(at) for at in axis.strongest(shares)]
    words = zip(axis.words(), heights, strict=True)
    figure.add_bar(
        x=list(range(len(axis))),
        y=heights,
        customdata=clips,
        hovertext=[f"{clip}<br>{share:.1%} of attention" for clip, share in words],
        hoverinfo="text",
        marker=_bars(colours, len(axis), None if picked is None else axis.place(picked)),
    )
    figure.update_xaxes(**axis.ticks())
    figure.update_layout(bargap=0.15)
    effects.draw(figure, float(heights.max()))
    return figure


def head_clip_figure(
    view: MemoryView, stage: int, *, picked_head: int | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw how much attention each head gives each clip; beside it, how much reads no memory.

    A row and its number in the column set apart sum to 1. That column has a scale of its own, from
    0 to 1. `customdata` of a cell is `[head, clip]`, in the column `[head, None]`.

    Args:
        view: From `vidmem.inspection.view_memory`.
        stage: Of the model.
        picked_head: To mark.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        KeyError: If the view has no such stage.
        MissingPackageError: If Plotly is not installed.
    """
    colours, title = theme_of(theme), f"Heads and clips · stage {stage}"
    if not view.stages:
        return _memory_off(colours, title)
    memory = view.stage(stage)
    if not view.clips:
        return _nothing_yet(colours, title, _no_memory(memory, None))
    axis = ClipAxis.of(view.clips)
    shares = axis.sums(memory.clip_share)
    scale = Ramp("0%", f"{float(shares.max()):.0%} of the head", colours.sequential)
    figure = new_figure(colours, title, legend=[scale])
    figure.add_traces(
        [_clip_cells(axis, memory, shares, colours), _no_memory_cells(memory, colours)]
    )
    edge = 1 - NO_MEMORY_WIDTH
    figure.update_layout(
        xaxis={**axis.ticks(most=4), "domain": [0, edge - 0.02]},
        xaxis2={"domain": [edge, 1], "tickvals": [0], "ticktext": ["no<br>memory"], "tickangle": 0},
        yaxis=_head_axis(len(shares)),
    )
    if picked_head is not None:
        _mark_row(figure, picked_head, colours)
    return figure


def mean_age_figure(
    view: MemoryView, stage: int, *, picked_head: int | None = None, theme: ThemeName = "light"
) -> Figure:
    """Draw how far back each head reads: the mean age of what it reads in memory.

    In seconds, or in clips where their times are not known. `customdata` of a bar is the head.

    Args:
        view: From `vidmem.inspection.view_memory`.
        stage: Of the model.
        picked_head: To mark.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        KeyError: If the view has no such stage.
        MissingPackageError: If Plotly is not installed.
    """
    colours, title = theme_of(theme), "How far back each head reads"
    if not view.stages:
        return _memory_off(colours, title)
    memory = view.stage(stage)
    if not view.clips:
        return _nothing_yet(colours, title, f"stage {stage}")
    ages, words = _ages(memory)
    is_timed = bool(np.isfinite(memory.age_seconds).all())
    unit = "" if is_timed else ", in clips"
    figure = new_figure(colours, title, f"stage {stage} · mean age of what is read{unit}")
    figure.add_bar(
        x=np.nan_to_num(ages),
        y=list(range(len(ages))),
        orientation="h",
        customdata=list(range(len(ages))),
        text=words if len(ages) <= MAX_NUMBERED_HEADS else None,
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"<b>head {head}</b><br>{age} back" for head, age in enumerate(words)],
        hoverinfo="text",
        marker=_bars(colours, len(ages), picked_head),
    )
    # Room for the numbers beside the bars.
    figure.update_xaxes(
        range=[0, float(np.nanmax(ages, initial=0)) * 1.16 or 1],
        nticks=5,
        ticksuffix=" s" * is_timed,
    )
    figure.update_layout(yaxis=_head_axis(len(ages)), bargap=0.25)
    return figure


def _mean(by_head: np.ndarray, head: int | None) -> np.ndarray:  # [A, ...] to [...]
    return by_head.mean(0) if head is None else by_head[head]


def _heads_text(memory: StageMemory, head: int | None) -> str:
    num_heads = len(memory.no_memory_share)
    who = f"mean of {num_heads} heads" if head is None else f"head {head}"
    return f"stage {memory.stage}, {who}"


def _no_memory(memory: StageMemory, head: int | None) -> str:
    return f"{float(_mean(memory.no_memory_share, head)):.0%} goes to no memory"


def _memory_off(theme: Theme, title: str) -> Figure:
    return empty_figure(theme, title, says="Memory is off: nothing is remembered.")


def _nothing_yet(theme: Theme, title: str, *lines: str) -> Figure:
    return empty_figure(theme, title, *lines, says="Nothing is remembered yet.")


def _bars(theme: Theme, count: int, picked: int | None) -> dict[str, Any]:
    """How bars look, one of them marked."""
    is_picked = [place == picked for place in range(count)]
    return {
        "color": [theme.colours[0 if one else 4] for one in is_picked],
        "line": {"color": theme.mark, "width": [2 if one else 0 for one in is_picked]},
    }


def _clip_cells(axis: ClipAxis, memory: StageMemory, shares: np.ndarray, theme: Theme) -> Any:
    clips = axis.words()
    return graph_objects().Heatmap(
        z=shares,
        zmin=0,
        zmax=float(shares.max()) or 1.0,
        colorscale=list(theme.sequential),
        showscale=False,
        xgap=1,
        ygap=1,
        customdata=[
            [[head, axis.index(at)] for at in axis.strongest(own)]
            for head, own in enumerate(memory.clip_share)
        ],
        hovertext=[
            [
                f"{clip}<br>{share:.1%} of head {head}'s attention"
                for clip, share in zip(clips, row, strict=True)
            ]
            for head, row in enumerate(shares)
        ],
        hoverinfo="text",
    )


def _no_memory_cells(memory: StageMemory, theme: Theme) -> Any:
    shares, heads = memory.no_memory_share[:, None], range(len(memory.no_memory_share))
    has_room = len(shares) <= MAX_NUMBERED_HEADS
    return graph_objects().Heatmap(
        z=shares,
        xaxis="x2",
        zmin=0,
        zmax=1,
        colorscale=[(0, theme.card), (1, theme.hatch)],
        showscale=False,
        ygap=1,
        text=[[f"{row[0]:.0%}" if has_room else ""] for row in shares],
        texttemplate="%{text}",
        textfont={"color": theme.ink},
        customdata=[[[head, None]] for head in heads],
        hovertext=[
            [f"<b>head {head}</b><br>{shares[head, 0]:.1%} goes to no memory"] for head in heads
        ],
        hoverinfo="text",
    )


def _head_axis(num_heads: int) -> dict[str, Any]:
    """Heads go down, all named or every n-th."""
    step = -(-num_heads // 8)
    named = list(range(0, num_heads, step))
    return {
        "tickvals": named,
        "ticktext": [f"head {head}" for head in named],
        "range": [num_heads - 0.5, -0.5],
    }


def _mark_row(figure: Figure, row: int, theme: Theme) -> None:
    """A frame around a row, the column set apart included."""
    figure.add_shape(
        type="rect",
        xref="paper",
        x0=0,
        x1=1,
        y0=row - 0.5,
        y1=row + 0.5,
        line={"color": theme.mark, "width": 2},
    )


def _ages(memory: StageMemory) -> tuple[np.ndarray, list[str]]:
    """How far back each head reads, as numbers and in words; NaN for one that reads nothing."""
    if np.isfinite(memory.age_seconds).all():
        ages = memory.mean_age_seconds
        return ages, [span(float(age)) if np.isfinite(age) else "nothing" for age in ages]
    ages = memory.mean_age_clips
    return ages, [f"{age:.1f} clips" if np.isfinite(age) else "nothing" for age in ages]
