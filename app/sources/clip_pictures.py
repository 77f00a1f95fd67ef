"""Pictures of past clips, decoded again from the file."""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from app.budget import Budget, Lease, WaitingError, process_budget
from app.sources.pictures import PictureSource
from vidmem.errors import SettingError
from vidmem.units import MIB

MAX_FRAMES = 16
MAX_HELD_BYTES = 6 * MIB
"""Of pictures held: some hundred, so those of the clips on view and of the ones before."""

MAX_HEIGHT = 288
QUALITY = 80
IDLE_SECONDS = 20.0
CONTENDED_IDLE_SECONDS = 1.0
"""Where others wait for the place of this reader."""

ClipPicture = dict[str, float | str]
"""`seconds`, and `jpeg` in base64."""


class ClipPictures:
    """A reader that is opened with the first request, and closed after a while without any."""

    def __init__(
        self,
        path: Path,
        open_source: Callable[[Path], PictureSource],
        run_id: str = "",
        budget: Budget = process_budget,
    ) -> None:
        self.path = path
        self._owner, self._budget = run_id or f"clips {id(self)}", budget
        self._lease: Lease | None = None
        self._open = open_source
        self._lock = threading.Lock()
        self._source: PictureSource | None = None
        self._held: OrderedDict[int, ClipPicture] = OrderedDict()
        self._num_held_bytes = 0
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def frames(self, start: float, end: float, count: int) -> list[ClipPicture]:
        """Pictures evenly spread over a half-open time, each in the middle of its part.

        Raises:
            SettingError: If the times are not in order, or the pictures are too many.
            VidmemError: If the video cannot be read.
        WaitingError: If there is no place for another reader now.
        """
        if not 0 <= start <= end < float("inf") or not 1 <= count <= MAX_FRAMES:
            raise SettingError(
                f"frames must be 1 to {MAX_FRAMES} between two times, got {count} between "
                f"{start:g} and {end:g} s"
            )
        part = (end - start) / count
        return [self._frame(start + (number + 0.5) * part) for number in range(count)]

    def close(self) -> None:
        """Close the reader for good."""
        with self._lock:
            self._is_closed = True
            self._held.clear()
            self._num_held_bytes = 0
            self._close_source()

    def _frame(self, seconds: float) -> ClipPicture:
        key = round(seconds * 1000)
        # Locked while it decodes: there is one reader, and it decodes one picture at a time.
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            if self._is_closed:
                raise SettingError("another video was chosen")
            try:
                self._source = self._source or self._open_source()
                picture = self._source.picture(seconds)
            except BaseException:  # the reader may be broken: the next request opens another
                self._close_source()
                raise
            self._close_when_idle()
            small = base64.b64encode(_shrunk(picture.jpeg)).decode("ascii")
            frame: ClipPicture = {"seconds": round(picture.pts_seconds, 3), "jpeg": small}
            self._hold(key, frame)
            return frame

    def _hold(self, key: int, frame: ClipPicture) -> None:
        """Keep a picture, and drop those that were not asked for longest."""
        self._held[key] = frame
        self._num_held_bytes += len(str(frame["jpeg"]))
        while self._num_held_bytes > MAX_HELD_BYTES:
            _, dropped = self._held.popitem(last=False)
            self._num_held_bytes -= len(str(dropped["jpeg"]))

    def _open_source(self) -> PictureSource:
        self._lease = self._budget.take("picture", self._owner)
        if self._lease is None:
            raise WaitingError
        return self._open(self.path)

    def _close_when_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        is_contended = self._budget.is_contended("picture")
        seconds = CONTENDED_IDLE_SECONDS if is_contended else IDLE_SECONDS
        self._timer = threading.Timer(seconds, self._idle)
        self._timer.daemon = True
        self._timer.start()

    def _idle(self) -> None:
        with self._lock:
            self._close_source()

    def _close_source(self) -> None:
        source, self._source = self._source, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        lease, self._lease = self._lease, None
        if source is not None:
            source.close()
        if lease is not None:
            lease.release()


def _shrunk(jpeg: bytes) -> bytes:
    image = Image.open(io.BytesIO(jpeg))
    if image.height <= MAX_HEIGHT:
        return jpeg
    image.thumbnail((image.width, MAX_HEIGHT))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=QUALITY)
    return small.getvalue()
