"""Small pictures of the clips in the memory queue, made from the pixels that the model saw."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

THUMBNAIL_HEIGHT = 72
THUMBNAIL_QUALITY = 70


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A clip that was judged."""

    start: float
    end: float
    column: int
    jpeg: str | None
    """Base64; `None` where the engine gave no pixels."""


class MemoryStrip:
    """The clips that may be in the queue: as many as it holds, and the newest."""

    def __init__(self) -> None:
        self._clips: dict[int, Clip] = {}
        self._num_taken = 0
        self._remembered: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._clips)

    def took(self, index: int, clip: Clip, remembered: tuple[int, ...]) -> None:
        """Keep a clip, and drop those that are not remembered any more."""
        if not remembered:  # the memory began anew: of what was before, nothing lives on
            self._num_taken = 0
        kept = {number: self._clips[number] for number in remembered if number in self._clips}
        self._clips = {**kept, index: clip}
        self._remembered = tuple(kept)
        self._num_taken += 1

    def num_evicted(self) -> int:
        """Clips that were judged since the memory was empty, and are no longer held."""
        return max(0, self._num_taken - len(self._clips))

    def slots(self) -> list[dict[str, Any]]:
        """The clips remembered at the newest prediction, oldest first."""
        return [
            {"clip": number, "start": clip.start, "end": clip.end, "column": clip.column}
            for number, clip in ((number, self._clips[number]) for number in self._remembered)
        ]

    def span(self) -> tuple[float, float] | None:
        """From the oldest to the newest remembered moment."""
        clips = [self._clips[number] for number in self._remembered]
        return (min(c.start for c in clips), max(c.end for c in clips)) if clips else None

    def thumbnails(self, after: int) -> list[tuple[int, str]]:
        """Pictures of the clips newer than number `after`, oldest first."""
        clips = self._clips
        return [
            (number, clip.jpeg) for number, clip in clips.items() if number > after and clip.jpeg
        ]


def thumbnail(frame: Any) -> str:
    """A frame `[H, W, 3]` of bytes as a small JPEG, base64."""
    image = Image.fromarray(np.ascontiguousarray(np.asarray(frame, dtype=np.uint8)))
    width = max(1, round(image.width * THUMBNAIL_HEIGHT / image.height))
    if image.height > THUMBNAIL_HEIGHT:
        image = image.resize((width, THUMBNAIL_HEIGHT), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
