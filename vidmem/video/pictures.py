"""Pictures for people's eyes: upright, in their true shape, as JPEG.

They are decoded in a process of their own, which can be ended.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import DecoderCrashedError, SettingError
from vidmem.units import GIB
from vidmem.video.child.format import Message, MessageError
from vidmem.video.child.process import ChildLimits, ChildOwner, ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.claims import MAX_SIDE, info_of

JPEG_BEGINS = b"\xff\xd8\xff"
MAX_HEADER_BYTES = 64 << 10
"""Of a JPEG, whose pixels never take more room than they do unpacked."""


@dataclass(frozen=True)
class Picture:
    """A picture of a video, as JPEG."""

    jpeg: bytes
    pts_seconds: float
    """When its frame is shown, from the first frame of the video."""

    width: int
    height: int

    def __repr__(self) -> str:
        return (
            f"Picture({self.width} x {self.height} at {self.pts_seconds:.3f} s, "
            f"{len(self.jpeg)} bytes)"
        )


class PictureReader(ChildOwner):
    """Pictures at any time of a video; goes forward where the time is near, seeks where it is far.

    Several threads may ask: they are answered one after the other.

    Args:
        path: A video file.
        max_height: Larger videos are shrunk to this height; pixels.
        quality: Of the JPEG, 1 to 95.
        timeout_seconds: Longest wait for a picture.
        max_rss_bytes: Memory of the process that decodes.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder hangs, crashes or grows too large.
    """

    TASK = "vidmem.video.picture_task:run"

    def __init__(
        self,
        path: str | Path,
        *,
        max_height: int = 540,
        quality: int = 85,
        timeout_seconds: float = 20.0,
        max_rss_bytes: int = 2 * GIB,
    ) -> None:
        if max_height < 16:
            raise SettingError(f"max_height must be at least 16 pixels, got {max_height}")
        if not 1 <= quality <= 95:
            raise SettingError(f"quality must be in [1, 95], got {quality}")
        self._run = 0
        self._lock = threading.Lock()
        self._label, self._path = str(path), str(Path(path).absolute())
        self._settings = {"path": self._path, "max_height": max_height, "quality": quality}
        self._limits = ChildLimits(timeout_seconds=timeout_seconds, max_rss_bytes=max_rss_bytes)
        self._start()

    def picture(self, seconds: float) -> Picture:
        """The picture on display at a time; the first or last one outside the video.

        Raises:
            DecoderError: If there is none within the time limit.
        """
        with self._lock:
            try:
                message = self._ask(seconds)
            except DecoderCrashedError:
                if not self._child.was_killed:
                    raise
                self._child.close()
                self._start()
                message = self._ask(seconds)
            with self._child.checking():
                return self._picture_of(message)

    def _start(self) -> None:
        """Start the decoder, and wait until the video is open."""
        box = ChildBox(files=(self._path,))
        self._child = ChildProcess(self.TASK, self._settings, self._label, self._limits, box)
        try:
            message = self._child.receive()
            with self._child.checking():
                message.must_be("open")
                self.info = info_of(message, self._path)
                self.width = message.whole("width", 1, MAX_SIDE)
                self.height = message.whole("height", 1, MAX_SIDE)
        except BaseException:
            self._child.close()
            raise
        self._child.max_data_bytes = MAX_HEADER_BYTES + self.width * self.height * 3

    def _ask(self, seconds: float) -> Message:
        self._run += 1
        wanted = self._run
        self._child.drop_unless(lambda message: message.values.get("run", wanted) == wanted)
        self._child.send({"seconds": float(seconds), "run": wanted})
        return self._child.receive()

    def _picture_of(self, message: Message) -> Picture:
        message.must_be("picture")
        if not message.data.startswith(JPEG_BEGINS):
            raise MessageError("a picture that is no JPEG")
        return Picture(bytes(message.data), message.number("seconds"), self.width, self.height)
