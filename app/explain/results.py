"""Results of the tests of one moment, kept together: for the page, as figures and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from app.explain import wording
from vidmem.evaluation import RecordedMoment
from vidmem.figures import (
    ThemeName,
    effects_figure,
    memory_share_figure,
    occlusion_figure,
    pixel_figure,
)
from vidmem.inspection import (
    ClipEffect,
    DirectEffects,
    MemoryAttribution,
    MemoryView,
    OcclusionMap,
    PixelAttribution,
    Score,
    Subject,
    TotalEffects,
    attention_agreement,
    attention_view,
    inspect_memory,
)
from vidmem.plain import to_json
from vidmem.streaming import framed_pixels

GRID = (4, 6)
"""Rows and columns of the cells over which attributions to pixels are summed for the file."""

DOT_SHIFT = 0.12
"""Of direct and total effects to either side of their clip, in clips."""


@dataclass(eq=False)
class TestedMoment:
    """Results for one class at one moment. Written by one thread, read by any."""

    recorded: RecordedMoment
    subject: Subject
    results: dict[str, Any] = field(default_factory=dict)
    """By the name of the test."""

    view: MemoryView | None = None
    """What the model read in memory; None: it has none, or none of FAM Swin's kind."""

    def read_attention(self) -> None:
        """Keep where attention went, to compare effects with; takes one evaluation."""
        subject, state = self.subject, self.subject.state
        model: Any = subject.model
        if attention_view(model) == "memory" and subject.remembered:
            window = self.recorded.moment.window
            seconds = torch.tensor([[window.start_seconds, window.end_seconds]], dtype=torch.double)
            view = inspect_memory(model, subject.clip, state, seconds)
            first = subject.first_index  # a view counts clips from where the stream began
            clips = tuple(replace(clip, index=first + clip.index) for clip in view.clips)
            self.view = replace(view, clips=clips)

    @property
    def index(self) -> int:
        """The window."""
        return self.recorded.moment.window.index

    @property
    def class_name(self) -> str:
        """The class whose score is explained."""
        return self.subject.model.card.class_names[self.subject.class_index]

    @property
    def direct(self) -> DirectEffects | None:
        """Direct effects, where they were tested."""
        return self.results.get("direct")

    @property
    def total(self) -> TotalEffects | None:
        """Total effects, where they were tested."""
        return self.results.get("total")

    @cached_property
    def seconds(self) -> dict[int, tuple[float, float]]:
        """Source time of each remembered window."""
        state, first = self.subject.state, self.subject.first_index
        clips, seconds = state.slot_clips[0].tolist(), state.slot_seconds[0].tolist()
        return {
            first + clip: (start, end)
            for clip, (start, end) in zip(clips, seconds, strict=True)
            if clip >= 0
        }

    @property
    def shares(self) -> dict[int, float]:
        """Attention per remembered window: the mean of the heads of the last stage with memory."""
        if self.view is None or not self.view.stages:
            return {}
        mean = self.view.stages[-1].clip_share.mean(0)
        return {clip.index: float(share) for clip, share in zip(self.view.clips, mean, strict=True)}

    def effects(self, name: str) -> Sequence[ClipEffect]:
        """Of the clips: `direct` or `total`; none where that was not tested."""
        result = self.results.get(name)
        return result.clips if result is not None else ()

    @property
    def agreement(self) -> dict[str, float | None]:
        """Rank correlation of attention with each effect."""
        return {
            name: attention_agreement(self.shares, self.effects(name))
            for name in ("direct", "total")
        }

    def as_dict(self) -> dict[str, Any]:
        """What the page shows, in plain values."""
        return {
            "moment": self._moment(),
            "picture": list(self._pictures().shape[1:3]),
            "class": self.subject.class_index,
            "class_name": self.class_name,
            "score": _score(self.subject.score()),
            "clips": [
                {"index": clip, "start_seconds": start, "end_seconds": end}
                for clip, (start, end) in sorted(self.seconds.items())
            ],
            "stage": self.view.stages[-1].stage if self.view and self.view.stages else None,
            "shares": {str(clip): share for clip, share in self.shares.items()},
            "agreement": self.agreement,
            "texts": self._texts(),
            "results": {name: self._plain(name) for name in self.results},
        }

    def _moment(self) -> dict[str, Any]:
        moment = self.recorded.moment
        return {
            "index": self.index,
            "start_seconds": moment.window.start_seconds,
            "end_seconds": moment.window.end_seconds,
            "label": moment.prediction.label,
            "probability": moment.prediction.probability,
            "model": self.subject.model.card.title,
        }

    def _texts(self) -> dict[str, str]:
        sentences = {}
        for name in ("direct", "total"):
            if name in self.results:
                effects = self.effects(name)
                sentences[name] = wording.strongest(name, self.class_name, effects, self.seconds)
                if self.shares:
                    sentences[f"agreement_{name}"] = wording.agreement(name, self.agreement[name])
        for name in ("memory", "pixels"):
            if name in self.results:
                sentences[name] = wording.adds_up(self.results[name].completeness_error)
        if "occlusion" in self.results:
            sentences["occlusion"] = wording.occluded(self.class_name, self.results["occlusion"])
        return sentences | self._texts_of_direct()

    def _texts_of_direct(self) -> dict[str, str]:
        direct, total = self.direct, self.total
        if direct is None:
            return {}
        nothing = {"nothing": wording.nothing_remembered(self.class_name, direct)}
        if total is None:
            return nothing
        if self.view is None:
            return nothing | {"both": wording.NO_FEEDBACK}
        both = wording.direct_beside_total(direct.clips, total.clips, self.seconds)
        return nothing | {"both": both}

    def _plain(self, name: str) -> dict[str, Any]:
        result = self.results[name]
        if isinstance(result, DirectEffects):
            nothing = {"nothing_remembered": _score(result.nothing_remembered)}
            return {"score": _score(result.score), **nothing, "clips": _effects(result.clips)}
        if isinstance(result, TotalEffects):
            return {"score": _score(result.score), "clips": _effects(result.clips)}
        if isinstance(result, MemoryAttribution):
            return self._memory(result)
        if isinstance(result, PixelAttribution):
            return {
                "score": _score(result.score),
                "neutral_score": _score(result.neutral_score),
                "completeness_error": result.completeness_error,
                "cells": result.cells(*GRID).tolist(),
            }
        assert isinstance(result, OcclusionMap)
        return {"score": _score(result.score), "log_odds": result.values.tolist()}

    def _memory(self, result: MemoryAttribution) -> dict[str, Any]:
        extents = {stage.stage: stage.extent for stage in self.view.stages} if self.view else {}
        return {
            "score": _score(result.score),
            "baseline_score": _score(result.baseline_score),
            "completeness_error": result.completeness_error,
            "clips": list(result.clips),
            "by_clip": list(result.by_clip),
            "stages": [
                {
                    "stage": one.stage,
                    "extent": list(extents.get(one.stage or 0, (1.0, 1.0))),
                    "maps": one.values.sum(1).tolist(),  # over the times of a clip
                }
                for one in result.maps
            ],
        }

    def figures(self, theme: ThemeName) -> dict[str, Any]:
        """Plotly figures, by what they show."""
        drawn: dict[str, Any] = {}
        if (self.direct or self.total) and self.seconds:
            drawn["effects"] = self._effects_figure(theme)
        pixels, moment = self._pictures(), self.recorded.moment
        if (occlusion := self.results.get("occlusion")) is not None:
            drawn["occlusion"] = occlusion_figure(occlusion, pixels[len(pixels) // 2], theme=theme)
        if (own := self.results.get("pixels")) is not None:
            count, real = len(own.values), moment.window.num_real_frames
            length = moment.window.end_seconds - moment.window.start_seconds
            seconds = moment.window.start_seconds + length * np.arange(count) / real
            drawn["pixels"] = pixel_figure(
                own, list(pixels[:count]), frame_seconds=seconds, theme=theme
            )
        return drawn

    def _pictures(self) -> np.ndarray:
        """The frames as the model saw them: that is what maps over pixels lie on."""
        return framed_pixels(self.recorded.moment.pixels, self.subject.model.card).numpy()

    def _effects_figure(self, theme: ThemeName) -> Any:
        if self.view is None:  # no bars of attention to draw them over
            return effects_figure(self.direct, self.total, theme=theme)
        stage = self.view.stages[-1].stage
        figure: Any = memory_share_figure(
            self.view, stage, direct=self.direct, total=self.total, theme=theme
        )
        dots = list(figure.select_traces({"type": "scatter"}))
        if len(dots) == 2:  # where both say the same, one would hide the other
            for trace, shift in zip(dots, (-DOT_SHIFT, DOT_SHIFT), strict=True):
                trace.x = [place + shift for place in trace.x]
        return figure.update_layout(title_text=wording.EFFECTS_TITLE)

    def as_json(self) -> bytes:
        """All of it, as a file."""
        return to_json(self.as_dict(), indent=1).encode()


def _score(score: Score) -> dict[str, float]:
    return {"log_odds": score.log_odds, "probability": score.probability}


def _effects(effects: Sequence[ClipEffect]) -> list[dict[str, float]]:
    return [
        {
            "clip": effect.clip,
            "log_odds": effect.log_odds,
            "probability": effect.probability,
            "probability_without": effect.without.probability,
        }
        for effect in effects
    ]
