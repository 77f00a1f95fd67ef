"""Video files and time; knows no model.

Names are imported when first used, so importing this package is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidmem.video.child.together import limit_children
    from vidmem.video.decode_speed import measure_decode_speed
    from vidmem.video.frame_feed import FeedLimits, FrameFeed, SampledFrames, probe_safely
    from vidmem.video.live.address import file_stem, without_credentials
    from vidmem.video.live.policy import AddressPolicy
    from vidmem.video.pictures import Picture, PictureReader
    from vidmem.video.playing.frame_times import FrameTimes, read_frame_times
    from vidmem.video.playing.proxy import ProxyMaker, ProxyProgress
    from vidmem.video.probe import VideoInfo, probe_video
    from vidmem.video.readers.reader import Frame, Frames, VideoReader, open_video
    from vidmem.video.sampling import Gap, Window
    from vidmem.video.transforms import decode_size, to_clip

_HOME = {
    "AddressPolicy": "live.policy",
    "FeedLimits": "frame_feed",
    "Frame": "readers.reader",
    "FrameFeed": "frame_feed",
    "FrameTimes": "playing.frame_times",
    "Frames": "readers.reader",
    "Gap": "sampling",
    "Picture": "pictures",
    "PictureReader": "pictures",
    "ProxyMaker": "playing.proxy",
    "ProxyProgress": "playing.proxy",
    "SampledFrames": "frame_feed",
    "VideoInfo": "probe",
    "VideoReader": "readers.reader",
    "Window": "sampling",
    "decode_size": "transforms",
    "file_stem": "live.address",
    "limit_children": "child.together",
    "measure_decode_speed": "decode_speed",
    "open_video": "readers.reader",
    "probe_safely": "frame_feed",
    "probe_video": "probe",
    "read_frame_times": "playing.frame_times",
    "to_clip": "transforms",
    "without_credentials": "live.address",
}

__all__ = [
    "AddressPolicy",
    "FeedLimits",
    "Frame",
    "FrameFeed",
    "FrameTimes",
    "Frames",
    "Gap",
    "Picture",
    "PictureReader",
    "ProxyMaker",
    "ProxyProgress",
    "SampledFrames",
    "VideoInfo",
    "VideoReader",
    "Window",
    "decode_size",
    "file_stem",
    "limit_children",
    "measure_decode_speed",
    "open_video",
    "probe_safely",
    "probe_video",
    "read_frame_times",
    "to_clip",
    "without_credentials",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
