"""What the Heads page shows: where the lookback and lookahead heads of a Spool look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.inside import Look
from app.inside_text import no_heads_over_frames, said_of_heads
from app.inside_views import (
    Frame,
    as_download,
    chosen,
    clip_seconds,
    moment_section,
    number,
    numbers,
    read_box,
    small_codes,
)
from app.masks import Download
from vidmem.errors import SettingError
from vidmem.figures import ThemeName, gathered_figure, offset_figure
from vidmem.inspection import (
    FrameLook,
    HeadInspection,
    HeadView,
    Region,
    Spot,
    patch_grid,
    view_frame,
    view_heads,
    window_seconds,
)
from vidmem.models import SpoolConfig

Asked = Mapping[str, str]


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
    """No region was asked for."""


def heads_answer(look: Look, asked: Asked, frame: Frame) -> str:
    """All that the page shows of a moment, as JSON.

    Raises:
        SettingError: If the model has no such heads, or a number is not allowed.
    """
    picked = _picked(look, asked, frame)
    theme: ThemeName = "dark" if asked.get("theme") == "dark" else "light"
    layer, head = picked.layer, picked.head
    offsets = offset_figure(picked.heads, layer=layer, head=head, theme=theme).to_json()
    gathered = "null"
    if picked.heads.layout.has_context_frames:
        gathered = gathered_figure(picked.heads, layer, head, theme=theme).to_json()
    said = json.dumps(_section(look, picked, frame))
    return f'{said[:-1]},"figures":{{"offsets":{offsets},"gathered":{gathered}}}}}'


def heads_download(look: Look, asked: Asked, frame: Frame, kind: str) -> Download:
    """The view as a file, `json` or `npz`.

    Raises:
        SettingError: As `heads_answer`.
    """
    picked = _picked(look, asked, frame)
    view = HeadInspection(heads=picked.heads, look=picked.look)
    return as_download(f"heads-{look.index}", kind, moment_section(look), view)


def _picked(look: Look, asked: Asked, frame: Frame) -> _Picked:
    config = look.model.config
    if not isinstance(config, SpoolConfig):
        raise SettingError(no_heads_over_frames(look.model.card.title))
    box, grid, seconds = read_box(asked.get("region")), patch_grid(look.model), _seconds(look)
    spot = Spot(_nearest(asked.get("frame"), seconds), frame.seen(box) if box else Region())
    heads = look.view("heads", lambda: view_heads(look.seen, grid, frame_seconds=seconds))
    at = look.view(spot, lambda: view_frame(look.seen, grid, spot))
    layers, all_heads = (list(range(count)) for count in heads.thumbnails.shape[:2])
    return _Picked(
        heads=heads,
        look=at,
        layer=chosen("layer", asked.get("layer"), layers, layers[-1]) or 0,
        head=chosen("head", asked.get("head"), all_heads, 0) or 0,
        seconds=seconds,
        is_whole=box is None,
    )


def _seconds(look: Look) -> np.ndarray:
    moment = look.moment
    num_frames = moment.window.num_real_frames
    return window_seconds(moment.state.memory, clip_seconds(look), num_frames)


def _nearest(asked: str | None, seconds: np.ndarray) -> int:
    """The frame of the window that is shown at a time; the newest where none is asked for."""
    if not asked:
        return len(seconds) - 1
    try:
        wanted = float(asked)
    except ValueError:
        raise SettingError(f"frame must be a time in seconds, got {asked!r}") from None
    return int(np.abs(seconds - wanted).argmin())


def _section(look: Look, picked: _Picked, frame: Frame) -> dict[str, Any]:
    heads, at, layer, head = picked.heads, picked.look, picked.layer, picked.head
    context = at.context_share[layer, head]
    ends = [number(share) for share in context] if len(context) else [None, None]
    region = at.asked
    edges = (region.top, region.bottom, region.left, region.right)
    layout = heads.layout
    return {
        "key": f"{look.number}-{layer}-{head}-{at.frame}-{'' if picked.is_whole else edges}",
        "moment": moment_section(look),
        "layer": layer,
        "head": head,
        "num_layers": heads.thumbnails.shape[0],
        "num_heads": heads.thumbnails.shape[1],
        "num_lookback": layout.num_lookback_heads,
        "range": layout.local_frame_range,
        "direction": heads.direction(head),
        "frame": _frame(at.frame, picked.seconds),
        "frames": [_frame(one, picked.seconds) for one in range(layout.num_frames)],
        "grid": _grid(heads),
        "looks": _looks(picked),
        "map_box": list(frame.shown(0, 1, 0, 1)),
        "context": {"start": ends[0], "end": ends[1]},
        "region": None if picked.is_whole else list(frame.shown(*edges)),
        "said": said_of_heads(heads, at, layer, head),
    }


def _frame(number_: int, seconds: np.ndarray) -> dict[str, Any]:
    return {"number": number_, "seconds": round(float(seconds[number_]), 3)}


def _grid(heads: HeadView) -> list[list[dict[str, Any]]]:
    side = heads.thumbnails.shape[-1]
    return [
        [{"side": side, "cells": small_codes(cells)} for cells in layer]
        for layer in heads.thumbnails
    ]


def _looks(picked: _Picked) -> list[dict[str, Any]]:
    """The frames that the picked head may look at, in order."""
    at, layer, head = picked.look, picked.layer, picked.head
    shares = dict(zip(at.frames, at.frame_share[layer, head], strict=True))
    maps = dict(zip(at.map_frames, at.maps[layer, head], strict=True))
    return [
        {
            **_frame(one, picked.seconds),
            "offset": one - at.frame,
            "share": number(shares[one]),
            "map": numbers(maps[one], 6),
        }
        for one in at.map_frames
        if np.isfinite(shares[one])
    ]
