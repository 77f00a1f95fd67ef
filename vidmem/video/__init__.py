"""Video files and time; knows no model.

Names are imported when first used, so importing this package is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem.video.decode_process import FeedLimits, FrameFeed, SampledFrames, probe_safely
    from vidmem.video.decode_speed import measure_decode_speed
    from vidmem.video.live_address import file_stem, without_credentials
    from vidmem.video.pictures import Picture, PictureReader
    from vidmem.video.probe import VideoInfo, probe_video
    from vidmem.video.reader import Frame, Frames, VideoReader, open_video
    from vidmem.video.sampling import Gap, Window
    from vidmem.video.skipping import SkipGain, measure_skip_gain
    from vidmem.video.transforms import decode_size, to_clip

_HOME = {
    "FeedLimits": "decode_process",
    "Frame": "reader",
    "FrameFeed": "decode_process",
    "Frames": "reader",
    "Gap": "sampling",
    "Picture": "pictures",
    "PictureReader": "pictures",
    "SampledFrames": "decode_process",
    "SkipGain": "skipping",
    "VideoInfo": "probe",
    "VideoReader": "reader",
    "Window": "sampling",
    "decode_size": "transforms",
    "file_stem": "live_address",
    "measure_decode_speed": "decode_speed",
    "measure_skip_gain": "skipping",
    "open_video": "reader",
    "probe_safely": "decode_process",
    "probe_video": "probe",
    "to_clip": "transforms",
    "without_credentials": "live_address",
}

__all__ = [
    "FeedLimits",
    "Frame",
    "FrameFeed",
    "Frames",
    "Gap",
    "Picture",
    "PictureReader",
    "SampledFrames",
    "SkipGain",
    "VideoInfo",
    "VideoReader",
    "Window",
    "decode_size",
    "file_stem",
    "measure_decode_speed",
    "measure_skip_gain",
    "open_video",
    "probe_safely",
    "probe_video",
    "to_clip",
    "without_credentials",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
