"""Where on the Label page what a run says is corrected."""

from __future__ import annotations

from typing import Any

from app.run.run import Run
from vidmem.errors import ProjectError, SettingError
from vidmem.projects import Project

NOTHING = "Nothing is watched here that could be corrected. Choose a video, and play it."
LIVE = (
    "This is live, and its pictures are not kept, so there is nothing to label. Record the camera, "
    "watch the file, and correct that."
)


def correction_place(run: Run, project: Project) -> dict[str, Any]:
    """The video and the kept run that the Label page shows for what a run says.

    Returns:
        `video`: its name in the project; empty: it is not in it, and can be added. `run`: the kept
        run, whose bouts are corrected; empty: its predictions are not kept.

    Raises:
        SettingError: If there are no pictures that could be labelled.
    """
    video = run.video
    if video is None:
        raise SettingError(NOTHING)
    if video.is_live:
        raise SettingError(LIVE)
    if video.past is not None:
        raise SettingError(video.past.why)
    names = {one.path: one.name for one in project.videos.list()}
    kept_id, name = run.kept_id, names.get(video.path, "")
    if kept_id:
        try:
            # An upload is in the project under another path: its run knows it.
            kept = project.runs[kept_id].video
        except ProjectError:  # it was deleted meanwhile
            kept_id = ""
        else:
            name = kept if kept in names.values() else name
    return {"video": name, "run": kept_id}
