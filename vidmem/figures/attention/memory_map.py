"""Where in a remembered clip a FAM Swin reads: a map over that clip's own place and time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vidmem.figures.pictures import Panel, draw_panels
from vidmem.figures.theme import Ramp, ThemeName, new_figure, theme_of
from vidmem.inspection import MemoryView, RememberedClip
from vidmem.units import clock_range
from vidmem.video import Picture

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def memory_map_figure(
    view: MemoryView,
    stage: int,
    clip_index: int,
    *,
    head: int | None = None,
    picture: Picture | ArrayLike | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw which places of a remembered clip are read, time by time.

    The cells sum to the clip's share. `customdata` of a cell is the clip's number.

    Args:
        view: From `vidmem.inspection.view_memory`.
        stage: Of the model.
        clip_index: Number of a remembered clip in its stream.
        head: None: the mean of all heads.
        picture: A frame of that clip to lay the map over: one of the video, or uint8 `[H, W, 3]`.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        KeyError: If the view has no such stage, or that clip is not remembered.
        IndexError: If there is no such head.
        MissingPackageError: If Plotly is not installed.
    """
    colours, memory = theme_of(theme), view.stage(stage)
    at = _position(view, clip_index)
    maps = memory.maps[:, at].mean(0) if head is None else memory.maps[head, at]
    who = "mean of all heads" if head is None else f"head {head}"
    top = float(maps.max())
    figure = new_figure(
        colours,
        f"Where in clip {clip_index} it reads",
        f"stage {stage}, {who} · {float(maps.sum()):.1%} of attention",
        legend=[Ramp("0%", f"{top:.2%} a cell", colours.sequential)],
    )
    names = _names(view.clips[at], len(maps))
    panels = [
        Panel(
            name=name,
            values=values,
            hover=[
                [f"<b>{name}</b><br>{share:.2%} of attention" for share in row] for row in values
            ],
            picture=picture,
            extent=memory.extent,
            customdata=clip_index,
        )
        for name, values in zip(names, maps, strict=True)
    ]
    draw_panels(
        figure, panels, colours, zmin=0, zmax=top or 1.0, colorscale=list(colours.sequential)
    )
    return figure


def _position(view: MemoryView, clip_index: int) -> int:
    indices = [clip.index for clip in view.clips]
    if clip_index not in indices:
        raise KeyError(f"clip {clip_index} is not remembered; those that are: {indices}")
    return indices.index(clip_index)


def _names(clip: RememberedClip, num_times: int) -> list[str]:
    """Of each time of the clip: from when to when."""
    if clip.end_seconds <= clip.start_seconds:
        return [f"part {part + 1} of {num_times}" for part in range(num_times)]
    edges = np.linspace(clip.start_seconds, clip.end_seconds, num_times + 1).tolist()
    return [clock_range(start, end) for start, end in itertools.pairwise(edges)]
