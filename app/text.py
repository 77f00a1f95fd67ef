"""What the server says: what numbers mean in words, and a sentence for each error."""

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
    from app.videos import Video
    from app.waiting import Settled
    from vidmem.streaming import Prediction, StreamSettings

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
NOTHING_JUDGED = "Nothing has been judged yet. Press play: what the model looks at appears here."
TOO_FAR = "It takes too long to come back to this moment. Wait until it is on view, then save it."
NO_RUN = "This run is not there any more. Reload the page."
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


def sentence_about(error: Exception, video: Video | None) -> str:
    """What the page says of an error with the video that is watched."""
    if video is None or video.is_live:  # an address is told as it may be seen
        return sentence_for(error, video.title if video else "")
    return sentence_for(error, video.title, video.path)


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


def outside(seconds: float, duration_seconds: float) -> str:
    """Why nobody can jump there."""
    return f"{clock(seconds)} is not in this video, which is {clock(duration_seconds)} long"


def coming_to(done: int, total: int) -> str:
    """What is told while a past moment is being come to."""
    way = f": clip {min(done + 1, total)} of {total}" if total else ""
    return f"Coming back to this moment{way} \N{HORIZONTAL ELLIPSIS}"


def not_judged(seconds: float) -> str:
    """Why there is nothing to look into at a time."""
    return (
        f"At {clock(seconds)} nothing was judged by the model that runs now. Pick a time that was, "
        "or play from there."
    )


def takes_over(title: str) -> str:
    """Why there is nothing to look into right after another model was chosen."""
    return f"{title} takes over with the next clip: press resume, or play again."


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


def settled(seconds: float) -> str:
    """What holds of bouts that can no longer be counted anew."""
    return f"Bouts before {clock(seconds)} stay as they were counted." if seconds > 0 else ""


def left_the_window(count: int) -> str:
    """What became of the clips that left a window: nothing carries them on."""
    if count <= 0:
        return ""
    return f"{_clips(count, 'has', 'have')} left the window; nothing of them is kept."


def counted(num_waiting: int) -> str:
    """What table and file hold while the newest predictions are provisional."""
    newest = "the newest clip is" if num_waiting == 1 else f"the newest {num_waiting} clips are"
    return f"Table and CSV hold final predictions only: {newest} not in them yet."


def cut(count: int) -> str:
    """How provisional predictions count whose future was never seen."""
    newest = "The newest clip counts" if count == 1 else f"The newest {count} clips count"
    return f"{newest} as judged last: what comes after was not watched."


def held(
    prediction: Prediction, settings: StreamSettings, start_seconds: float | None
) -> list[str]:
    """What the model could see beside the newest clip, and how far that reaches back."""
    if settings.is_back_to_back:
        start = prediction.start_seconds if start_seconds is None else start_seconds
        reach = span(prediction.end_seconds - start)
        count = f"{prediction.num_remembered + 1} of {prediction.l_mem + 1} clips"
        return ["sees", f"{count} · the last {reach}"]
    if not prediction.l_mem:
        return ["remembers", "nothing: memory is off"]
    if start_seconds is None:
        return ["remembers", "nothing yet"]
    count = f"{prediction.num_remembered} of {prediction.l_mem} clips"
    return ["remembers", f"{count} · the last {span(prediction.start_seconds - start_seconds)}"]


def final_when(prediction: Prediction, settings: StreamSettings, *, is_cut: bool) -> str:
    """When the newest prediction is final."""
    if is_cut:
        return "as judged last: no more was watched"
    if prediction.is_final:
        return "at once: the video ends here"
    clips = _clips(settings.latency_clips)
    return f"in {span(prediction.final_after_seconds)}: it looks {clips} ahead"


def final_newest(settled: Settled) -> str:
    """The newest prediction that is final, and what was said at first where that was another."""
    one, first = settled.prediction, settled.first_label
    sentence = f"{one.label} from {clock(one.start_seconds)}"
    return sentence if first == one.label else f"{sentence}, at first {first}"


def short_clip(prediction: Prediction, settings: StreamSettings) -> str:
    """What the last clip of a video has where its frames run out."""
    frames = f"{prediction.num_real_frames} of {settings.clip_frames} frames"
    return frames if settings.is_back_to_back else f"{frames} are real"


def _clips(count: int, has: str = "", have: str = "") -> str:
    """`1 clip has`, `4 clips have`; without verbs `1 clip`, `4 clips`."""
    return f"{count} {'clip' if count == 1 else 'clips'} {has if count == 1 else have}".strip()


def evicted(count: int) -> str:
    """What became of the clips that are no longer in the queue."""
    if count <= 0:
        return ""
    clips = _clips(count, "has", "have")
    return f"{clips} left the queue; what later clips took up from them lives on."
