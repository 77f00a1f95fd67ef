"""Sentences about videos and live sources: addresses, cameras, webcams."""

from __future__ import annotations

import math
import time

from vidmem.streaming import LiveFigures
from vidmem.units import clock, span

SAMPLE_TITLE = "Barn pen, day and night (sample)"
SAMPLE_GROUP = "Bundled sample"
FOLDER_GROUP = "Folder on this machine"
UPLOAD_GROUP = "Your uploads"
PROJECT_GROUP = "In the project"
READER_AT_PLAY = "Reader: PyAV reads every file"
WEBCAM = "this device's camera"
WEBCAM_TITLE = "This device's camera"
NO_SEEK = "This is live: it is watched as it comes, and one cannot jump back or forward in it."
NO_PAST = (
    "This is live: earlier video is not kept, so the model cannot go back to it. "
    "Look at the newest clip, or record the camera and watch the file."
)
NO_REPLAY = (
    "This is live: these tests replay the video with something removed, and earlier video of a "
    "camera is not kept. Record it, and test on the file."
)
NO_MEASURE = "This is live: decoding is measured on a file, read as fast as possible."
NOT_ALLOWED = (
    "You are not at the machine that runs this app, so it opens no addresses and no cameras for "
    "you: they would be opened from there. Whoever runs it can allow that with --allow-addresses."
)
NO_ADDRESS = (
    "{shown} is no address of a camera: it must begin with {schemes}, or be a camera of this "
    "machine such as /dev/video0."
)
SILENT_SECONDS = 3.0
"""Without a picture of a webcam; then the page says so."""

LOST_SECONDS = 60.0
LOST = (
    "No picture came from the camera for a minute, so the run was stopped. "
    "Its predictions are kept."
)
NO_WEBCAM = "The camera of this device is not being watched now. Press its button again."
AT_PLAY = "It is opened when it plays."


def links_left_out(count: int, folder: object) -> str:
    """Videos of a folder that are not listed, for the terminal."""
    videos = "1 video" if count == 1 else f"{count} videos"
    return (
        f"{videos} left out: links in {folder} lead out of it. "
        "Start the app with --follow-links to list them."
    )


def no_pictures(seconds: float) -> str:
    """How long a camera has been silent."""
    return f"no picture came from the camera for {span(round(seconds))}"


def past_facts(duration_seconds: float) -> str:
    """What is there of a source that cannot be read now."""
    return f"{span(duration_seconds)} · its results only"


def facts(shown: str) -> str:
    """A live source in a line, before it is opened."""
    return f"{shown} · live"


def pace(figures: LiveFigures | None, clips_per_second: float, silent_seconds: float = 0.0) -> str:
    """How a live run is going: `live · 0.3 s behind · 1.0 clips/s · 2 frames dropped`."""
    if figures is None:
        return ""
    is_silent = silent_seconds > SILENT_SECONDS
    parts = [no_pictures(silent_seconds) if is_silent else _line(figures)]
    if figures.is_connected and not is_silent and figures.frames_received:
        parts.append(f"{span(round(figures.seconds_behind, 1))} behind")
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
    when = f"in {span(left)}" if left else "now"
    return f"connecting again {when}: {figures.reason}"


def _times(count: int) -> str:
    return "time" if count == 1 else "times"


def gap(start: float, end: float, reason: str) -> str:
    """Why there is a hole in the timeline."""
    return f"{clock(start)}, nothing was judged for {span(max(0.1, end - start))}: {reason}"
