"""What people say of videos, as values: an ethogram, bouts, and what was scored."""

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
from vidmem.labels.tracks import OnOverlap

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
    "merge",
    "postprocess",
    "preset",
    "reserved_name",
    "sample",
]
