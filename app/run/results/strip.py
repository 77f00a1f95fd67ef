"""Small pictures of the clips that the model holds, made from the pixels that it saw."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
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

    is_final: bool = True


class MemoryStrip:
    """The clips that may be held: as many as a queue or window holds, and the newest."""

    def __init__(self) -> None:
        self._clips: dict[int, Clip] = {}
        self._num_added = 0
        self._shown: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._clips)

    def add_clip(
        self, index: int, clip: Clip, remembered: tuple[int, ...], *, shows_newest: bool = False
    ) -> None:
        """Keep a clip, and drop those that are not held any more.

        Args:
            index: Of the clip.
            clip: The newest.
            remembered: Those before it that the model could see when it judged the newest.
            shows_newest: It is one of the clips that the model holds: of a window, not of a queue.
        """
        if not remembered:  # the memory was emptied: no trace of earlier clips is left
            self._num_added = 0
        kept = {number: self._clips[number] for number in remembered if number in self._clips}
        self._shown = (*kept, index) if shows_newest else tuple(kept)
        # Replaced, never changed: requests read it while the engine's thread adds.
        self._clips = {**kept, index: clip}
        self._num_added += 1

    def put_back(self, clips: dict[int, Clip], num_since_empty: int) -> None:
        """Hold clips of a play that is shown again; `add_clip` with its newest clip follows.

        Args:
            clips: By their numbers.
            num_since_empty: Clips that were judged since the memory was empty, the newest included.
        """
        self._clips, self._num_added = clips, max(0, num_since_empty - 1)

    def revise(self, index: int, column: int, *, is_final: bool) -> None:
        """Show a clip as it is judged now, if it is still held."""
        if index in self._clips:
            clip = replace(self._clips[index], column=column, is_final=is_final)
            self._clips = {**self._clips, index: clip}

    def num_evicted(self) -> int:
        """Clips that were judged since the memory was empty, and are no longer held."""
        return max(0, self._num_added - len(self._clips))

    def slots(self) -> list[dict[str, Any]]:
        """The clips shown at the newest prediction, oldest first."""
        return [
            {
                "clip": number,
                "start": clip.start,
                "end": clip.end,
                "column": clip.column,
                "is_final": clip.is_final,
            }
            for number, clip in ((number, self._clips[number]) for number in self._shown)
        ]

    @property
    def start_seconds(self) -> float | None:
        """Where the oldest clip shown begins."""
        return min((self._clips[number].start for number in self._shown), default=None)

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
