"""A run in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidmem.units import clock, span

PLAYS = "This run plays. Stop it first."
NOT_HERE = "This run does not play here (any more)."
NO_BOUTS = "There are no predictions of this run (any more)."


def settings_words(settings: Mapping[str, Any]) -> str:
    """What a run judged by: `4 fps · 16 frames · L_mem 25 · from 00:40`.

    Args:
        settings: Of a kept run; what is no number is left out.
    """
    numbers = {
        name: value
        for name, value in settings.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }

    def say(name: str, text: str) -> list[str]:
        return [text.format(numbers[name])] if name in numbers else []

    clip_frames, stride = numbers.get("clip_frames"), numbers.get("window_stride")
    parts = [*say("fps", "{:g} fps"), *say("clip_frames", "{:g} frames")]
    parts += say("window_stride", "every {:g}") if stride != clip_frames else []
    parts += [*say("l_mem", "L_mem {:g}"), *say("local_frame_range", "range {:g}")]
    if numbers.get("min_bout_seconds", 0) > 0:
        parts.append(f"bouts from {span(numbers['min_bout_seconds'])}")
    if numbers.get("start_seconds", 0) > 0:
        parts.append(f"from {clock(numbers['start_seconds'])}")
    return " · ".join(parts)


def model_name(model: str) -> str:
    """A model as people call it: of a folder of their own, its last part."""
    return Path(model).name or model
