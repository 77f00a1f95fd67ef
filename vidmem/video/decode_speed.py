"""How fast one decoder gives frames at a model's size."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from vidmem.errors import SettingError
from vidmem.video.frame_feed import FrameFeed

FRAMES_AT_ONCE = 8


def measure_decode_speed(
    path: str | Path,
    *,
    fps: float,
    width: int,
    height: int,
    num_seconds: float = 4.0,
    on_frames: Callable[[float], None] | None = None,
) -> float:
    """Seconds of video that one decoder gives in a second, its start not counted.

    Args:
        path: A video file.
        fps: Sampled frames per second of video.
        width: Pixels across, as the model gets them.
        height: Pixels down.
        num_seconds: How long to decode, at most.
        on_frames: Called after every few frames with the seconds measured so far; what it raises
            ends the measurement.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder fails.
        SettingError: If the video is too short to tell.
    """
    num_frames, seconds = 0, 0.0
    with FrameFeed(path, fps=fps, width=width, height=height) as feed:
        feed.read(FRAMES_AT_ONCE)
        began = time.perf_counter()
        while seconds < num_seconds:
            frames = feed.read(FRAMES_AT_ONCE)
            num_frames += len(frames)
            seconds = time.perf_counter() - began
            if on_frames is not None:
                on_frames(seconds)
            if frames.is_end:
                break
    if num_frames < FRAMES_AT_ONCE:
        raise SettingError(f"{path} is too short to tell how fast it decodes; take a longer one")
    return num_frames / fps / seconds
