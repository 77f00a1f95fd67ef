"""Sentences about a run: how it goes, what is final, what is kept and what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.sentences import is_disk_full
from vidmem.units import clock, clock_range, span

if TYPE_CHECKING:
    from app.run.pacing import SpeedFacts
    from app.run.results.provisional import FinalPrediction
    from vidmem.streaming import Prediction, StreamSettings

MAX_SPANS_NAMED = 3
"""Damaged places that the status names; the timeline shows them all."""

STATUS = {
    "finished": "Watched to the end.",
    "stopped": "Stopped. What was predicted is kept below.",
    "failed": "Ended early. What was predicted is kept below.",
    "paused": "Paused.",
}

BUSY = (
    "This machine is already watching {count}, which is its limit (--max-runs {limit}). "
    "Those whose page was closed go on, and count. Press play again when one of them has ended, or "
    "stop one: the Runs page lists them."
)
TIMES = "\N{MULTIPLICATION SIGN}"
NOT_SAVED = "Not saved from {time} on."
SAVE_THE_REST = (
    "The run goes on without saving. To save what is missing, make room, press stop, jump to "
    "{time} and play: that is saved to a file of its own."
)
NOTHING_KEPT = (
    "{reason} {unsaved} The run goes on, and nothing of it is kept: mend that, press stop, jump to "
    "{time} and play to have it kept."
)
VIDEO_NOT_KEPT = (
    "{name} could not be put into the project, so its run is kept without it; whoever runs the app "
    "sees why in the terminal."
)
INTERRUPTED = "{name} was being watched when the app ended, and had come to {time}."
MORE_INTERRUPTED = "Also interrupted: {count} more, which the Runs page lists."
OTHERS_CAMERA = (
    "This run watches the camera of somebody's own device: only their page shows it. Its "
    "predictions can be exported on the Runs page."
)
PAST_ONLY = "What it predicted is shown as far as its file has it. It cannot go on: {reason}"
TOO_MANY_COMMANDS = "What you asked for before is still being done. Try again in a moment."
PORT_TAKEN = "{host}:{port} cannot be used: something else listens there. Choose another --port."
CLOSED = (
    "The run of this page is over: no page showed it for a while, or the app was started again. "
    "Press play to start again."
)
KEPT = "What it predicted is kept:"
NO_PICTURE = "The analysis goes on without pictures for a while. {reason}"


def outside(seconds: float, duration_seconds: float) -> str:
    """Why a time cannot be jumped to."""
    return f"{clock(seconds)} is not in this video, which is {clock(duration_seconds)} long"


def watched_but_for(spans: Sequence[tuple[float, float, bool]]) -> str:
    """Up to where a video was watched that could not be read in parts.

    Args:
        spans: From, to, and whether it reaches to the end of the video; in order.
    """
    shown = spans[:MAX_SPANS_NAMED]
    places = ", ".join(clock_range(start, end) for start, end, _ in shown)
    if len(spans) > len(shown):
        places += f" and {len(spans) - len(shown)} more"
    verb = "is" if len(spans) == 1 else "are"
    start, _, is_end = spans[-1]
    reached = f"Watched to {clock(start)}" if is_end else "Watched to the end"
    return f"{reached}; {places} {verb} damaged."


def settings_of_another_model(kept: Sequence[str], lost: Sequence[str], title: str) -> str:
    """Which changed settings stayed with another model, and which did not; empty where none was.

    Args:
        kept: Those that stayed, by the names that the page shows.
        lost: The others.
        title: Of the other model.
    """
    sentences = []
    if kept:
        sentences.append(f"Kept as you set it: {', '.join(kept)}.")
    if lost:
        sentences.append(f"Not kept, since it does not suit {title}: {', '.join(lost)}.")
    return " ".join(sentences)


def unlike_clips(count: int, num_clips: int) -> str:
    """How much of a video looks unlike the footage that the model was trained on."""
    if not count:
        return ""
    if count == num_clips:
        return "This footage looks unlike what the model was trained on: its labels mean nothing."
    return (
        f"{count} of {num_clips} clips look unlike what the model was trained on: their labels "
        "mean nothing."
    )


def not_resumed(error: Exception) -> str:
    """Why a play that was stopped could not go on, and what happens instead."""
    return (
        "What was stopped could not be resumed, so it begins anew from there, with an empty memory "
        f"and a new file; the file before is kept. ({str(error).rsplit('/', 1)[-1]})"
    )


def not_saved(seconds: float) -> str:
    """From where on predictions are on the page only."""
    return NOT_SAVED.format(time=clock(seconds))


def why_unsaved(error: Exception, path: Path | None, seconds: float) -> str:
    """Why predictions are not saved from a time on."""
    reason = "The disk is full." if is_disk_full(error) else f"{error}."
    return f"{reason.replace(str(path), 'The predictions file')} {not_saved(seconds)}"


def storage_trouble(reason: str, seconds: float) -> str:
    """Why predictions are not saved from a time on, and what to do about it."""
    return f"{reason} {SAVE_THE_REST.format(time=clock(seconds))}"


def project_trouble(error: Exception, seconds: float) -> str:
    """Why nothing of a play is kept; the terminal has the paths."""
    cause = error.__cause__
    is_full = is_disk_full(error) or getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL"
    reason = "The disk is full." if is_full else "The project cannot be written to."
    return NOTHING_KEPT.format(reason=reason, unsaved=not_saved(seconds), time=clock(seconds))


def video_not_kept(name: str) -> str:
    """That a video is not in the project, though a run of it is."""
    return VIDEO_NOT_KEPT.format(name=name)


def interrupted(name: str, seconds: float, num_others: int) -> str:
    """What was under way when the app ended.

    Args:
        name: Of the newest that was.
        seconds: How far it came.
        num_others: That were too.
    """
    text = INTERRUPTED.format(name=name, time=clock(seconds))
    return f"{text} {MORE_INTERRUPTED.format(count=num_others)}" if num_others else text


def past_only(error: Exception) -> str:
    """Why a run that was opened again cannot go on."""
    return PAST_ONLY.format(reason=str(error).rsplit("/", 1)[-1])


def busy(count: int, limit: int) -> str:
    """Why a visitor beyond the limit cannot play."""
    return BUSY.format(count=f"{count} video" + ("s" if count != 1 else ""), limit=limit)


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


def settled_bouts(seconds: float) -> str:
    """Until when bouts can no longer be counted anew."""
    return f"Bouts before {clock(seconds)} stay as they were counted." if seconds > 0 else ""


def left_the_window(count: int) -> str:
    """What became of the clips that left a window: no trace of them is left."""
    if count <= 0:
        return ""
    return f"{_clips(count, 'has', 'have')} left the window; nothing of them is kept."


def not_counted(num_provisional: int) -> str:
    """What table and file hold while the newest predictions are provisional."""
    newest = (
        "the newest clip is" if num_provisional == 1 else f"the newest {num_provisional} clips are"
    )
    return f"Table and CSV hold final predictions only: {newest} not in them yet."


def counted_early(count: int) -> str:
    """How provisional predictions count at the end, where later clips never came."""
    newest = "The newest clip counts" if count == 1 else f"The newest {count} clips count"
    return f"{newest} as judged last: the video after it was not watched."


def seen_clips(
    prediction: Prediction, settings: StreamSettings, start_seconds: float | None
) -> list[str]:
    """What the model could see apart from the newest clip, and how far that reaches back."""
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


def final_newest(newest: FinalPrediction) -> str:
    """The newest final prediction, and its first label where that was another."""
    one, first = newest.prediction, newest.first_labels
    sentence = f"{' · '.join(one.labels)} from {clock(one.start_seconds)}"
    return sentence if first == one.labels else f"{sentence}, at first {' · '.join(first)}"


def short_clip(prediction: Prediction, settings: StreamSettings) -> str:
    """How many frames the last clip of a video has, where they are fewer."""
    frames = f"{prediction.num_real_frames} of {settings.clip_frames} frames"
    return frames if settings.is_back_to_back else f"{frames} are real"


def _clips(count: int, has: str = "", have: str = "") -> str:
    """`1 clip has`, `4 clips have`; without verbs `1 clip`, `4 clips`."""
    return f"{count} {'clip' if count == 1 else 'clips'} {has if count == 1 else have}".strip()


def evicted(count: int) -> str:
    """What became of the clips that left the queue."""
    if count <= 0:
        return ""
    clips = _clips(count, "has", "have")
    return f"{clips} left the queue; what later clips read from them is still carried on."
