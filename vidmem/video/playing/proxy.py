"""A copy of a video that every browser plays, made in a process of its own.

It is written under another name and renamed when it is whole, so that what has its name is whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import DecoderError, SettingError
from vidmem.video.child.process import ChildLimits, ChildOwner, ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.claims import MAX_SIDE, info_of

TRAILER_BYTES = 64 << 20
"""Of the index at the end of a copy, beyond what its frames may take."""


@dataclass(frozen=True)
class ProxyProgress:
    """How far a copy is."""

    seconds: float
    """Of the video."""

    num_bytes: int
    """Of the copy."""


class ProxyMaker(ChildOwner):
    """Makes a copy as H.264 and AAC in MP4, in which frames have the times of predictions.

    Iterating goes on until the copy is whole. Closing it before ends its process within about a
    second, and leaves nothing behind.

    ```python
    with ProxyMaker("pen.avi", "pen.mp4") as maker:
        for progress in maker:
            print(f"{progress.seconds:.0f} of {maker.info.duration_seconds:.0f} s")
    ```

    Args:
        path: A video file.
        out: Where the copy is; what was there is replaced.
        max_width: Wider videos are shrunk to this width; pixels.
        max_bytes: Of the copy; a larger one is given up.
        timeout_seconds: Longest silence of the process; it may be at work for twenty times as long
            without coming on.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        UnsupportedCodecError: If H.264 cannot be encoded here.
        StorageError: If there is no room for the copy.
        DecoderError: If the process hangs, crashes or grows too large.
    """

    TASK = "vidmem.video.playing.proxy_task:run"

    def __init__(
        self,
        path: str | Path,
        out: str | Path,
        *,
        max_width: int = 1280,
        max_bytes: int = 20 * 10**9,
        timeout_seconds: float = 30.0,
    ) -> None:
        if max_width < 16:
            raise SettingError(f"max_width must be at least 16 pixels, got {max_width}")
        self.out = Path(os.path.abspath(out))
        self._part = self.out.with_name(f".{self.out.name}.part")
        # For us alone: it shows what the original does.
        os.close(os.open(self._part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        whole_path = str(Path(path).absolute())
        settings = {"path": whole_path, "max_width": max_width, "max_bytes": max_bytes}
        box = ChildBox(
            files=(whole_path,), copy=str(self._part), max_copy_bytes=max_bytes + TRAILER_BYTES
        )
        limits = ChildLimits(timeout_seconds=timeout_seconds)
        try:
            self._child = ChildProcess(self.TASK, settings, str(path), limits, box)
            message = self._child.receive()
            with self._child.checking():
                message.must_be("open")
                self.info = info_of(message, whole_path)
                self.width = message.whole("width", 1, MAX_SIDE)
                self.height = message.whole("height", 1, MAX_SIDE)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[ProxyProgress]:
        """How far it is, about twice a second, until it is whole."""
        while True:
            message = self._child.receive()
            with self._child.checking():
                num_bytes = message.whole("num_bytes")
                if message.kind == "done":
                    break
                message.must_be("progress")
                progress = ProxyProgress(message.number("seconds"), num_bytes)
            yield progress
        if self._part.stat().st_size != num_bytes:
            raise DecoderError(f"the playable copy of {self.info.name} was not written whole")
        os.replace(self._part, self.out)

    def close(self) -> None:
        """End the process; what is not whole is deleted."""
        if hasattr(self, "_child"):
            super().close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)
