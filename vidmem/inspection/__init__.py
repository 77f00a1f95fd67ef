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
from vidmem.inspection.frame_look import FrameLook, HeadDetail, Spot, view_frame
from vidmem.inspection.head_view import (
    HeadInspection,
    HeadView,
    HeadWatch,
    inspect_heads,
    patch_grid,
    view_heads,
    window_seconds,
)
from vidmem.inspection.maps import Region, TokenGrid
from vidmem.inspection.mask_custom import CustomMaskSpec
from vidmem.inspection.mask_frames import BandMaskSpec, ContextMaskSpec, SpoolMaskSpec
from vidmem.inspection.mask_memory import MemoryHistorySpec, MemoryMaskSpec
from vidmem.inspection.mask_spec import Axis, MaskSpec, Reason
from vidmem.inspection.mask_view import BlockView, MaskView, view_mask
from vidmem.inspection.mask_windows import WindowMaskSpec
from vidmem.inspection.memory_view import (
    MemoryDetail,
    MemoryView,
    RememberedClip,
    StageMemory,
    inspect_memory,
    view_memory,
)
from vidmem.inspection.records import ArrayRecord
from vidmem.inspection.replay import RecordedClip, RecordedReplay
from vidmem.inspection.scoring import Score, Subject, judge, log_odds, score_of, see
from vidmem.inspection.slots import empty_slots
from vidmem.inspection.weights import AttentionWeights, frame_weights, memory_weights
from vidmem.inspection.work import MAX_EVALUATIONS, Work
from vidmem.nn.capture import Capture, capture
from vidmem.nn.frames import FrameLayout

__all__ = [
    "MAX_EVALUATIONS",
    "ArrayRecord",
    "AttentionWeights",
    "Axis",
    "BandMaskSpec",
    "BlockView",
    "Capture",
    "ClipEffect",
    "ContextMaskSpec",
    "CustomMaskSpec",
    "DirectEffects",
    "FrameLayout",
    "FrameLook",
    "HeadDetail",
    "HeadInspection",
    "HeadView",
    "HeadWatch",
    "MaskSpec",
    "MaskView",
    "MemoryAttribution",
    "MemoryDetail",
    "MemoryHistorySpec",
    "MemoryMaskSpec",
    "MemoryView",
    "OcclusionMap",
    "PixelAttribution",
    "Reason",
    "RecordedClip",
    "RecordedReplay",
    "Region",
    "RememberedClip",
    "Replay",
    "Score",
    "SpoolMaskSpec",
    "Spot",
    "StageMemory",
    "Subject",
    "TokenAttribution",
    "TokenGrid",
    "TotalEffects",
    "WindowMaskSpec",
    "Work",
    "attention_agreement",
    "capture",
    "direct_effects",
    "empty_slots",
    "frame_weights",
    "inspect_heads",
    "inspect_memory",
    "judge",
    "log_odds",
    "memory_gradients",
    "memory_weights",
    "occlusion",
    "patch_grid",
    "pixel_gradients",
    "score_of",
    "see",
    "spearman",
    "total_effects",
    "view_frame",
    "view_heads",
    "view_mask",
    "view_memory",
    "window_seconds",
]
