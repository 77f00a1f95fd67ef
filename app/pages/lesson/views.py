"""What the page of live teaching shows of a lesson, in plain values."""

from __future__ import annotations

from typing import Any

from app.teaching.live_lessons import OpenLesson
from vidmem.labels import Ethogram
from vidmem.teaching import MAX_BEHAVIOURS


def lesson_answer(opened: OpenLesson) -> dict[str, Any]:
    """A lesson as it is now: examples as `[behaviour, start, end]`, in the order of time."""
    lesson = opened.lesson
    answer, bouts = lesson.answer(), lesson.labels.bouts
    numbers = {name: number for number, name in enumerate(lesson.behaviours)}
    return {
        "video": opened.video,
        "behaviours": [{"name": one.name, "colour": one.colour} for one in lesson.labels.ethogram],
        "examples": [[numbers[one.behaviour], one.start_seconds, one.end_seconds] for one in bouts],
        "probabilities": list(answer.probabilities),
        "left_out_f1": answer.left_out_f1,
        "missing": answer.missing,
        "limit": answer.limit,
        "num_feature_frames": opened.num_feature_frames,
        "fit_seconds": lesson.fitted.seconds if lesson.fitted is not None else None,
        "is_kept": opened.kept == lesson.labels,
    }


def axes_answer(ethogram: Ethogram) -> list[dict[str, Any]]:
    """The axes of the project whose behaviours a lesson can tell apart."""
    states = {axis: [one.name for one in ethogram.states_of(axis)] for axis in ethogram.axes}
    return [
        {"axis": axis, "behaviours": names}
        for axis, names in states.items()
        if 2 <= len(names) <= MAX_BEHAVIOURS
    ]
