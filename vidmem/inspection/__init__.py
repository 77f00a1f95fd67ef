"""What a model attended to: over memory, and over frames and heads."""

from vidmem.inspection.attribution import (
    direct_effects,
    memory_gradients,
    occlusion,
    pixel_gradients,
)
from vidmem.inspection.attribution_maps import (
    MemoryAttribution,
    OcclusionMap,
    PixelAttribution,
    TokenAttribution,
)
from vidmem.inspection.correlation import attention_agreement, spearman
from vidmem.inspection.effects import ClipEffect, DirectEffects, Replay, TotalEffects, total_effects
from vidmem.inspection.mask_custom import CustomMaskSpec
from vidmem.inspection.mask_frames import BandMaskSpec, ContextMaskSpec, SpoolMaskSpec
from vidmem.inspection.mask_memory import MemoryHistorySpec, MemoryMaskSpec
from vidmem.inspection.mask_spec import Axis, MaskSpec, Reason
from vidmem.inspection.mask_view import BlockView, MaskView, view_mask
from vidmem.inspection.mask_windows import WindowMaskSpec
from vidmem.inspection.replay import RecordedClip, RecordedReplay
from vidmem.inspection.scoring import Score, Subject, judge, log_odds, score_of, see
from vidmem.inspection.slots import empty_slots
from vidmem.inspection.work import MAX_EVALUATIONS, Work
from vidmem.nn.frames import FrameLayout

__all__ = [
    "MAX_EVALUATIONS",
    "Axis",
    "BandMaskSpec",
    "BlockView",
    "ClipEffect",
    "ContextMaskSpec",
    "CustomMaskSpec",
    "DirectEffects",
    "FrameLayout",
    "MaskSpec",
    "MaskView",
    "MemoryAttribution",
    "MemoryHistorySpec",
    "MemoryMaskSpec",
    "OcclusionMap",
    "PixelAttribution",
    "Reason",
    "RecordedClip",
    "RecordedReplay",
    "Replay",
    "Score",
    "SpoolMaskSpec",
    "Subject",
    "TokenAttribution",
    "TotalEffects",
    "WindowMaskSpec",
    "Work",
    "attention_agreement",
    "direct_effects",
    "empty_slots",
    "judge",
    "log_odds",
    "memory_gradients",
    "occlusion",
    "pixel_gradients",
    "score_of",
    "see",
    "spearman",
    "total_effects",
    "view_mask",
]
