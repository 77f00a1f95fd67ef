"""Pictures for people's eyes: upright, in their true shape, as JPEG.

They are decoded in a process of their own, which can be ended.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import SettingError
from vidmem.video.child_owner import ChildOwner
from vidmem.video.child_process import GIB, ChildLimits, ChildProcess
from vidmem.video.probe import VideoInfo


@dataclass(frozen=True)
class Picture:
    """One picture."""

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
    ) -> None:
        if max_height < 16:
            raise SettingError(f"max_height must be at least 16 pixels, got {max_height}")
        if not 1 <= quality <= 95:
            raise SettingError(f"quality must be in [1, 95], got {quality}")
        self._run = 0
        self._lock = threading.Lock()
        self._child = ChildProcess(
            self.TASK,
            {"path": str(Path(path).absolute()), "max_height": max_height, "quality": quality},
            str(path),
            ChildLimits(timeout_seconds=timeout_seconds, max_rss_bytes=2 * GIB),
        )
        try:
            values = self._child.receive().values
        except BaseException:
            self._child.close()
            raise
        self.info = VideoInfo.from_json(values["info"])
        self.width: int = values["width"]
        self.height: int = values["height"]

    def picture(self, seconds: float) -> Picture:
        """The picture on display at a time; the first or last one outside the video.

        Raises:
            DecoderError: If there is none within the time limit.
        """
        with self._lock:
            self._run += 1
            wanted = self._run
            self._child.drop_unless(lambda message: message.values.get("run", wanted) == wanted)
            self._child.send({"seconds": float(seconds), "run": wanted})
            message = self._child.receive()
        return Picture(bytes(message.data), message.values["seconds"], self.width, self.height)
