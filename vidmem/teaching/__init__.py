"""Teaching a model one's own behaviours from minutes of labels."""

from vidmem.models import FeatureConfig
from vidmem.teaching.encoding import (
    CancelledError,
    EncodingCancelledError,
    EncodingProgress,
    VideoFeatures,
    encode_video,
)
from vidmem.teaching.judged import JudgedSpan
from vidmem.teaching.learners import LEARNERS, MODEL_NAMES, LearnerKind
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.lessons import find_videos
from vidmem.teaching.preview import TeachPreview, preview_teaching
from vidmem.teaching.report import (
    GOOD_F1,
    USABLE_F1,
    CandidateReport,
    TeachReport,
    read_report,
)
from vidmem.teaching.splits import Split, SplitConfig, SplitMethod
from vidmem.teaching.teach import TeachConfig, TeachProgress, teach

__all__ = [
    "GOOD_F1",
    "LEARNERS",
    "MODEL_NAMES",
    "USABLE_F1",
    "CancelledError",
    "CandidateReport",
    "EncodingCancelledError",
    "EncodingProgress",
    "FeatureConfig",
    "JudgedSpan",
    "LearnConfig",
    "LearnerKind",
    "Split",
    "SplitConfig",
    "SplitMethod",
    "TeachConfig",
    "TeachPreview",
    "TeachProgress",
    "TeachReport",
    "VideoFeatures",
    "encode_video",
    "find_videos",
    "preview_teaching",
    "read_report",
    "teach",
]
