"""Teaching a model one's own behaviours from minutes of labels."""

from vidmem.models import FeatureConfig
from vidmem.teaching.encoding import (
    CancelledError,
    EncodingCancelledError,
    EncodingProgress,
    VideoFeatures,
    encode_video,
    find_features,
)
from vidmem.teaching.learners import LEARNERS, MODEL_NAMES, LearnerKind
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.lessons import find_videos
from vidmem.teaching.report import CandidateReport, TeachReport, read_report
from vidmem.teaching.splits import Split, SplitConfig, SplitMethod
from vidmem.teaching.teach import TeachConfig, TeachProgress, teach

__all__ = [
    "LEARNERS",
    "MODEL_NAMES",
    "CancelledError",
    "CandidateReport",
    "EncodingCancelledError",
    "EncodingProgress",
    "FeatureConfig",
    "LearnConfig",
    "LearnerKind",
    "Split",
    "SplitConfig",
    "SplitMethod",
    "TeachConfig",
    "TeachProgress",
    "TeachReport",
    "VideoFeatures",
    "encode_video",
    "find_features",
    "find_videos",
    "read_report",
    "teach",
]
