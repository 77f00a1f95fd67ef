"""Generated videos of farrowing pens whose labels are known exactly."""

from vidmem.data.barn.behaviour import (
    CLASS_NAMES,
    LOOK_ALIKES,
    VISIBLE_CLASSES,
    BarnConfig,
    DrawnBout,
)
from vidmem.data.barn.dataset import (
    MOMENTS,
    LabelledClips,
    label_windows,
    render_clips,
    see_sows,
)
from vidmem.data.barn.video import SIGHTING_KINDS, BarnVideo, Sighting
from vidmem.data.barn.writing import WrittenVideo, write_labels, write_video
from vidmem.renamed import renamed_names

__all__ = [
    "CLASS_NAMES",
    "LOOK_ALIKES",
    "MOMENTS",
    "SIGHTING_KINDS",
    "VISIBLE_CLASSES",
    "BarnConfig",
    "BarnVideo",
    "DrawnBout",
    "LabelledClips",
    "Sighting",
    "WrittenVideo",
    "label_windows",
    "render_clips",
    "see_sows",
    "write_labels",
    "write_video",
]

__getattr__ = renamed_names(
    __name__,
    {
        "Bout": "DrawnBout",
    },
)
