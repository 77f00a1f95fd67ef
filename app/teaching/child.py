"""The process that teaches: asked on standard input, answers in lines of JSON on standard output.

    parent                                     child
    {"project": ..., "request": ...}    ->     first line
    "cancel"                            ->     a later line
                                        <-     {"kind": "begun", "videos": {"pen.mp4": 60.0}}
                                        <-     {"kind": "progress", "stage": ..., "done": 0.5, ...}
                                        <-     {"kind": "done", "model": ...}, or failed, cancelled

It ends at once when its parent does: standard input closes then. What is encoded is kept; a model
is written beside the others and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.teaching.request import TeachRequest
    from vidmem.labels import Labels
    from vidmem.teaching import TeachProgress, TeachReport

NICENESS = 10
"""A run that plays comes first: beside it this process gets about a tenth of a processor."""

LEAST_PAUSE_SECONDS = 0.1
"""Between two messages of one stage."""

MAX_FEATURE_BYTES = 20 * 10**9
"""As `vidmem teach` has it; what was used longest ago goes first."""

ORPHANED = 3
"""Exit status when the parent is gone."""


class Conversation:
    """The two pipes to the parent."""

    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands, self._answers = commands, answers
        self._cancelled = threading.Event()
        self._stage, self._told_at = "", 0.0
        self._is_quick_told = False

    def first(self) -> dict[str, Any]:
        """What is to be done; from then on, the parent is listened to."""
        line = self._commands.readline()
        if not line:
            os._exit(ORPHANED)
        threading.Thread(target=self._listen, name="vidmem-parent", daemon=True).start()
        return json.loads(line)

    def is_cancelled(self) -> bool:
        """Whether the parent wants it to end."""
        return self._cancelled.is_set()

    def say(self, kind: str, **values: Any) -> None:
        """Tell the parent."""
        from vidmem.plain import to_json

        self._answers.write(to_json({"kind": kind, **values}) + "\n")
        self._answers.flush()

    def tell(self, progress: TeachProgress) -> None:
        """Tell the parent how far it is: of one stage, now and then."""
        from app.teaching.stages import message_of

        now = time.monotonic()
        is_new = progress.stage != self._stage or progress.done >= 1
        is_new |= progress.stop_loss is not None
        if not is_new and now - self._told_at < LEAST_PAUSE_SECONDS:
            return
        self._stage, self._told_at = progress.stage, now
        message = message_of(progress, is_quick_told=self._is_quick_told)
        self._is_quick_told |= "is_quick" in message
        self.say("progress", **message)

    def _listen(self) -> None:
        """Thread: hear that it is cancelled, or that there is nobody any more."""
        for line in self._commands:
            if json.loads(line) == "cancel":
                self._cancelled.set()
        os._exit(ORPHANED)


def main() -> None:
    """Teach what the first line asks for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the parent to answer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not disturb
    talk = Conversation(os.fdopen(sys.stdin.fileno(), "r", encoding="utf-8"), answers)
    job = talk.first()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(int(job.get("niceness", NICENESS)))
    # Not at the top: this file is imported before it is known what to do.
    from app.sentences import sentence_for
    from vidmem.errors import VidmemError
    from vidmem.teaching import CancelledError

    try:
        talk.say("done", model=_teach(job, talk))
    except CancelledError:
        talk.say("cancelled")
    except (VidmemError, OSError) as error:
        talk.say("failed", sentence=_without_folder(sentence_for(error), Path(job["project"])))
    except Exception as error:
        traceback.print_exc()
        talk.say("failed", sentence=sentence_for(error))
    os._exit(0)  # neither the thread that listens nor torch's are waited for


def _teach(job: Mapping[str, Any], talk: Conversation) -> str:
    """Teach a model and put it among those of the project; returns the name of its folder."""
    import torch

    from app.projects.taught_models import TaughtModels
    from app.projects.without_paths import without_paths
    from app.teaching.request import TeachRequest
    from vidmem.models import FeatureStore
    from vidmem.projects import Project
    from vidmem.teaching import teach

    # Small networks are quicker on one thread, and the decoder works beside it.
    torch.set_num_threads(1)
    request = TeachRequest.read(job["request"])
    with Project.open(job["project"]) as project:
        at = project.labels.all()
        names = sorted({track.video for track in at.labels.tracks})
        files = project.videos.files_of(names)
        lengths = {name: project.videos[name].facts.duration_seconds or 0.0 for name in names}
        store = FeatureStore(folder=project.features_folder, max_bytes=MAX_FEATURE_BYTES)
        models = TaughtModels(project.models_folder)
    earlier = models.to_correct(models.find(request.corrects)) if request.corrects else None
    talk.say("begun", videos=lengths)
    with contextlib.ExitStack() as stack:
        for name, path in files.items():
            stack.enter_context(without_paths(name, path))
        model, report = teach(
            at.labels,
            files,
            config=request.config(earlier),
            regions=request.by_video or None,
            warm_start=earlier,
            store=store,
            progress=talk.tell,
            is_cancelled=talk.is_cancelled,
        )
    about = _about(request, at.labels, report, revision=at.revision) | {"job": str(job["id"])}
    return _write(models, str(job["id"]), request, (model, report, about))


def _write(
    models: Any, job_id: str, request: TeachRequest, taught: tuple[Any, TeachReport, dict[str, Any]]
) -> str:
    import vidmem
    from app.projects.taught_models import TAUGHT
    from vidmem.plain import to_json

    model, report, about = taught
    folder = models.unfinished(job_id)
    shutil.rmtree(folder, ignore_errors=True)
    vidmem.save(model, folder)
    report.write(folder)
    (folder / TAUGHT).write_text(to_json(about, indent=2) + "\n", encoding="utf-8")
    place = models.new_folder(request.name)
    folder.rename(place)
    return place.name


def _about(
    request: TeachRequest, labels: Labels, report: TeachReport, *, revision: int
) -> dict[str, Any]:
    """What the list of models shows of one."""
    from vidmem.labels import NONE_OF_THESE, NOT_SCORED

    seconds: dict[str, float] = {}
    axes = {axis.name for axis in report.axes}
    videos = set()
    for track in labels.tracks:
        if track.axis not in axes or request.subject not in (None, track.subject):
            continue
        for one in labels.timeline(track.video, track.axis, track.subject):
            if one.what != NOT_SCORED:
                videos.add(track.video)
                key = f"{track.axis}: {one.what}" if one.what == NONE_OF_THESE else one.what
                length = one.end_seconds - one.start_seconds
                seconds[key] = seconds.get(key, 0.0) + length
    return {
        "taught_at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "request": request.as_dict(),
        "revision": revision,
        "labelled_seconds": round(sum(report.split.seconds.values()), 1),
        "behaviour_seconds": {name: round(one, 1) for name, one in seconds.items()},
        "num_bouts": len(labels.bouts),
        "num_videos": len(videos),
    }


def _without_folder(sentence: str, project: Path) -> str:
    return sentence.replace(f"{project}{os.sep}", "").replace(str(project), "the project")
