"""What a model attended to: over memory, and over frames and heads."""

from vidmem.inspection.architectures import (
    AttentionView,
    attention_view,
    has_memory_tokens,
    reaches_pixels,
)
from vidmem.inspection.attention.frame import FrameLook, HeadDetail, Spot, view_frame
from vidmem.inspection.attention.heads import (
    HeadInspection,
    HeadView,
    HeadWatch,
    inspect_heads,
    patch_grid,
    view_heads,
    window_seconds,
)
from vidmem.inspection.attention.maps import PictureBox, TokenGrid
from vidmem.inspection.attention.memory import (
    MemoryDetail,
    MemoryView,
    RememberedClip,
    StageMemory,
    inspect_memory,
    view_memory,
)
from vidmem.inspection.attention.weights import AttentionWeights, frame_weights, memory_weights
from vidmem.inspection.attribution.correlation import attention_agreement, spearman
from vidmem.inspection.attribution.effects import (
    ClipEffect,
    DirectEffects,
    Replay,
    TotalEffects,
    total_effects,
)
from vidmem.inspection.attribution.empty_slots import empty_slots
from vidmem.inspection.attribution.gradients import (
    direct_effects,
    memory_gradients,
    occlusion,
    pixel_gradients,
)
from vidmem.inspection.attribution.maps import (
    MemoryAttribution,
    OcclusionMap,
    PixelAttribution,
    TokenAttribution,
)
from vidmem.inspection.attribution.replay import RecordedClip, RecordedReplay
from vidmem.inspection.attribution.subject import (
    Score,
    Subject,
    continue_step,
    log_odds,
    score_of,
    see,
)
from vidmem.inspection.attribution.work import MAX_EVALUATIONS, Work
from vidmem.inspection.masks.checking.check import MaskReport, check_mask
from vidmem.inspection.masks.checking.diff import MaskDiff, MaskRowDifference, diff_masks
from vidmem.inspection.masks.checking.finding import FINDING_KINDS, MaskFinding
from vidmem.inspection.masks.checking.intent import MaskIntent
from vidmem.inspection.masks.custom import CustomMaskSpec
from vidmem.inspection.masks.dense import DenseMaskSpec
from vidmem.inspection.masks.evaluation import MaskShape
from vidmem.inspection.masks.frames import BandMaskSpec, ContextMaskSpec, SpoolMaskSpec
from vidmem.inspection.masks.memory import MemoryHistorySpec, MemoryMaskSpec
from vidmem.inspection.masks.saved import mask_of_bytes, read_mask
from vidmem.inspection.masks.spec import Axis, MaskSpec, Reason
from vidmem.inspection.masks.view import BlockView, MaskView, view_mask
from vidmem.inspection.masks.windows import WindowMaskSpec
from vidmem.inspection.reach.reach import ReachReport, grad_reach
from vidmem.inspection.records import ArrayRecord
from vidmem.nn.capture import Capture, capture
from vidmem.nn.frames import FrameLayout
from vidmem.renamed import renamed_names

__all__ = [
    "FINDING_KINDS",
    "MAX_EVALUATIONS",
    "ArrayRecord",
    "AttentionView",
    "AttentionWeights",
    "Axis",
    "BandMaskSpec",
    "BlockView",
    "Capture",
    "ClipEffect",
    "ContextMaskSpec",
    "CustomMaskSpec",
    "DenseMaskSpec",
    "DirectEffects",
    "FrameLayout",
    "FrameLook",
    "HeadDetail",
    "HeadInspection",
    "HeadView",
    "HeadWatch",
    "MaskDiff",
    "MaskFinding",
    "MaskIntent",
    "MaskReport",
    "MaskRowDifference",
    "MaskShape",
    "MaskSpec",
    "MaskView",
    "MemoryAttribution",
    "MemoryDetail",
    "MemoryHistorySpec",
    "MemoryMaskSpec",
    "MemoryView",
    "OcclusionMap",
    "PictureBox",
    "PixelAttribution",
    "ReachReport",
    "Reason",
    "RecordedClip",
    "RecordedReplay",
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
    "attention_view",
    "capture",
    "check_mask",
    "continue_step",
    "diff_masks",
    "direct_effects",
    "empty_slots",
    "frame_weights",
    "grad_reach",
    "has_memory_tokens",
    "inspect_heads",
    "inspect_memory",
    "log_odds",
    "mask_of_bytes",
    "memory_gradients",
    "memory_weights",
    "occlusion",
    "patch_grid",
    "pixel_gradients",
    "reaches_pixels",
    "read_mask",
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

__getattr__ = renamed_names(
    __name__,
    {
        "Region": "PictureBox",
        "judge": "continue_step",
    },
)
