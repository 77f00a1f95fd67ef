"""A file that is watched, as labels know it: as the project knows it, where it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidmem.labels import LabelledVideo
from vidmem.projects import Project
from vidmem.units import visible

MAX_NAME = 200


def labelled_file(project: Project, path: Path, info: Any = None) -> LabelledVideo:
    """What is known of a file that is watched.

    Args:
        project: That may have it, and then knows when its recording began.
        path: Of the file; of a camera, what stands for one.
        info: What was read of it: its length and frame rate, where it states them.
    """
    known = next((one for one in project.videos.list() if one.path == path), None)
    stated = LabelledVideo(
        known.name if known else visible(path.name.strip()).strip()[:MAX_NAME] or "video",
        getattr(info, "duration_seconds", None) or None,
        getattr(info, "fps", None) or None,
    )
    return stated if known is None else known.labelled.completed(stated)
