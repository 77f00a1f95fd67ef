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
from vidmem.inspection.frame_look import FrameLook, HeadDetail, Spot, frame_look
from vidmem.inspection.head_view import (
    HeadInspection,
    HeadView,
    head_view,
    inspect_heads,
    patch_grid,
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
    MemoryView,
    RememberedClip,
    StageMemory,
    inspect_memory,
    memory_view,
)
from vidmem.inspection.replay import RecordedClip, RecordedReplay
from vidmem.inspection.scoring import Score, Subject, judge, log_odds, score_of, see
from vidmem.inspection.slots import empty_slots
from vidmem.inspection.weights import AttentionWeights, frame_weights, memory_weights
from vidmem.inspection.work import MAX_EVALUATIONS, Work
from vidmem.nn.capture import Capture, capture
from vidmem.nn.frames import FrameLayout

__all__ = [
    "MAX_EVALUATIONS",
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
    "MaskSpec",
    "MaskView",
    "MemoryAttribution",
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
    "frame_look",
    "frame_weights",
    "head_view",
    "inspect_heads",
    "inspect_memory",
    "judge",
    "log_odds",
    "memory_gradients",
    "memory_view",
    "memory_weights",
    "occlusion",
    "patch_grid",
    "pixel_gradients",
    "score_of",
    "see",
    "spearman",
    "total_effects",
    "view_mask",
    "window_seconds",
]
