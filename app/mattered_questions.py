"""The tests of what mattered, by name: what each asks of a moment, and of which models it can."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vidmem.evaluation import RecordedMoment
from vidmem.inspection import (
    Subject,
    Work,
    direct_effects,
    memory_gradients,
    occlusion,
    pixel_gradients,
    total_effects,
)
from vidmem.models import Spool

COLUMNS, ROWS = 6, 4
"""Cells of an occluded picture."""

MEMORY_STEPS, PIXEL_STEPS = 32, 64

MAX_EVALUATIONS = 25_000
"""All clips of the longest memory, replayed one by one: how long it takes is said before, and it
can be cancelled."""

FROZEN = (
    "Not for this model: its image encoder is frozen, and no gradients reach the pixels. Occlusion "
    "shows which part of the picture matters without them."
)
NO_MEMORY = "Not at this moment: nothing was remembered yet, or memory is off."
NO_CAPTUM = "It needs Captum, which is not installed: python -m pip install 'vidmem[inspect]'"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One way to ask what a score rests on."""

    name: str
    work: Callable[[RecordedMoment, Subject], Work[Any]]
    is_of_memory: bool = False
    """It asks of remembered clips: without any there is nothing to ask."""

    needs_captum: bool = True

    num_evaluations: int | None = None
    """Where it is the same at every moment."""


def _total(recorded: RecordedMoment, subject: Subject) -> Work[Any]:
    return total_effects(
        recorded.replay,
        subject.remembered,
        subject.class_index,
        max_evaluations=MAX_EVALUATIONS,
    )


QUESTIONS = {
    question.name: question
    for question in (
        Question(
            name="direct",
            work=lambda recorded, subject: direct_effects(subject, max_evaluations=MAX_EVALUATIONS),
            is_of_memory=True,
        ),
        Question(name="total", work=_total, is_of_memory=True, needs_captum=False),
        Question(
            name="memory",
            work=lambda recorded, subject: memory_gradients(subject, num_steps=MEMORY_STEPS),
            is_of_memory=True,
            num_evaluations=MEMORY_STEPS + 2,
        ),
        Question(
            name="pixels",
            work=lambda recorded, subject: pixel_gradients(subject, num_steps=PIXEL_STEPS),
            num_evaluations=PIXEL_STEPS + 2,
        ),
        Question(
            name="occlusion",
            work=lambda recorded, subject: occlusion(subject, columns=COLUMNS, rows=ROWS),
            num_evaluations=COLUMNS * ROWS + 1,
        ),
    )
}


def has_captum() -> bool:
    """Whether it is installed; it is not imported."""
    return importlib.util.find_spec("captum") is not None


def why_not(question: Question, model: Any, num_remembered: int | None) -> str:
    """Why it cannot be asked, empty where it can.

    Args:
        question: Of `QUESTIONS`.
        model: Whose score it is.
        num_remembered: Clips at the moment; None: not known yet.
    """
    if question.needs_captum and not has_captum():
        return NO_CAPTUM
    if question.is_of_memory and num_remembered == 0:
        return NO_MEMORY
    if question.name == "pixels" and is_frozen(model):
        return FROZEN
    return ""


def is_frozen(model: Any) -> bool:
    """Whether no gradients reach its pixels."""
    if not isinstance(model, Spool) or model.backbone is None:
        return False
    return model.backbone.config.is_frozen
