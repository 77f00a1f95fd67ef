"""What the Heads page shows: where the lookback and lookahead heads of a Spool look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.explain.inspector import MomentView
from app.pages.api import Download, Query
from app.pages.inside.views import (
    ModelCrop,
    as_download,
    chosen,
    clip_seconds,
    moment_section,
    number,
    numbers,
    read_box,
    small_codes,
)
from app.pages.inside.wording import heads_in_words, no_heads_over_frames
from vidmem.errors import SettingError
from vidmem.figures import ThemeName, gathered_figure, offset_figure
from vidmem.inspection import (
    FrameLook,
    HeadInspection,
    HeadView,
    PictureBox,
    Spot,
    attention_view,
    patch_grid,
    view_frame,
    view_heads,
    window_seconds,
)


@dataclass(frozen=True)
class _Picked:
    """What is on view: all heads, one frame's look, and the head that was picked."""

    heads: HeadView
    look: FrameLook
    layer: int
    head: int
    seconds: np.ndarray
    """`[T]`: source time of the window's frames."""

    is_whole: bool
    """No region was selected."""


def heads_answer(
    view: MomentView, query: Query, crop: ModelCrop, theme: ThemeName
) -> dict[str, Any]:
    """All that the page shows of a moment.

    Args:
        view: The moment.
        query: `layer`, `head`, `frame` and `region` of the request.
        crop: Where the model's picture lies in the one on view.
        theme: Of the figures.

    Raises:
        SettingError: If the model has no such heads, or a number is not allowed.
    """
    picked = _picked(view, query, crop)
    heads, layer, head = picked.heads, picked.layer, picked.head
    gathered = None
    if heads.layout.has_context_frames:
        gathered = gathered_figure(heads, layer, head, theme=theme)
    offsets = offset_figure(heads, layer=layer, head=head, theme=theme)
    figures = {"offsets": offsets, "gathered": gathered}
    return {**_section(view, picked, crop), "figures": figures}


def heads_download(view: MomentView, query: Query, crop: ModelCrop, kind: str) -> Download:
    """The view as a file, `json` or `npz`.

    Raises:
        SettingError: As `heads_answer`.
    """
    picked = _picked(view, query, crop)
    inspection = HeadInspection(heads=picked.heads, look=picked.look)
    return as_download(f"heads-{view.index}", kind, moment_section(view), inspection)


def _picked(view: MomentView, query: Query, crop: ModelCrop) -> _Picked:
    if (other := attention_view(view.model)) != "heads":
        raise SettingError(no_heads_over_frames(view.model.card.title, other))
    box, grid, seconds = read_box(query.get("region")), patch_grid(view.model), _seconds(view)
    spot = Spot(_nearest(query.get("frame"), seconds), crop.region(box) if box else PictureBox())
    # What all heads do is the same for each spot of a moment, and is computed once.
    heads = view.made("heads", lambda: view_heads(view.captured, grid, frame_seconds=seconds))
    look = view.made(spot, lambda: view_frame(view.captured, grid, spot))
    layers, all_heads = (list(range(count)) for count in heads.thumbnails.shape[:2])
    return _Picked(
        heads=heads,
        look=look,
        layer=chosen("layer", query.get("layer"), layers, layers[-1]) or 0,
        head=chosen("head", query.get("head"), all_heads, 0) or 0,
        seconds=seconds,
        is_whole=box is None,
    )


def _seconds(view: MomentView) -> np.ndarray:
    moment = view.moment
    num_frames = moment.window.num_real_frames
    step = view.model.traits.frame_step
    return window_seconds(moment.state.memory, clip_seconds(view), num_frames, frame_step=step)


def _nearest(text: str | None, seconds: np.ndarray) -> int:
    """The frame of the window that is shown at a time; the newest by default."""
    if not text:
        return len(seconds) - 1
    try:
        wanted = float(text)
    except ValueError:
        raise SettingError(f"frame must be a time in seconds, got {text!r}") from None
    return int(np.abs(seconds - wanted).argmin())


def _section(view: MomentView, picked: _Picked, crop: ModelCrop) -> dict[str, Any]:
    heads, look, layer, head = picked.heads, picked.look, picked.layer, picked.head
    context = look.context_share[layer, head]
    ends = [number(share) for share in context] if len(context) else [None, None]
    region = look.region
    edges = (region.top, region.bottom, region.left, region.right)
    layout = heads.layout
    return {
        # Names what is drawn: the element has it as `data-key` once all of it is.
        "key": f"{view.number}-{layer}-{head}-{look.frame}-{'' if picked.is_whole else edges}",
        "moment": moment_section(view),
        "layer": layer,
        "head": head,
        "num_layers": heads.thumbnails.shape[0],
        "num_heads": heads.thumbnails.shape[1],
        "num_lookback": layout.num_lookback_heads,
        "range": layout.local_frame_range,
        "direction": heads.direction(head),
        "frame": _frame(look.frame, picked.seconds),
        "frames": [_frame(one, picked.seconds) for one in range(layout.num_frames)],
        "grid": _grid(heads),
        "looks": _looks(picked),
        "map_box": list(crop.shown(0, 1, 0, 1)),
        "context": {"start": ends[0], "end": ends[1]},
        "region": None if picked.is_whole else list(crop.shown(*edges)),
        "text": heads_in_words(heads, look, layer, head),
    }


def _frame(index: int, seconds: np.ndarray) -> dict[str, Any]:
    return {"number": index, "seconds": round(float(seconds[index]), 3)}


def _grid(heads: HeadView) -> list[list[dict[str, Any]]]:
    side = heads.thumbnails.shape[-1]
    return [
        [{"side": side, "cells": small_codes(cells)} for cells in layer]
        for layer in heads.thumbnails
    ]


def _looks(picked: _Picked) -> list[dict[str, Any]]:
    """The frames that the picked head may look at, in order."""
    look, layer, head = picked.look, picked.layer, picked.head
    shares = dict(zip(look.frames, look.frame_share[layer, head], strict=True))
    maps = dict(zip(look.map_frames, look.maps[layer, head], strict=True))
    return [
        {
            **_frame(one, picked.seconds),
            "offset": one - look.frame,
            "share": number(shares[one]),
            "map": numbers(maps[one], 6),
        }
        for one in look.map_frames
        if np.isfinite(shares[one])
    ]
