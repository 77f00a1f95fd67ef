"""Teaching a model one's own behaviours from minutes of labels."""

from vidmem.models import FeatureConfig
from vidmem.teaching.encoding import (
    CancelledError,
    EncodingCancelledError,
    EncodingProgress,
    VideoFeatures,
    encode_regions,
    encode_video,
    find_features,
)
from vidmem.teaching.learners import LEARNERS, MODEL_NAMES, LearnerKind
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.lessons import find_videos
from vidmem.teaching.report import CandidateReport, TeachReport, read_report
from vidmem.teaching.splits import Split, SplitConfig, SplitMethod
from vidmem.teaching.subjects import ANY_VIDEO, Regions, checked_regions, read_regions
from vidmem.teaching.teach import TeachConfig, TeachProgress, teach
from vidmem.teaching.warm_start import WarmStart

__all__ = [
    "ANY_VIDEO",
    "LEARNERS",
    "MODEL_NAMES",
    "CancelledError",
    "CandidateReport",
    "EncodingCancelledError",
    "EncodingProgress",
    "FeatureConfig",
    "LearnConfig",
    "LearnerKind",
    "Regions",
    "Split",
    "SplitConfig",
    "SplitMethod",
    "TeachConfig",
    "TeachProgress",
    "TeachReport",
    "VideoFeatures",
    "WarmStart",
    "checked_regions",
    "encode_regions",
    "encode_video",
    "find_features",
    "find_videos",
    "read_regions",
    "read_report",
    "teach",
]
