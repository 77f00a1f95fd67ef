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
from vidmem.teaching.live.examples import MAX_BEHAVIOURS
from vidmem.teaching.live.lesson import (
    SAMPLED_FPS,
    LessonAnswer,
    LiveLesson,
    load_lesson_encoder,
)
from vidmem.teaching.preview import TeachPreview, preview_teaching
from vidmem.teaching.report.judged import JudgedSpan
from vidmem.teaching.report.report import (
    GOOD_F1,
    USABLE_F1,
    CandidateReport,
    TeachReport,
    read_report,
)
from vidmem.teaching.splits import Split, SplitConfig, SplitMethod
from vidmem.teaching.subjects import (
    ANY_VIDEO,
    Regions,
    checked_regions,
    read_regions,
    regions_from_json,
)
from vidmem.teaching.teach import TeachConfig, TeachProgress, teach
from vidmem.teaching.warm_start import WarmStart

__all__ = [
    "ANY_VIDEO",
    "GOOD_F1",
    "LEARNERS",
    "MAX_BEHAVIOURS",
    "MODEL_NAMES",
    "SAMPLED_FPS",
    "USABLE_F1",
    "CancelledError",
    "CandidateReport",
    "EncodingCancelledError",
    "EncodingProgress",
    "FeatureConfig",
    "JudgedSpan",
    "LearnConfig",
    "LearnerKind",
    "LessonAnswer",
    "LiveLesson",
    "Regions",
    "Split",
    "SplitConfig",
    "SplitMethod",
    "TeachConfig",
    "TeachPreview",
    "TeachProgress",
    "TeachReport",
    "VideoFeatures",
    "WarmStart",
    "checked_regions",
    "encode_regions",
    "encode_video",
    "find_features",
    "find_videos",
    "load_lesson_encoder",
    "preview_teaching",
    "read_regions",
    "read_report",
    "regions_from_json",
    "teach",
]
