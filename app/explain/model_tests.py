"""The tests of what a score rests on, by name: what each does, and with which models it can."""

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
    has_memory_tokens,
    memory_gradients,
    occlusion,
    pixel_gradients,
    reaches_pixels,
    total_effects,
)

COLUMNS, ROWS = 6, 4
"""Cells of an occluded picture."""

MEMORY_STEPS, PIXEL_STEPS = 32, 64

MAX_EVALUATIONS = 25_000
"""All clips of the longest memory, replayed one by one. It takes long; the page shows how long
before it begins, and it can be cancelled."""

FROZEN = (
    "Not for this model: its image encoder is frozen, and no gradients reach the pixels. Occlusion "
    "shows which part of the picture matters without them."
)
NO_MEMORY = "Not at this moment: nothing was remembered yet, or memory is off."
NO_TOKENS = "Not for this model: it has no tokens in memory."
NO_CAPTUM = "It needs Captum, which is not installed: python -m pip install 'vidmem[inspect]'"


@dataclass(frozen=True, kw_only=True)
class ModelTest:
    """One way to test what a score rests on."""

    name: str
    work: Callable[[RecordedMoment, Subject], Work[Any]]
    is_of_memory: bool = False
    """It is about remembered clips: without any there is nothing to test."""

    needs_captum: bool = True

    num_evaluations: int | None = None
    """Where it is the same at every moment."""


def _total(recorded: RecordedMoment, subject: Subject) -> Work[Any]:
    return total_effects(
        recorded.replay,
        subject.remembered,
        subject.class_index,
        among=subject.among,
        max_evaluations=MAX_EVALUATIONS,
    )


# Gradients take an evaluation per step, and one at each end of their path; occlusion takes one per
# cell, and one of the whole picture.
MODEL_TESTS = {
    test.name: test
    for test in (
        ModelTest(
            name="direct",
            work=lambda recorded, subject: direct_effects(subject, max_evaluations=MAX_EVALUATIONS),
            is_of_memory=True,
        ),
        ModelTest(name="total", work=_total, is_of_memory=True, needs_captum=False),
        ModelTest(
            name="memory",
            work=lambda recorded, subject: memory_gradients(subject, num_steps=MEMORY_STEPS),
            is_of_memory=True,
            num_evaluations=MEMORY_STEPS + 2,
        ),
        ModelTest(
            name="pixels",
            work=lambda recorded, subject: pixel_gradients(subject, num_steps=PIXEL_STEPS),
            num_evaluations=PIXEL_STEPS + 2,
        ),
        ModelTest(
            name="occlusion",
            work=lambda recorded, subject: occlusion(subject, columns=COLUMNS, rows=ROWS),
            num_evaluations=COLUMNS * ROWS + 1,
        ),
    )
}


def has_captum() -> bool:
    """Whether Captum is installed."""
    # Not imported for this, which takes seconds.
    return importlib.util.find_spec("captum") is not None


def why_not(test: ModelTest, model: Any, num_remembered: int | None) -> str:
    """Why a test cannot be done, empty where it can.

    Args:
        test: Of `MODEL_TESTS`.
        model: That gave the score.
        num_remembered: Clips at the moment; None: not known yet.
    """
    if test.needs_captum and not has_captum():
        return NO_CAPTUM
    if test.is_of_memory and num_remembered == 0:
        return NO_MEMORY
    if test.name == "memory" and not has_memory_tokens(model):
        return NO_TOKENS
    if test.name == "pixels" and not reaches_pixels(model):
        return FROZEN
    return ""
