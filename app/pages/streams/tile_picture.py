"""The last frame of a stream's newest clip, as the model saw it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

QUALITY = 85


@dataclass(frozen=True)
class _Frame:
    version: int
    pixels: Any
    seconds: float


class TilePicture:
    """Made a JPEG when a page asks, once for all pages."""

    def __init__(self) -> None:
        self._newest: _Frame | None = None
        self._made: tuple[int, dict[str, Any]] | None = None

    def put(self, pixels: Any, seconds: float, version: int) -> None:
        """Take another frame, uint8 `[H, W, 3]`, that is there from a version on."""
        self._newest = _Frame(version, pixels, seconds)

    def since(self, version: int) -> dict[str, Any] | None:
        """The picture, if it came after a version."""
        newest, made = self._newest, self._made
        if newest is None or newest.version <= version:
            return None
        if made is None or made[0] != newest.version:
            picture = {"jpeg": _jpeg(newest.pixels), "seconds": round(newest.seconds, 3)}
            self._made = made = (newest.version, picture)
        return made[1]


def _jpeg(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
