"""Uploads that the project keeps, in its folder `videos`: all others go with their page."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import uuid
from pathlib import Path

from app.sources.shelf import Video
from vidmem.errors import ProjectError
from vidmem.projects import Project, fingerprint

VIDEOS = "videos"
"""In the project's folder."""


def keep_upload(project: Project, video: Video) -> Path:
    """Where a video lies for good: an upload is put into the project's folder `videos` first.

    It is the same file under a second name where the disk can do that, else a copy of it. An upload
    that the project has already, by its content, is not kept twice. A video that is no upload stays
    where it lies; of a link, that is where it leads to.

    Raises:
        ProjectError: If it cannot be written there.
    """
    path = Path(os.path.realpath(video.path))
    if not video.is_upload:
        return path
    folder = project.folder / VIDEOS
    try:
        mark = fingerprint(path)
        if (known := _known_place(project, mark)) is not None:
            return known
        folder.mkdir(exist_ok=True, mode=0o700)
        for number in itertools.count(1):
            place = folder / (path.name if number == 1 else f"{path.stem} ({number}){path.suffix}")
            if place.is_file() and fingerprint(place) == mark:
                return place
            with contextlib.suppress(FileExistsError):
                _put(path, place)
                return place
    except OSError as error:
        raise ProjectError(
            f"{video.title} cannot be kept in the project's folder: {error.strerror}; make room "
            "there, and add it again"
        ) from error
    raise AssertionError("numbers do not end")


def _known_place(project: Project, mark: str) -> Path | None:
    """Where the project has a file of a content; `None`: nowhere."""
    same = (one for one in project.videos.list() if one.fingerprint == mark)
    return next((one.path for one in same if project.videos.state_of(one) == "here"), None)


def _put(path: Path, place: Path) -> None:
    """Give a file a second place.

    Raises:
        FileExistsError: If something is there.
        OSError: If it cannot be written.
    """
    try:
        os.link(path, place)
        return
    except FileExistsError:
        raise
    except OSError:  # another disk, or one without links
        pass
    os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # the name is ours
    part = place.with_name(f".{uuid.uuid4().hex}.part")
    try:
        shutil.copyfile(path, part)
        part.chmod(0o600)
        part.replace(place)  # whole, or not at all
    except BaseException:
        part.unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        raise
