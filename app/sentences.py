"""The sentences that the app shows for errors: one or two each, ending in what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol

from vidmem.errors import (
    DecoderCrashedError,
    DecoderMemoryError,
    DecoderTimeoutError,
    StorageError,
    VideoNotFoundError,
    VidmemError,
)

UNEXPECTED = (
    "Something unexpected went wrong ({name}). The details are in the terminal; you can go on."
)
KEPT = "What was analysed is kept."
DISK_FULL = (
    "The disk is full, so this could not be written; what was saved before is kept. Make room and "
    "try again."
)

NOT_WRITTEN = "Predictions could not be written: {reason}. Whoever runs the app can mend that."


class WatchedVideo(Protocol):
    """The facts about a video that sentences need."""

    @property
    def title(self) -> str:
        """What the visitor calls it."""
        ...

    @property
    def path(self) -> Path:
        """Where it is; sentences show its name only."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether it is an address or a camera; errors about these hold no credentials."""
        ...


def sentence_for(error: Exception, name: str = "", path: Path | None = None) -> str:
    """The sentence for an error: what went wrong, and what to do.

    Args:
        error: What went wrong.
        name: What the visitor calls the video.
        path: Where it is; the sentence shows its name only.
    """
    sentence = _sentence(error, name)
    return sentence.replace(str(path), name) if path is not None else sentence


def sentence_about(error: Exception, video: WatchedVideo | None) -> str:
    """The sentence for an error with the video that is watched; it names no path."""
    if video is None or video.is_live:  # no path to hide
        return sentence_for(error, video.title if video else "")
    return sentence_for(error, video.title, video.path)


def _sentence(error: Exception, name: str) -> str:
    if isinstance(error, VideoNotFoundError):
        return f"{name or 'The file'} is not there any more. Choose another video."
    if isinstance(error, DecoderTimeoutError):
        return f"Reading {name or 'the video'} hung and was stopped. {KEPT} {error}"
    if isinstance(error, DecoderCrashedError | DecoderMemoryError):
        return f"The decoder of {name or 'the video'} failed. {KEPT} {error}"
    if is_disk_full(error):
        return DISK_FULL
    if isinstance(error, OSError) and error.filename is not None:
        # Not `str`, which has the whole path.
        file = Path(os.fsdecode(error.filename)).name
        return f"{file} cannot be used: {error.strerror or type(error).__name__}."
    if isinstance(error, StorageError) and isinstance(error.__cause__, OSError):
        return NOT_WRITTEN.format(reason=error.__cause__.strerror or "it failed")
    if isinstance(error, VidmemError | OSError):
        return str(error)
    return UNEXPECTED.format(name=type(error).__name__)


def is_disk_full(error: BaseException) -> bool:
    """Whether it is, or was caused by, a write that found no room."""
    # vidmem raises its own error from that of the write.
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
