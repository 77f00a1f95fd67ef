"""The words on the page, what numbers mean in words, and what to say for each error."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import (
    DecoderCrashedError,
    DecoderMemoryError,
    DecoderTimeoutError,
    VideoNotFoundError,
    VidmemError,
)

if TYPE_CHECKING:
    from app.pacing import SpeedFacts

WORDS = {
    # top bar
    "pages": "Pages",
    "watch": "Watch",
    "running_with": "Running with",
    # the video
    "video": "Video",
    "choose_video": "Which video",
    "upload": "Upload a video",
    "upload_limit": "up to {size}",
    "upload_too_large": "{name} is larger than the {size} that may be uploaded here. "
    "Start the app with --videos FOLDER to open large files where they lie.",
    "upload_failed": "{name} could not be uploaded: the connection broke, or the disk is full.",
    "uploaded": "{sent} of {size}",
    "uploading": "Uploading",
    "checking": "looking at the file …",
    "cancel": "Cancel",
    # the player
    "player": "Player",
    "no_picture": "No picture yet",
    "picture_at": "The video at {time}",
    "silent": "The app does not answer: it was stopped, or the connection is broken. "
    "This page goes on by itself when it is back.",
    "dismiss": "Close this message",
    "play": "Play",
    "play_again": "Play again",
    "pause": "Pause",
    "resume": "Resume",
    "stop": "Stop",
    "clip": "clip",
    "play_this": "Watch this video",
    "opening": "Opening the video and the model …",
    "choose_first": "Choose a video on this page, or upload one.",
    "step_back_hint": "Pause and look one clip back (left arrow)",
    "step_hint": "Analyse one clip and pause (right arrow)",
    "jump": "Jump",
    "jump_label": "Jump to a time",
    "jump_placeholder": "mm:ss",
    "speed": "Speed",
    "as_fast_as_possible": "as fast as possible",
    "real_time": "in real time",
    "back_to_live": "Back to now",
    "play_from_here": "Play from here",
    "looking_at": "Looking at {time}",
    "analysed": "Analysed so far",
    "of_total": "{time} of {total}",
    "analysed_to": "Analysed to {time} of {total}",
    "spoken": "{label} from {time}",
    "now": "Now",
    "now_empty": "The model's judgement of each clip appears here as the video streams.",
    "key_space": "space",
    "key_space_does": "play, pause",
    "key_arrows_do": "one clip back, on",
    # the timeline
    "timeline": "Timeline",
    "timeline_hint": "shaded: what is in memory now · scroll to zoom, drag to move, click to look",
    "timeline_slider": "Timeline, time looked at. Arrows: one clip; plus and minus: zoom; "
    "Enter: play from here; Escape: back to now",
    "timeline_empty": "Predictions appear here as the video streams.",
    "zoom": "Zoom",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "fit": "All",
    "follow": "Follow",
    "probability": "probability",
    "time_only": "{time}",
    "time_and_label": "{time} · {label} {share}",
    # the memory
    "memory": "What it remembers",
    "memory_hint": "oldest → newest · click a clip to see it",
    "memory_off": "Memory is off (L_mem is 0): every clip is judged by itself.",
    "clip_at": "Clip at {time}, {age} ago",
    # the controls
    "controls": "Live controls",
    "model": "Model",
    "l_mem": "L_mem",
    "window_stride": "Window stride",
    "clip_frames": "Clip length",
    "fps": "Frames per second",
    "min_bout_seconds": "Keep bouts longer than",
    "one_clip": "{count} clip",
    "many_clip": "{count} clips",
    "one_frame": "{count} frame",
    "many_frame": "{count} frames",
    "remembers": "remembers the last {span}",
    "remembers_nothing": "memory off: every clip by itself",
    "every": "a prediction every {span}",
    "no_overlap": "no overlap",
    "overlap": "{share} % overlap",
    "skips": "skips {span} between clips",
    "sees": "sees {span} at once · restarts the memory",
    "resolves": "shortest bout it can resolve: {span}",
    "raw_kept": "shorter ones join their neighbours; predictions are kept",
    "all_bouts": "every bout counts",
    # cost
    "cost": "Memory over time",
    "cost_hint": "process, MiB",
    # results
    "bouts": "Bouts so far",
    "bouts_empty": "Bouts are counted here as the video streams.",
    "behaviour": "behaviour",
    "count": "bouts",
    "total": "total",
    "share": "share",
    "download_csv": "Download CSV",
    "earlier_files": "Earlier files:",
    # what the server says
    "sample_group": "Bundled sample",
    "folder_group": "Folder on this machine",
    "upload_group": "Your uploads",
    "sample_title": "Barn pen, day and night (sample)",
    "reader_at_play": "The reader is picked when it plays.",
}

STATUS = {
    "finished": "Watched to the end.",
    "stopped": "Stopped. What was predicted is kept below.",
    "failed": "Ended early. What was predicted is kept below.",
    "paused": "Paused.",
}

BUSY = (
    "This machine is already watching {count}, which is its limit (--max-runs {limit}). "
    "Press play again when one of them is stopped or its page is closed."
)
UNEXPECTED = (
    "Something unexpected went wrong ({name}). The details are in the terminal; you can go on."
)
TIMES = "\N{MULTIPLICATION SIGN}"
KEPT = "What was analysed is kept."
DISK_FULL = "The disk is full: predictions could not be written. Make room and press play again."
NOT_SAVED = "Not saved from {time} on."
SAVE_THE_REST = (
    "The run goes on without saving. To save what is missing, make room, press stop, jump to "
    "{time} and play: it goes to a file of its own."
)
PORT_TAKEN = "{host}:{port} cannot be used: something else listens there. Choose another --port."
CLOSED = (
    "The run of this page was closed: for a while the app saw no page that showed it. "
    "What it predicted is kept. Press play to begin again."
)
NO_PICTURE = "The analysis goes on without pictures for a while. {reason}"


def sentence_for(error: Exception, name: str = "", path: Path | None = None) -> str:
    """What the page says of an error: one or two sentences, ending in what to do.

    Args:
        error: What went wrong.
        name: What the visitor calls the video.
        path: Where it lies; said by name only.
    """
    sentence = _sentence(error, name)
    return sentence.replace(str(path), name) if path is not None else sentence


def _sentence(error: Exception, name: str) -> str:
    if isinstance(error, VideoNotFoundError):
        return f"{name or 'The file'} is not there any more. Choose another video."
    if isinstance(error, DecoderTimeoutError):
        return f"Reading {name or 'the video'} hung and was stopped. {KEPT} {error}"
    if isinstance(error, DecoderCrashedError | DecoderMemoryError):
        return f"The decoder of {name or 'the video'} failed. {KEPT} {error}"
    if _is_disk_full(error):
        return DISK_FULL
    if isinstance(error, VidmemError | OSError):
        return str(error)
    return UNEXPECTED.format(name=type(error).__name__)


def not_saved(seconds: float) -> str:
    """From where on predictions are on the page only."""
    return NOT_SAVED.format(time=clock(seconds))


def storage_trouble(error: Exception, path: Path | None, seconds: float) -> str:
    """Why predictions are not saved from a time on, and what to do about it."""
    reason = "The disk is full." if _is_disk_full(error) else f"{error}."
    reason = reason.replace(str(path), "The predictions file")
    return f"{reason} {not_saved(seconds)} {SAVE_THE_REST.format(time=clock(seconds))}"


def _is_disk_full(error: BaseException) -> bool:
    """Whether it is, or came of, a write that found no room."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def busy(count: int, limit: int) -> str:
    """What a visitor beyond the limit is told."""
    return BUSY.format(count=f"{count} video" + ("s" if count != 1 else ""), limit=limit)


def clock(seconds: float) -> str:
    """`00:41:12` or `41:12`."""
    whole = max(0, int(seconds + 1e-6))
    rest = f"{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 3600:02d}:{rest}" if whole >= 3600 else rest


def span(seconds: float) -> str:
    """`3 min 20 s`, `0.5 s`, `6 h 00 min`."""
    if seconds < 10:
        return f"{round(seconds, 2 if seconds < 1 else 1):g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def size(num_bytes: float) -> str:
    """`11.2 GB`, in powers of ten as disks count."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def mebibytes(num_bytes: float) -> str:
    """`612 MiB`, in powers of two as memory is counted."""
    mib = num_bytes / 2**20
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.2f} MiB"


def pace(facts: SpeedFacts) -> str:
    """`9.8 × real time · 1.2 clips/s · 33 min left`."""
    if facts.clips_per_second <= 0:
        return ""
    parts = [
        f"{facts.times_real_time:.1f} {TIMES} real time",
        f"{facts.clips_per_second:.1f} clips/s",
    ]
    if facts.seconds_left is not None:
        parts.append(f"{span(max(facts.seconds_left, 0))} left")
    return " · ".join(parts)


def slope(mib_per_hour: float | None) -> str:
    """How memory grows, or that it is too early to say."""
    if mib_per_hour is None:
        return "settling"
    if abs(mib_per_hour) < 0.05:
        return "flat (0.0 MiB/h)"
    return f"{mib_per_hour:+.1f} MiB/h"


def settled(seconds: float) -> str:
    """What holds of bouts that can no longer be counted anew."""
    return f"Bouts before {clock(seconds)} stay as they were counted." if seconds > 0 else ""


def evicted(count: int) -> str:
    """What became of the clips that are no longer in the queue."""
    if count <= 0:
        return ""
    clips = "1 clip has" if count == 1 else f"{count} clips have"
    return f"{clips} left the queue; what later clips took up from them lives on."
