"""What features of a video depend on: the file, the backbone, and how it was sampled."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from vidmem.errors import VideoNotFoundError
from vidmem.units import MIB

ENDING = ".features"


@dataclass(frozen=True, kw_only=True)
class FeatureKey:
    """Everything that features of a video depend on."""

    video: str
    """Path of the file, absolute."""

    video_bytes: int
    modified_ns: int
    ends_sha256: str
    """SHA-256 of the file's first and last MiB."""

    backbone: str
    """What the values were made with: `Backbone.fingerprint()`, and what else they depend on."""

    fps: float
    """Sampled frames per second of source time."""

    frame_height: int
    """Pixels."""

    frame_width: int
    """Pixels."""

    @classmethod
    def of(
        cls, video: str | Path, backbone: str, *, fps: float, frame_height: int, frame_width: int
    ) -> Self:
        """The key of a file as it is now; two MiB of it are read.

        Raises:
            VideoNotFoundError: If the file cannot be read.
        """
        # Size, time of change and both ends tell an edited file apart; to read hours of video whole
        # would take minutes.
        path = Path(video).resolve()
        try:
            with path.open("rb") as file:
                about = os.fstat(file.fileno())
                digest = hashlib.sha256(file.read(MIB))
                file.seek(max(about.st_size - MIB, 0))
                digest.update(file.read(MIB))
        except OSError as error:
            raise VideoNotFoundError(f"{video} cannot be read: {error.strerror}") from error
        return cls(
            video=str(path),
            video_bytes=about.st_size,
            modified_ns=about.st_mtime_ns,
            ends_sha256=digest.hexdigest(),
            backbone=backbone,
            fps=float(fps),
            frame_height=frame_height,
            frame_width=frame_width,
        )

    @property
    def file_name(self) -> str:
        """Name of the features' file in the cache's folder."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32] + ENDING
