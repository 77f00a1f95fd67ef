"""What the app says of live sources: addresses, cameras, webcams."""

from __future__ import annotations

import math
import time

from app.text import clock, span
from vidmem.streaming import LiveFigures

WEBCAM = "this device's camera"
WEBCAM_TITLE = "This device's camera"
NO_PICTURES = "no picture came from the camera for {seconds:.0f} s"
NO_SEEK = "This is live: it is watched as it comes, and there is no going back or ahead in it."
NO_PAST = (
    "This is live: what is past was not kept, so the model cannot look at it again. "
    "Look at the newest clip, or record the camera and watch the file."
)
NO_REPLAY = (
    "This is live: these tests watch the video again with something taken away, and a camera's "
    "past is not kept. Record it, and test on the file."
)
NO_MEASURE = "This is live: decoding is measured on a file, as fast as it can be read."
NOT_ALLOWED = (
    "This app can be reached from other machines (--host), so it does not open addresses that "
    "visitors type: they would be opened from here. Start it with --allow-addresses to allow it."
)
NO_ADDRESS = (
    "{shown} is no address of a camera: it must begin with {schemes}, or be a camera of this "
    "machine such as /dev/video0."
)
SILENT_SECONDS = 3.0
"""Without a picture of a webcam, which is then told."""

LOST_SECONDS = 60.0
LOST = (
    "No picture came from the camera for a minute, so the run was stopped. "
    "Its predictions are kept."
)
NO_WEBCAM = "The camera of this device is not what is watched now. Press its button again."
AT_PLAY = "It is opened when it plays."


def facts(shown: str) -> str:
    """A live source in a line, before it is opened."""
    return f"{shown} · live"


def pace(figures: LiveFigures | None, clips_per_second: float, silent_seconds: float = 0.0) -> str:
    """How a live run goes: `live · 0.3 s behind · 1.0 clips/s · 2 frames dropped`."""
    if figures is None:
        return ""
    is_silent = silent_seconds > SILENT_SECONDS
    parts = [NO_PICTURES.format(seconds=silent_seconds) if is_silent else _line(figures)]
    if figures.is_connected and not is_silent and figures.frames_received:
        parts.append(f"{figures.seconds_behind:.1f} s behind")
    if clips_per_second > 0:
        parts.append(f"{clips_per_second:.1f} clips/s")
    if figures.frames_dropped:
        frames = f"{figures.frames_dropped:,} frame" + ("" if figures.frames_dropped == 1 else "s")
        parts.append(f"{frames} dropped")
    if figures.reconnects:
        parts.append(f"connected again {figures.reconnects} {_times(figures.reconnects)}")
    return " · ".join(parts)


def _line(figures: LiveFigures) -> str:
    if figures.is_connected:
        return "live"
    if not figures.frames_received:
        return "waiting for the first picture"
    if figures.connects_at is None:
        return f"no pictures: {figures.reason}" if figures.reason else "no pictures come"
    left = max(0, math.ceil(figures.connects_at - time.time()))
    when = f"in {left} s" if left else "now"
    return f"connecting again {when}: {figures.reason}"


def _times(count: int) -> str:
    return "time" if count == 1 else "times"


def gap(start: float, end: float, reason: str) -> str:
    """What is told of a hole in the timeline."""
    return f"{clock(start)}, nothing was judged for {span(max(0.1, end - start))}: {reason}"
