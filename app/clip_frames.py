"""Pictures of a clip of the past, for who clicks on it."""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from app.pictures import PictureSource
from vidmem.errors import SettingError

MAX_FRAMES = 16
MAX_HELD = 400
"""Pictures held; at `MAX_HEIGHT` some 10 kB each."""

MAX_HEIGHT = 288
QUALITY = 80
IDLE_SECONDS = 20.0

Frame = dict[str, float | str]
"""`seconds`, and `jpeg` in base64."""


class ClipFrames:
    """A reader that is opened when it is asked, and given back when nobody asks for a while."""

    def __init__(self, path: Path, open_source: Callable[[Path], PictureSource]) -> None:
        self.path = path
        self._open = open_source
        self._lock = threading.Lock()
        self._source: PictureSource | None = None
        self._held: OrderedDict[int, Frame] = OrderedDict()
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def frames(self, start: float, end: float, count: int) -> list[Frame]:
        """Pictures evenly spread over a half-open time, each in the middle of its part.

        Raises:
            SettingError: If it is no time, or there are too many pictures.
            VidmemError: If the video cannot be read.
        """
        if not 0 <= start <= end < float("inf") or not 1 <= count <= MAX_FRAMES:
            raise SettingError(
                f"frames must be 1 to {MAX_FRAMES} between two times, got {count} between "
                f"{start:g} and {end:g} s"
            )
        part = (end - start) / count
        return [self._frame(start + (number + 0.5) * part) for number in range(count)]

    def close(self) -> None:
        """Give the reader back for good."""
        with self._lock:
            self._is_closed = True
            self._held.clear()
            self._give_back()

    def _frame(self, seconds: float) -> Frame:
        key = round(seconds * 1000)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            if self._is_closed:
                raise SettingError("the video was left")
            try:
                self._source = self._source or self._open(self.path)
                picture = self._source.picture(seconds)
            except BaseException:
                self._give_back()
                raise
            self._wait_for_next()
            small = base64.b64encode(_shrunk(picture.jpeg)).decode("ascii")
            frame: Frame = {"seconds": round(picture.pts_seconds, 3), "jpeg": small}
            self._held[key] = frame
            while len(self._held) > MAX_HELD:
                self._held.popitem(last=False)
            return frame

    def _wait_for_next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(IDLE_SECONDS, self._idle)
        self._timer.daemon = True
        self._timer.start()

    def _idle(self) -> None:
        with self._lock:
            self._give_back()

    def _give_back(self) -> None:
        source, self._source = self._source, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if source is not None:
            source.close()


def _shrunk(jpeg: bytes) -> bytes:
    image = Image.open(io.BytesIO(jpeg))
    if image.height <= MAX_HEIGHT:
        return jpeg
    image.thumbnail((image.width, MAX_HEIGHT))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=QUALITY)
    return small.getvalue()
