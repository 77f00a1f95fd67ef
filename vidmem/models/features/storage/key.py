"""What features of a video depend on: the file, and all that they were made with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vidmem.errors import VideoNotFoundError
from vidmem.files import open_regular
from vidmem.units import MIB


@dataclass(frozen=True, kw_only=True)
class FeatureKey:
    """Everything that features of a video depend on."""

    video: str
    """Where the file was. Told and not compared: a file that was moved has the same features."""

    content: str
    """Size and time of change of the file, and SHA-256 of its first and last MiB."""

    made_with: Mapping[str, Any]
    """Encoder, sampling, region and what else the numbers depend on, as JSON holds it."""

    @classmethod
    def of(cls, video: str | Path, made_with: Mapping[str, Any]) -> Self:
        """The key of a file as it is now; two MiB of it are read.

        Raises:
            VideoNotFoundError: If the file cannot be read.
        """
        path = Path(video).resolve()
        try:
            return cls(video=str(path), content=_content(path), made_with=made_with)
        except OSError as error:
            raise VideoNotFoundError(f"{video} cannot be read: {error.strerror}") from error

    @property
    def folder_name(self) -> str:
        """Name of the folder in the store that has the features."""
        text = json.dumps([self.content, self.made_with], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def is_told_by(self, values: Mapping[str, Any]) -> bool:
        """Whether this is what `to_json` gave, wherever the file was then."""
        own = self.to_json()
        return all(values.get(name) == own[name] for name in ("content", "made_with"))

    def to_json(self) -> dict[str, Any]:
        """For a file that people may read."""
        values = {"video": self.video, "content": self.content, "made_with": self.made_with}
        return json.loads(json.dumps(values))


def _content(path: Path) -> str:
    # Size, time of change and both ends tell an edited file apart; to read hours of video whole
    # would take minutes.
    with os.fdopen(open_regular(path), "rb") as file:
        about = os.fstat(file.fileno())
        digest = hashlib.sha256(file.read(MIB))
        file.seek(max(about.st_size - MIB, 0))
        digest.update(file.read(MIB))
    return f"{about.st_size}-{about.st_mtime_ns}-{digest.hexdigest()}"
