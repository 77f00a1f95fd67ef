"""What the Memory page shows: how much a FAM Swin reads of which remembered clip, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from app.explain.inspector import MomentView
from app.explain.results import TestedMoment
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
)
from app.pages.inside.wording import MEMORY_OFF, mean_age, memory_in_words, no_memory_of_clips
from vidmem.errors import SettingError
from vidmem.figures import (
    ThemeName,
    head_clip_figure,
    mean_age_figure,
    memory_share_figure,
)
from vidmem.inspection import (
    MemoryView,
    PictureBox,
    StageMemory,
    attention_view,
    view_memory,
)


def memory_answer(
    view: MomentView,
    query: Query,
    crop: ModelCrop,
    theme: ThemeName,
    tested: TestedMoment | None = None,
) -> dict[str, Any]:
    """All that the page shows of a moment.

    Args:
        view: The moment.
        query: `stage`, `head` and `region` of the request.
        crop: Where the model's picture lies in the one on view.
        theme: Of the figures.
        tested: Some moment that was tested; its effects are shown where it is this one.

    Raises:
        SettingError: If the model has no memory of clips, or a number is not allowed.
    """
    memory, stage, head = _picked(view, query, crop)
    effects = _effects(view, tested)
    section = _section(view, memory, stage, head, crop)
    if tested is not None and effects:
        # The key names what is drawn, and effects are drawn over the shares.
        section["key"] += f"-{tested.subject.class_index}-{'-'.join(effects)}"
    clips = memory_share_figure(memory, stage.stage, head=head, theme=theme, **effects)
    heads = head_clip_figure(memory, stage.stage, picked_head=head, theme=theme)
    ages = mean_age_figure(memory, stage.stage, picked_head=head, theme=theme)
    return {**section, "figures": {"clips": clips, "heads": heads, "ages": ages}}


def memory_download(view: MomentView, query: Query, crop: ModelCrop, kind: str) -> Download:
    """The view as a file, `json` or `npz`.

    Raises:
        SettingError: As `memory_answer`.
    """
    memory, _, _ = _picked(view, query, crop)
    return as_download(f"memory-{view.index}", kind, moment_section(view), memory)


def _picked(
    view: MomentView, query: Query, crop: ModelCrop
) -> tuple[MemoryView, StageMemory, int | None]:
    if (other := attention_view(view.model)) != "memory":
        raise SettingError(no_memory_of_clips(view.model.card.title, other))
    box = read_box(query.get("region"))
    memory = _memory(view, crop.region(box) if box else PictureBox())
    if not memory.stages:
        raise SettingError(MEMORY_OFF)
    stages = [one.stage for one in memory.stages]
    stage = memory.stage(chosen("stage", query.get("stage"), stages, stages[-1]) or stages[-1])
    heads = list(range(len(stage.no_memory_share)))
    return memory, stage, chosen("head", query.get("head"), heads, None)


def _memory(view: MomentView, region: PictureBox) -> MemoryView:
    def make() -> MemoryView:
        state, first = view.moment.state.memory, view.moment.state.first_index
        seconds = clip_seconds(view)
        memory = view_memory(view.captured, view.model.config, state, seconds, region=region)
        # Memory counts clips from where it began; pages count the windows of the run.
        clips = tuple(replace(clip, index=first + clip.index) for clip in memory.clips)
        return replace(memory, clip_index=first + memory.clip_index, clips=clips)

    return view.made(region, make)


def _effects(view: MomentView, tested: TestedMoment | None) -> dict[str, Any]:
    """`direct` and `total` of this very moment, as far as these were tested."""
    if tested is None or tested.index != view.index or tested.subject.model is not view.model:
        return {}
    both = {"direct": tested.direct, "total": tested.total}
    return {name: effects for name, effects in both.items() if effects is not None}


def _of_head(values: np.ndarray, head: int | None) -> Any:
    # Heads are the first axis.
    return values.mean(0) if head is None else values[head]


def _section(
    view: MomentView, memory: MemoryView, stage: StageMemory, head: int | None, crop: ModelCrop
) -> dict[str, Any]:
    shares = _of_head(stage.clip_share, head)
    age = mean_age(shares, stage.age_seconds)
    order = np.argsort(-shares, kind="stable").tolist()
    is_part = memory.region != PictureBox()
    region = stage.region
    edges = (region.top, region.bottom, region.left, region.right)
    height, width = stage.extent
    # What is drawn under the region that a visitor picks is of the whole picture.
    whole = _memory(view, PictureBox()).stage(stage.stage)
    return {
        "key": f"{view.number}-{stage.stage}-{head}-{edges if is_part else ''}",
        "moment": moment_section(view),
        "stage": stage.stage,
        "stages": [one.stage for one in memory.stages],
        "head": head,
        "num_heads": len(stage.no_memory_share),
        "no_memory": number(_of_head(stage.no_memory_share, head)),
        "mean_age_seconds": number(age, 2),
        "region": list(crop.shown(*edges)) if is_part else None,
        "drawn": numbers(_of_head(whole.drawn, head), 4),
        "drawn_box": list(crop.shown(0, height, 0, width)),
        "clips": _clips(memory, stage, head),
        "strongest": [memory.clips[at].index for at in order],
        "text": memory_in_words(view.moment.prediction, memory, shares, head, age),
    }


def _clips(memory: MemoryView, stage: StageMemory, head: int | None) -> list[dict[str, Any]]:
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
        for at, clip in enumerate(memory.clips)
    ]
