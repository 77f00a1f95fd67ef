"""The videos that runs of a project watched: put into it, and found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.projects.kept_uploads import keep_upload
from app.projects.video_facts import facts_of
from app.sources.past import PastInfo
from app.sources.shelf import Video, VideoShelf
from vidmem.errors import ProjectError
from vidmem.projects import KeptRun, Project, ProjectVideo
from vidmem.units import clock

GONE = (
    "{name} is not where it was when this run watched it. The run's results are here; put the file "
    "back to play it."
)
CHANGED = (
    "Another file lies where {name} was when this run watched it. The run's results are here; put "
    "the file back as it was to play it."
)
TAKEN_OUT = "{name} was taken out of the project. The run's results are here."
NOT_KEPT = (
    "The pictures of {name} are not kept: this is what was predicted of them, to {time}. It cannot "
    "go on."
)


def keep_video(project: Project, video: Video, info: Any) -> ProjectVideo:
    """The video of a file as the project has it from now on.

    An upload, whose file goes with its page, is kept in the project's folder first.

    Args:
        project: That keeps it.
        video: No live one.
        info: What the file was found to be.

    Raises:
        VidmemError: If it cannot be read, is another file than the project knows at its place, or
            the project cannot be written.
        OSError: If it cannot be copied.
    """
    path = keep_upload(project, video)
    is_known = any(one.path == path for one in project.videos.list())
    return project.add_video(path, facts_of(video, info, has_start=not is_known))


def video_of(project: Project, kept: KeptRun, shelf: VideoShelf, run_id: str) -> Video:
    """The video of a kept run, to be watched by a run of a page; a past one where it is not there.

    Args:
        project: That keeps the run.
        kept: The run.
        shelf: Gets the video on its list.
        run_id: Of the run of the page.
    """
    if kept.video is None:
        why = NOT_KEPT.format(name=kept.source, time=clock(kept.progress_seconds))
        return _past(kept, kept.source, kept.progress_seconds, why)
    try:
        known = project.videos[kept.video]
    except ProjectError:
        why = TAKEN_OUT.format(name=kept.video)
        return _past(kept, kept.video, kept.progress_seconds, why)
    state = project.videos.state_of(known)
    if state == "here" and known.path is not None:
        return shelf.open_path(run_id, known.path, f"project/{known.video_id}", known.name)
    why = (CHANGED if state == "changed" else GONE).format(name=known.name)
    return _past(kept, known.name, known.facts.duration_seconds or kept.progress_seconds, why)


def _past(kept: KeptRun, name: str, seconds: float, why: str) -> Video:
    past = PastInfo(duration_seconds=max(seconds, kept.progress_seconds), why=why)
    return Video(f"past/{kept.run_id}", name, Path(f"{name}.csv"), past=past)
