"""Where one frame of a Spool's window looks: its maps over the frames around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vidmem.figures.pictures import Panel, draw_panels
from vidmem.figures.theme import MASKED, Ramp, Swatch, ThemeName, new_figure, theme_of
from vidmem.figures.times import MINUS
from vidmem.inspection import FrameLook, Region

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_PANELS = 64
MAX_SHARES, MAX_SECONDS = 10, 30
"""Panels up to which their names have room for shares, and for seconds."""


def frame_look_figure(
    look: FrameLook,
    layer: int,
    head: int,
    *,
    pictures: Sequence[ArrayLike] | None = None,
    frame_seconds: ArrayLike | None = None,
    theme: ThemeName = "light",
) -> Figure:
    """Draw where the picked frame looks, a panel for each frame that some head may look at.

    The cells of a panel sum to the frame's share. Frames that this head may not look at are
    hatched. Cells tell the number of their frame in the window.

    Args:
        look: From `vidmem.inspection.view_frame`.
        layer: From 0.
        head: From 0.
        pictures: One for each of `look.map_frames`, uint8 `[H, W, 3]`, to lay the maps over.
        frame_seconds: Of all frames of the window: names are then in seconds.
        theme: Colours, `light` or `dark`.

    Raises:
        SettingError: If there is no such theme.
        IndexError: If there is no such layer or head.
        ValueError: If there are not as many pictures as maps.
        MissingPackageError: If Plotly is not installed.
    """
    colours = theme_of(theme)
    if pictures is not None and len(pictures) != len(look.map_frames):
        raise ValueError(f"one picture for each of {len(look.map_frames)}, got {len(pictures)}")
    shares = dict(zip(look.frames, look.frame_share[layer, head].tolist(), strict=True))
    maps = look.maps[layer, head]
    top = float(np.nanmax(maps, initial=0))
    legend: list[Swatch | Ramp] = [Ramp("0%", f"{top:.1%} a cell", colours.sequential)]
    if np.isnan(maps).any():
        legend.append(Swatch(MASKED, colours.dim, is_hatched=True))
    figure = new_figure(
        colours,
        "Where this frame looks",
        f"layer {layer}, head {head}{_context_words(look, layer, head)}",
        legend=legend,
    )
    panels = [
        Panel(
            name=_name(look, frame, share, frame_seconds),
            values=None if np.isnan(maps[at]).any() else maps[at],
            hover=_hover(look, frame, share),
            picture=None if pictures is None else pictures[at],
            box=_box(look) if frame == look.frame else None,
            customdata=frame,
        )
        for at, frame, share in _nearest(look, shares)
    ]
    draw_panels(
        figure, panels, colours, zmin=0, zmax=top or 1.0, colorscale=list(colours.sequential)
    )
    return figure


def _nearest(look: FrameLook, shares: dict[int, float]) -> list[tuple[int, int, float]]:
    """Place among the maps, number and share of the frames drawn: not more than 64, in order."""
    places = range(len(look.map_frames))
    kept = sorted(places, key=lambda at: abs(look.map_frames[at] - look.frame))[:MAX_PANELS]
    return [(at, look.map_frames[at], shares[look.map_frames[at]]) for at in sorted(kept)]


def _name(look: FrameLook, frame: int, share: float, seconds: ArrayLike | None) -> str:
    """How far away, and how much: `-1.5 s: 12%`."""
    offset, num_panels = frame - look.frame, len(look.map_frames)
    away = f"{offset:+d}".replace("-", MINUS) if offset else "itself"
    if offset and seconds is not None and num_panels <= MAX_SECONDS:
        times = np.asarray(seconds, dtype=float)
        away = f"{times[frame] - times[look.frame]:+.3g} s".replace("-", MINUS)
    return away if math.isnan(share) or num_panels > MAX_SHARES else f"{away}: {share:.0%}"


def _hover(look: FrameLook, frame: int, share: float) -> str:
    away = abs(frame - look.frame)
    frames = "1 frame" if away == 1 else f"{away} frames"
    where = f"{frames} {'back' if frame < look.frame else 'ahead'}" if away else "the frame itself"
    if math.isnan(share):
        return f"<b>{where}</b><br>{MASKED}: this head looks to the other side"
    return f"<b>{where}</b><br>{share:.1%} of attention"


def _context_words(look: FrameLook, layer: int, head: int) -> str:
    """What the context frames get, as far as this head may look at one."""
    ends = zip(("start", "end"), look.context_share[layer, head].tolist(), strict=False)
    seen = [f"{share:.0%} to the {end} frame" for end, share in ends if not math.isnan(share)]
    return "".join(f" · {words}" for words in seen)


def _box(look: FrameLook) -> tuple[float, float, float, float] | None:
    """The part of the picture that looks, unless it is all of it."""
    asked = look.asked
    return None if asked == Region() else (asked.top, asked.bottom, asked.left, asked.right)
