"""What the project is told of a video that is added to it."""

from __future__ import annotations

import math
from typing import Any

from app.projects.recording_start import start_of
from app.sources.shelf import Video
from vidmem.projects import VideoFacts


def facts_of(video: Video, info: Any, *, has_start: bool = True) -> VideoFacts:
    """Length, rate, and when the recording began, as far as its file and its name say.

    Args:
        video: What it is called.
        info: What its file was found to be; see `vidmem.video.VideoInfo`.
        has_start: False: leave out when it began, such as of a video that the project has already,
            whose start somebody may have taken away.
    """
    seconds, fps = info.duration_seconds, info.fps
    started = start_of(f"{video.title}/{video.path.name}", info) if has_start else None
    return VideoFacts(
        duration_seconds=seconds if 0 < seconds < math.inf else None,
        fps=fps if fps and 0 < fps < math.inf else None,
        start=started[0] if started else None,
        start_from=started[1] if started else None,
    )
