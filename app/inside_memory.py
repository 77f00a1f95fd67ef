"""What the Memory page shows: how much a FAM Swin reads of which remembered clip, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from app.inside import Look
from app.inside_text import MEMORY_OFF, mean_age, no_memory_of_clips, said_of_memory
from app.inside_views import (
    Frame,
    as_download,
    chosen,
    clip_seconds,
    moment_section,
    number,
    numbers,
    read_box,
)
from app.masks import Download
from app.mattered_found import Found
from vidmem.errors import SettingError
from vidmem.figures import (
    ThemeName,
    head_clip_figure,
    mean_age_figure,
    memory_share_figure,
)
from vidmem.inspection import MemoryView, Region, StageMemory, view_memory
from vidmem.models import FamSwinConfig

Asked = Mapping[str, str]


def memory_answer(look: Look, asked: Asked, frame: Frame, found: Found | None = None) -> str:
    """All that the page shows of a moment, as JSON.

    Args:
        look: The moment.
        asked: `stage`, `head`, `region` and `theme` of the request.
        frame: Where the model's picture lies in the one on view.
        found: What tests of some moment found; it is shown where it is of this one.

    Raises:
        SettingError: If the model has no memory of clips, or a number is not allowed.
    """
    view, stage, head = _asked(look, asked, frame)
    theme: ThemeName = "dark" if asked.get("theme") == "dark" else "light"
    effects = _effects(look, found)
    drawn = {
        "clips": memory_share_figure(view, stage.stage, head=head, theme=theme, **effects),
        "heads": head_clip_figure(view, stage.stage, picked_head=head, theme=theme),
        "ages": mean_age_figure(view, stage.stage, picked_head=head, theme=theme),
    }
    figures = ",".join(f'"{name}":{figure.to_json()}' for name, figure in drawn.items())
    section = _section(look, view, stage, head, frame)
    if found is not None and effects:
        section["key"] += f"-{found.subject.class_index}-{'-'.join(effects)}"
    said = json.dumps(section)
    return f'{said[:-1]},"figures":{{{figures}}}}}'


def memory_download(look: Look, asked: Asked, frame: Frame, kind: str) -> Download:
    """The view as a file, `json` or `npz`.

    Raises:
        SettingError: As `memory_answer`.
    """
    view, _, _ = _asked(look, asked, frame)
    return as_download(f"memory-{look.index}", kind, moment_section(look), view)


def _asked(look: Look, asked: Asked, frame: Frame) -> tuple[MemoryView, StageMemory, int | None]:
    config = look.model.config
    if not isinstance(config, FamSwinConfig) or config.memory is None:
        raise SettingError(no_memory_of_clips(look.model.card.title))
    box = read_box(asked.get("region"))
    view = _view(look, frame.seen(box) if box else Region())
    if not view.stages:
        raise SettingError(MEMORY_OFF)
    stages = [one.stage for one in view.stages]
    stage = view.stage(chosen("stage", asked.get("stage"), stages, stages[-1]) or stages[-1])
    heads = list(range(len(stage.no_memory_share)))
    return view, stage, chosen("head", asked.get("head"), heads, None)


def _view(look: Look, region: Region) -> MemoryView:
    """With the numbers of windows, which go on where the memory begins anew."""

    def make() -> MemoryView:
        state, first = look.moment.state.memory, look.moment.state.first_index
        seconds = clip_seconds(look)
        view = view_memory(look.seen, look.model.config, state, seconds, region=region)
        clips = tuple(replace(clip, index=first + clip.index) for clip in view.clips)
        return replace(view, clip_index=first + view.clip_index, clips=clips)

    return look.view(region, make)


def _effects(look: Look, found: Found | None) -> dict[str, Any]:
    """`direct` and `total` of this very moment, as far as they were asked for."""
    if found is None or found.index != look.index or found.subject.model is not look.model:
        return {}
    tested = {"direct": found.direct, "total": found.total}
    return {name: effects for name, effects in tested.items() if effects is not None}


def _of_head(values: np.ndarray, head: int | None) -> Any:
    """Of one head, or the mean of all: the first axis."""
    return values.mean(0) if head is None else values[head]


def _section(
    look: Look, view: MemoryView, stage: StageMemory, head: int | None, frame: Frame
) -> dict[str, Any]:
    shares = _of_head(stage.clip_share, head)
    age = mean_age(shares, stage.age_seconds)
    order = np.argsort(-shares, kind="stable").tolist()
    is_asked = view.region != Region()
    region = stage.asked
    edges = (region.top, region.bottom, region.left, region.right)
    height, width = stage.extent
    return {
        "key": f"{look.number}-{stage.stage}-{head}-{edges if is_asked else ''}",
        "moment": moment_section(look),
        "stage": stage.stage,
        "stages": [one.stage for one in view.stages],
        "head": head,
        "num_heads": len(stage.no_memory_share),
        "no_memory": number(_of_head(stage.no_memory_share, head)),
        "mean_age_seconds": number(age, 2),
        "region": list(frame.shown(*edges)) if is_asked else None,
        "drawn": numbers(_of_head(_view(look, Region()).stage(stage.stage).drawn, head), 4),
        "drawn_box": list(frame.shown(0, height, 0, width)),
        "clips": _clips(view, stage, head),
        "strongest": [view.clips[at].index for at in order],
        "said": said_of_memory(look.moment.prediction, view, shares, head, age),
    }


def _clips(view: MemoryView, stage: StageMemory, head: int | None) -> list[dict[str, Any]]:
    maps, shares = _of_head(stage.maps, head), _of_head(stage.clip_share, head)
    return [
        {
            "index": clip.index,
            "age_clips": clip.age_clips,
            "age_seconds": None if clip.age_seconds is None else round(clip.age_seconds, 3),
            "start_seconds": clip.start_seconds,
            "end_seconds": clip.end_seconds,
            "share": number(shares[at]),
            "map": numbers(maps[at], 6),
        }
        for at, clip in enumerate(view.clips)
    ]
