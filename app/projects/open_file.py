"""A file of the project that is open, and sure to be the one that was meant."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import ProjectError
from vidmem.projects import Project, ProjectVideo, VideoState

MISSING = "{name} is not where it was: put it back, or add it again from where it is now."
CHANGED = (
    "At the place of {name} lies another file than the one that was added: its labels may not fit. "
    "Put the old one back, or add the new one under another name."
)
UNSEEN = "{name} is known from labels only: add its file to the project."
IS_LINK = "At the place of {name} lies a link, which is not followed: add the file itself."

SENTENCES: dict[str, str] = {"missing": MISSING, "changed": CHANGED, "unseen": UNSEEN}

_BEGINNINGS = (
    # At which byte, what stands there, and the type.
    (4, b"ftyp", "video/mp4"),
    (4, b"moov", "video/mp4"),
    (4, b"mdat", "video/mp4"),
    (4, b"wide", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"OggS", "video/ogg"),
    (0, b"GIF8", "image/gif"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"\x47", "video/mp2t"),
)
HEAD_BYTES = 12


class NoMediaError(ProjectError):
    """A file of the project is not there, or is another one; says what to do."""


@dataclass(frozen=True)
class OpenFile:
    """It has to be closed, with its descriptor."""

    descriptor: int
    num_bytes: int
    modified_ns: int
    media_type: str

    @property
    def tag(self) -> str:
        """Another one if the file is another one (a strong ETag)."""
        return f'"{self.num_bytes:x}-{self.modified_ns:x}"'

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)


def state_of(project: Project, video: ProjectVideo) -> VideoState | str:
    """`here`, `missing`, `changed`, or `unseen`: known from labels only."""
    return "unseen" if video.path is None else project.videos.state_of(video)


def open_original(project: Project, video: ProjectVideo) -> OpenFile:
    """The file of a video, if it is still the one that was added.

    Raises:
        NoMediaError: If it is missing, another one, or a link.
    """
    state = state_of(project, video)
    if video.path is None or state != "here":
        raise NoMediaError(SENTENCES[state].format(name=video.name))
    opened = open_file(video.path, video.name)
    try:
        # What was looked at, and what is open, must be one file.
        status = video.path.lstat()
        mark = os.fstat(opened.descriptor)
        if (status.st_dev, status.st_ino) != (mark.st_dev, mark.st_ino):
            raise NoMediaError(CHANGED.format(name=video.name))
    except OSError as error:
        opened.close()
        raise NoMediaError(MISSING.format(name=video.name)) from error
    except BaseException:
        opened.close()
        raise
    return opened


def open_file(path: Path, name: str) -> OpenFile:
    """Open a regular file for reading, no link.

    Args:
        path: Where it is.
        name: For sentences.

    Raises:
        NoMediaError: If it is not there, a link, or something else.
    """
    # O_NONBLOCK: what was a file a moment ago may be a pipe now.
    names = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
    flags = sum(getattr(os, one, 0) for one in names)
    try:
        descriptor = os.open(path, os.O_RDONLY | flags)
    except OSError as error:
        sentence = IS_LINK if error.errno == errno.ELOOP else MISSING
        raise NoMediaError(sentence.format(name=name)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NoMediaError(MISSING.format(name=name))
        head = os.read(descriptor, HEAD_BYTES)
        return OpenFile(descriptor, status.st_size, status.st_mtime_ns, _type_of(head))
    except BaseException:
        os.close(descriptor)
        raise


def _type_of(head: bytes) -> str:
    """By its container, as its first bytes tell."""
    for place, mark, media_type in _BEGINNINGS:
        if head[place : place + len(mark)] == mark:
            return media_type
    return "application/octet-stream"
