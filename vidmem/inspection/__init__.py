"""What a model attended to: over memory, and over frames and heads."""

from vidmem.inspection.mask_custom import CustomMaskSpec
from vidmem.inspection.mask_frames import BandMaskSpec, ContextMaskSpec, SpoolMaskSpec
from vidmem.inspection.mask_memory import MemoryHistorySpec, MemoryMaskSpec
from vidmem.inspection.mask_spec import Axis, MaskSpec, Reason
from vidmem.inspection.mask_view import BlockView, MaskView, view_mask
from vidmem.inspection.mask_windows import WindowMaskSpec
from vidmem.nn.frames import FrameLayout

__all__ = [
    "Axis",
    "BandMaskSpec",
    "BlockView",
    "ContextMaskSpec",
    "CustomMaskSpec",
    "FrameLayout",
    "MaskSpec",
    "MaskView",
    "MemoryHistorySpec",
    "MemoryMaskSpec",
    "Reason",
    "SpoolMaskSpec",
    "WindowMaskSpec",
    "view_mask",
]
