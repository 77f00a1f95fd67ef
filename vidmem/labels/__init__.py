"""What people say of videos, as values: an ethogram, bouts, and what was scored."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vidmem.labels.bout import Bout, BoutSource, LabelledVideo
from vidmem.labels.colours import DEFAULT_COLOURS, default_colours
from vidmem.labels.comparing import UNLABELLED, Difference, compare
from vidmem.labels.ethogram import (
    DEFAULT_AXIS,
    NONE_OF_THESE,
    NOT_SCORED,
    Behaviour,
    BehaviourKind,
    Ethogram,
    none_of_axis,
    reserved_name,
)
from vidmem.labels.labels import Labels, Stretch
from vidmem.labels.merging import Conflict, Merged, OnConflict, merge
from vidmem.labels.postprocessing import (
    BehaviourRule,
    ClassProbabilities,
    PostProcessing,
    postprocess,
)
from vidmem.labels.presets import PRESETS, preset
from vidmem.labels.sampling import NO_CLASS, Samples, sample
from vidmem.labels.spans import Span, Track
from vidmem.labels.spelling import like_spelled, nearly_spelled
from vidmem.labels.tracks import OnOverlap

if TYPE_CHECKING:
    from vidmem.labels.formats import import_file, read, write

__all__ = [
    "DEFAULT_AXIS",
    "DEFAULT_COLOURS",
    "NONE_OF_THESE",
    "NOT_SCORED",
    "NO_CLASS",
    "PRESETS",
    "UNLABELLED",
    "Behaviour",
    "BehaviourKind",
    "BehaviourRule",
    "Bout",
    "BoutSource",
    "ClassProbabilities",
    "Conflict",
    "Difference",
    "Ethogram",
    "LabelledVideo",
    "Labels",
    "Merged",
    "OnConflict",
    "OnOverlap",
    "PostProcessing",
    "Samples",
    "Span",
    "Stretch",
    "Track",
    "compare",
    "default_colours",
    "import_file",
    "like_spelled",
    "merge",
    "nearly_spelled",
    "none_of_axis",
    "postprocess",
    "preset",
    "read",
    "reserved_name",
    "sample",
    "write",
]

# Of files: imported when they are first asked for, so that labels as values are quick to import.
_OF_FILES = {"import_file", "read", "write"}


def __getattr__(name: str) -> Any:
    if name not in _OF_FILES:
        raise AttributeError(f"module 'vidmem.labels' has no attribute {name!r}")
    value = getattr(importlib.import_module("vidmem.labels.formats"), name)
    globals()[name] = value
    return value
