"""Views of tiny models, and views made by hand, to be drawn."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import torch

from tests.conftest import make_tiny_model
from tests.inspection.subjects import make_clips, make_spool
from vidmem.inspection import (
    ClipEffect,
    DirectEffects,
    MemoryView,
    PictureBox,
    RememberedClip,
    Score,
    StageMemory,
    TotalEffects,
    inspect_heads,
    inspect_memory,
)

SECONDS_PER_CLIP = 4.0


def make_memory_view(num_clips=4, *, is_timed=True, **state_options):
    """Of a tiny FAM Swin that met `num_clips` clips before."""
    model = make_tiny_model()
    state = model.init_state(1, **state_options)
    *past, now = make_clips(model, num_clips + 1)
    with torch.no_grad():
        for number, clip in enumerate(past):
            state = model.step(clip, state, seconds_of(number)).state
    return inspect_memory(model, now, state, seconds_of(num_clips) if is_timed else None)


def make_long_view(num_clips=150, num_heads=3):
    """As of a long memory, by hand; the shares are random."""
    generator = np.random.default_rng(0)
    shares = generator.dirichlet(np.ones(num_clips * 2 + 1), num_heads).astype(np.float32)
    ages = np.arange(num_clips, 0, -1).astype(np.float32)
    memory = StageMemory(
        stage=4,
        token_share=shares[:, 1:].reshape(num_heads, num_clips, 2),
        no_memory_share=shares[:, 0],
        no_memory_by_query=np.zeros((num_heads, 1, 1, 1), np.float32),
        age_clips=ages,
        age_seconds=ages * SECONDS_PER_CLIP,
        grid=(1, 1, 2),
        extent=(1.0, 1.0),
        region=PictureBox(),
        num_tokens=1,
        num_queries=1,
    )
    clips = tuple(
        RememberedClip(
            slot=slot,
            index=slot + 7,
            age_clips=num_clips - slot,
            start_seconds=(slot + 7) * SECONDS_PER_CLIP,
            end_seconds=(slot + 8) * SECONDS_PER_CLIP,
            age_seconds=(num_clips - slot) * SECONDS_PER_CLIP,
        )
        for slot in range(num_clips)
    )
    return MemoryView(num_clips + 7, PictureBox(), clips, (memory,))


def without_times(view):
    """The same view where nobody said when its clips were."""
    clips = tuple(
        replace(clip, start_seconds=0.0, end_seconds=0.0, age_seconds=None) for clip in view.clips
    )
    unknown = np.full(len(clips), math.nan, np.float32)
    stages = tuple(replace(stage, age_seconds=unknown) for stage in view.stages)
    return replace(view, clips=clips, stages=stages)


def make_effects(kind, effects):
    """`DirectEffects` or `TotalEffects` of so many log-odds, by clip."""
    score = Score(1.5)
    clips = tuple(
        ClipEffect(clip=clip, score=score, without=Score(1.5 - effect))
        for clip, effect in effects.items()
    )
    if kind is DirectEffects:
        return DirectEffects(score=score, nothing_remembered=Score(-1.0), clips=clips)
    return TotalEffects(score=score, clips=clips)


def make_head_inspection(**changes):
    """Of a tiny Spool: its window's heads, and where its newest frame looks."""
    model = make_spool(**changes)
    clip, after = make_clips(model, 2)
    with torch.no_grad():
        state = model.step(clip, model.init_state(1), seconds_of(0)).state
    return inspect_heads(model, after, state, seconds_of(1))


def seconds_of(number):
    return torch.tensor([[number, number + 1]], dtype=torch.float64) * SECONDS_PER_CLIP


def words_of(figure):
    """Title, subtitle and annotations."""
    title = figure.layout.title
    return " ".join(
        [title.text, title.subtitle.text or "", *(note.text for note in figure.layout.annotations)]
    )


def check_drawable(figure):
    """It can be sent to a page, without holes where there should be numbers."""
    sent = json.loads(figure.to_json())
    assert sent["layout"]["template"]["layout"]["paper_bgcolor"]
    for trace in figure.data:
        if trace.type in ("bar", "scatter"):
            values = np.asarray([trace.x, trace.y], dtype=float)
            assert np.isfinite(values).all()
            assert np.shape(values)[1] == len(trace.hovertext)
    return figure
