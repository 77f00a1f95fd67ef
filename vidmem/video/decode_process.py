"""Sampled frames decoded in a child process, ahead of whoever reads them.

The child runs ahead by a bounded number of frames, so decoding overlaps with the model and nothing
grows.
A decoder that hangs, crashes or swells ends as a `DecoderError` within its time limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vidmem.errors import SettingError
from vidmem.video.child_owner import ChildOwner
from vidmem.video.child_process import GIB, ChildLimits, ChildProcess, Message
from vidmem.video.probe import VideoInfo
from vidmem.video.reader import check_reader_name
from vidmem.video.sampling import Gap

BATCH_FRAMES = 8


@dataclass(frozen=True)
class SampledFrames:
    """Some sampled frames in a row."""

    pixels: Tensor
    """uint8 `[N, H, W, 3]`."""

    pts_seconds: Tensor
    """float64 `[N]`: when the source frame of each is shown, from the first frame of the video."""

    sample_indices: Tensor
    """int64 `[N]`."""

    gaps: tuple[Gap, ...]
    """Damage met while these were decoded; its frames repeat the last good one."""

    is_end: bool
    """The video has no frame after these."""

    break_before: str | None = None
    """Live: why these do not go on where the frames before them ended; `None`: they do."""

    is_before_break: bool = False
    """Live: the frames after these, if any, do not go on from here."""

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        shape = list(self.pixels.shape)
        return f"SampledFrames(pixels={shape}, gaps={self.gaps}, is_end={self.is_end})"


@dataclass(frozen=True, kw_only=True)
class FeedLimits:
    """How far the child runs ahead and what it may take."""

    queue_frames: int = 96
    """Decoded frames waiting at most."""

    timeout_seconds: float = 30.0
    """Longest silence of the decoder while frames are waited for, opening included."""

    max_rss_bytes: int = 2 * GIB
    """Memory of the child."""


class FrameFeed(ChildOwner):
    """Sampled frames of one video at the size of a model; a context manager.

    ```python
    with FrameFeed("pen.mp4", fps=4, width=224, height=224) as feed:
        frames = feed.read(16)
    ```

    Args:
        path: A video file.
        fps: Sampled frames per second of video.
        width: Pixels across.
        height: Pixels down.
        start_frame: The first sampled frame to read, on display at `start_frame / fps` seconds.
        reader: "auto", "decord" or "pyav".
        limits: How far it runs ahead, and what it may take.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder hangs, crashes or grows too large.
        SettingError: If a setting is impossible.
    """

    TASK = "vidmem.video.frame_task:run"

    def __init__(
        self,
        path: str | Path,
        *,
        fps: float,
        width: int,
        height: int,
        start_frame: int = 0,
        reader: str = "auto",
        limits: FeedLimits | None = None,
    ) -> None:
        check_reader_name(reader)
        _check_place(fps, start_frame)
        _check_size(width, height)
        limits = limits or FeedLimits()
        self.path = Path(path)
        self.fps = fps
        self.width = width
        self.height = height
        self._run = 0
        self._batches: deque[_Batch] = deque()
        self._is_end = False
        self._child = ChildProcess(
            self.TASK,
            {
                "path": str(self.path.absolute()),
                "fps": fps,
                "width": width,
                "height": height,
                "start": start_frame,
                "reader": reader,
                "batch_frames": BATCH_FRAMES,
            },
            str(path),
            _child_limits(limits),
        )
        self._wait_until_open()

    def read(self, num_frames: int) -> SampledFrames:
        """The next sampled frames; fewer, or none, only at the end of the video.

        Raises:
            DecoderError: If the decoder hangs, crashes or grows too large.
        """
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        while sum(len(batch) for batch in self._batches) < num_frames and not self._is_end:
            self._take(self._child.receive())
        return self._collect(num_frames)

    def seek(self, start_frame: int) -> None:
        """Go on reading at another sampled frame."""
        self.set_fps(self.fps, start_frame)

    def set_fps(self, fps: float, start_frame: int) -> None:
        """Go on reading at another rate, from sampled frame `start_frame` of that rate."""
        _check_place(fps, start_frame)
        self.fps = fps
        self._run += 1
        self._batches.clear()
        self._is_end = False
        wanted = self._run
        self._child.drop_unless(lambda message: message.values.get("run", wanted) == wanted)
        self._child.send({"start": start_frame, "fps": fps, "run": wanted})

    @property
    def child_rss_bytes(self) -> int:
        """Resident memory of the decoding process."""
        return self._child.rss_bytes

    @property
    def child_pid(self) -> int:
        """Process id of the decoding process."""
        return self._child.pid

    def close(self) -> None:
        """End the decoding process, within about a second whatever it does."""
        self._batches.clear()
        super().close()

    def _wait_until_open(self) -> None:
        try:
            message = self._child.receive()
        except BaseException:
            self._child.close()
            raise
        self.info = VideoInfo.from_json(message.values["info"])
        self.reader_name: str = message.values["name"]
        self.reader_reason: str = message.values["reason"]

    def _take(self, message: Message) -> None:
        values = message.values
        self.reader_name, self.reader_reason = values["name"], values["reason"]
        self._is_end = values["is_end"]
        shape = (len(values["indices"]), self.height, self.width, 3)
        pixels = (
            torch.frombuffer(message.data, dtype=torch.uint8) if message.data else torch.empty(0)
        )
        self._batches.append(
            _Batch(
                pixels.to(torch.uint8).view(shape),
                values["seconds"],
                values["indices"],
                [Gap(start_seconds=a, end_seconds=b, reason=why) for a, b, why in values["gaps"]],
            )
        )

    def _collect(self, num_frames: int) -> SampledFrames:
        pieces: list[_Batch] = []
        missing = num_frames
        while self._batches and (missing > 0 or not len(self._batches[0])):
            batch = self._batches.popleft()
            if len(batch) > missing:
                self._batches.appendleft(batch.from_frame(missing))
                batch = batch.to_frame(missing)
            pieces.append(batch)
            missing -= len(batch)
        empty = torch.empty(0, self.height, self.width, 3, dtype=torch.uint8)
        return SampledFrames(
            pixels=torch.cat([empty, *(piece.pixels for piece in pieces)]),
            pts_seconds=torch.tensor(
                [second for piece in pieces for second in piece.seconds], dtype=torch.float64
            ),
            sample_indices=torch.tensor(
                [index for piece in pieces for index in piece.indices], dtype=torch.int64
            ),
            gaps=tuple(gap for piece in pieces for gap in piece.gaps),
            is_end=self._is_end and not self._batches,
        )


@dataclass(frozen=True)
class _Batch:
    pixels: Tensor
    seconds: list[float]
    indices: list[int]
    gaps: list[Gap]

    def __len__(self) -> int:
        return len(self.indices)

    def to_frame(self, end: int) -> _Batch:
        return _Batch(self.pixels[:end], self.seconds[:end], self.indices[:end], self.gaps)

    def from_frame(self, start: int) -> _Batch:
        return _Batch(self.pixels[start:], self.seconds[start:], self.indices[start:], [])


def probe_safely(path: str | Path, *, timeout_seconds: float = 30.0) -> VideoInfo:
    """`probe_video` in a process of its own, with a time limit.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder hangs or crashes over it.
    """
    settings = {"path": str(Path(path).absolute())}
    limits = ChildLimits(timeout_seconds=timeout_seconds)
    with ChildProcess("vidmem.video.frame_task:probe", settings, str(path), limits) as child:
        return VideoInfo.from_json(child.receive().values["info"])


def _child_limits(limits: FeedLimits) -> ChildLimits:
    return ChildLimits(
        timeout_seconds=limits.timeout_seconds,
        max_rss_bytes=limits.max_rss_bytes,
        queue_messages=max(1, limits.queue_frames // BATCH_FRAMES),
    )


def _check_place(fps: float, start_frame: int) -> None:
    if not fps > 0:
        raise SettingError(f"fps must be above 0 frames per second, got {fps}")
    if start_frame < 0:
        raise SettingError(f"start_frame must be at least 0, got {start_frame}")


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise SettingError(f"width and height must be at least 1 pixel, got {width} x {height}")
