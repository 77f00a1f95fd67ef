"""Generated videos of farrowing pens whose labels are known exactly."""

from vidmem.data.barn.behaviour import CLASS_NAMES, LOOK_ALIKES, VISIBLE_CLASSES, BarnConfig, Bout
from vidmem.data.barn.dataset import LabelledClips, focal_poses, label_windows, render_clips
from vidmem.data.barn.video import BarnVideo
from vidmem.data.barn.writing import WrittenVideo, write_labels, write_video

__all__ = [
    "CLASS_NAMES",
    "LOOK_ALIKES",
    "VISIBLE_CLASSES",
    "BarnConfig",
    "BarnVideo",
    "Bout",
    "LabelledClips",
    "WrittenVideo",
    "focal_poses",
    "label_windows",
    "render_clips",
    "write_labels",
    "write_video",
]
