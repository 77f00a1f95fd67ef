"""Sampled frames decoded in a child process, ahead of whoever reads them.

The child runs ahead by a bounded number of frames: decoding overlaps with the model, and memory
does not grow. A decoder that hangs, crashes or swells ends as a `DecoderError` within its time
limit.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from vidmem.errors import DecoderCrashedError, SettingError
from vidmem.units import GIB, clock
from vidmem.video.child.format import (
    MAX_FRAMES_BYTES,
    Message,
    MessageError,
    as_number,
    as_whole,
)
from vidmem.video.child.process import ChildLimits, ChildOwner, ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.claims import gaps_of, info_of
from vidmem.video.probe import VideoInfo
from vidmem.video.readers.reader import check_reader_name
from vidmem.video.readers.single_stream import MAX_COPY_BYTES
from vidmem.video.sampling import Gap

BATCH_FRAMES = 8
NO_PICTURES = "the video has no pictures here"

COPY_EXTRA_BYTES = 64 << 20
"""Of what a container adds to a stream."""

MAX_EMPTY = 1000
"""Messages in a row without a frame."""

MAX_RESTARTS = 2
"""Of a decoder that something else has killed, most likely a system without free memory."""

PROBE_CPU_SECONDS = 600
"""Of processor time: for the first frame of a file; those who play it have no such limit."""


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
    """Damage met while these were decoded. Where it is short, frames repeat the last good one; for
    longer there are none (`is_before_break`)."""

    is_end: bool
    """The video has no frame after these."""

    break_before: str | None = None
    """Why these do not go on where the frames before them ended; `None`: they do."""

    is_before_break: bool = False
    """The frames after these, if any, do not go on from here."""

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

    A decoder that something else kills is started again at the frame that is next, twice.

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
        reader: "auto" (PyAV), "pyav" or "decord".
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
        self._reader, self._limits = reader, limits
        self._folder: TemporaryDirectory[str] | None = None
        self._run = 0
        self._batches: deque[_Batch] = deque()
        self._is_end = False
        self._is_break_reported = True
        self._is_closed = False
        self._num_empty = 0
        self._next_frame = start_frame
        self._restarts: list[str] = []
        self._start()

    def read(self, num_frames: int) -> SampledFrames:
        """The next sampled frames; fewer, or none, only at the end, or before a break.

        Where the video has no pictures for long, frames go on behind that, with the numbers of
        their times: a call ends before the break, and the next one begins behind it.

        Raises:
            DecoderError: If the decoder hangs, crashes or grows too large.
        """
        if num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {num_frames}")
        while not self._is_enough(num_frames) and not self._is_end:
            try:
                message = self._child.receive()
            except DecoderCrashedError as error:
                self._start_again(error)
                continue
            with self._child.checking():
                self._take(message)
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
        self._is_end, self._is_break_reported = False, True
        self._next_frame = start_frame
        wanted = self._run
        self._child.drop_unless(lambda message: message.values.get("run", wanted) == wanted)
        self._child.send({"start": start_frame, "fps": fps, "run": wanted})

    @property
    def child_pid(self) -> int:
        """Process id of the decoding process."""
        return self._child.pid

    def close(self) -> None:
        """End the decoding process, within about a second whatever it does."""
        self._is_closed = True
        self._batches.clear()
        super().close()
        self._remove_copy()

    def _start(self) -> None:
        """Start the decoder at the frame that is next, and wait until the video is open."""
        path = str(self.path.absolute())
        settings = {
            "path": path,
            "fps": self.fps,
            "width": self.width,
            "height": self.height,
            "start": self._next_frame,
            "run": self._run,
            "reader": self._reader,
            "batch_frames": BATCH_FRAMES,
        }
        box = ChildBox(files=(path,))
        if self._reader == "decord":
            self._folder = TemporaryDirectory(prefix="vidmem-stream-", ignore_cleanup_errors=True)
            copy = str(Path(self._folder.name) / "stream")
            box = ChildBox(
                files=(path,), copy=copy, max_copy_bytes=MAX_COPY_BYTES + COPY_EXTRA_BYTES
            )
        frame_bytes = self.width * self.height * 3
        limits = ChildLimits(
            timeout_seconds=self._limits.timeout_seconds,
            max_rss_bytes=self._limits.max_rss_bytes,
            queue_messages=max(1, self._limits.queue_frames // BATCH_FRAMES),
            max_data_bytes=max(MAX_FRAMES_BYTES, frame_bytes),
        )
        self._child = ChildProcess(self.TASK, settings, str(self.path), limits, box)
        try:
            message = self._child.receive()
            if os.name == "posix":
                self._remove_copy()  # decord has it open, and it lasts as long as that
            with self._child.checking():
                message.must_be("open")
                self.info = info_of(message, path)
                self._note_reader(message)
        except DecoderCrashedError as error:
            self._start_again(error)
        except BaseException:
            self._child.close()
            self._remove_copy()
            raise

    def _remove_copy(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _start_again(self, error: DecoderCrashedError) -> None:
        """Go on with another child after a crash, if it is not the file that ends them."""
        was_killed = self._child.was_killed
        self._child.close()
        self._remove_copy()
        if not was_killed or self._is_closed or len(self._restarts) == MAX_RESTARTS:
            raise error
        self._restarts.append(clock(self._next_frame / self.fps, has_tenths=True))
        self._start()

    def _note_reader(self, message: Message) -> None:
        self.reader_name = message.text("name")
        self.reader_reason = message.text("reason")
        if self._restarts:
            times = " and ".join(self._restarts)
            self.reader_reason += f"; started again at {times}, after something had killed it"

    def _take(self, message: Message) -> None:
        """Keep a message's frames, once all of it is checked."""
        message.must_be("frames")
        batch = _Batch.of(message, self.height, self.width)
        is_end = message.flag("is_end")
        self._num_empty = 0 if len(batch) else self._num_empty + 1
        if self._num_empty > MAX_EMPTY:  # a few may tell of gaps
            raise MessageError("no frames, again and again, and no end")
        self._note_reader(message)
        self._is_end = is_end
        self._batches.append(batch)
        if len(batch):
            self._next_frame = batch.indices[-1] + 1

    def _is_enough(self, num_frames: int) -> bool:
        num_held = 0
        for batch in self._batches:
            if batch.is_behind_break and (num_held or not self._is_break_reported):
                return True
            num_held += len(batch)
        return num_held >= num_frames

    def _collect(self, num_frames: int) -> SampledFrames:
        pieces: list[_Batch] = []
        missing = num_frames
        is_before_break = False
        while self._batches and (missing > 0 or not len(self._batches[0])):
            has_frames = missing < num_frames
            if self._batches[0].is_behind_break and (has_frames or not self._is_break_reported):
                is_before_break = self._is_break_reported = True
                break
            batch = self._batches.popleft()
            if len(batch) > missing:
                self._batches.appendleft(batch.from_frame(missing))
                batch = batch.to_frame(missing)
            pieces.append(batch)
            missing -= len(batch)
        if sum(len(piece) for piece in pieces) and not is_before_break:
            self._is_break_reported = False
        is_behind_break = any(piece.is_behind_break for piece in pieces)
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
            break_before=NO_PICTURES if is_behind_break else None,
            is_before_break=is_before_break,
        )


@dataclass(frozen=True)
class _Batch:
    pixels: Tensor
    seconds: list[float]
    indices: list[int]
    gaps: list[Gap]
    is_behind_break: bool

    @classmethod
    def of(cls, message: Message, height: int, width: int) -> _Batch:
        """The frames of a message; `MessageError` if they cannot be."""
        indices = message.list_of("indices", as_whole, BATCH_FRAMES)
        seconds = message.list_of("seconds", as_number, BATCH_FRAMES)
        expected_bytes = len(indices) * height * width * 3
        if len(seconds) != len(indices) or len(message.data) != expected_bytes:
            raise MessageError(
                f"{len(indices)} frames with {len(seconds)} times and {len(message.data)} bytes"
            )
        if any(later <= earlier for earlier, later in pairwise(indices)):
            raise MessageError("frames that are not in order")
        shape = (len(indices), height, width, 3)
        if message.data:
            pixels = torch.frombuffer(message.data, dtype=torch.uint8).view(shape)
        else:
            pixels = torch.empty(shape, dtype=torch.uint8)
        is_behind_break = bool(indices) and message.values.get("is_behind_break") is True
        return cls(pixels, seconds, indices, gaps_of(message), is_behind_break)

    def __len__(self) -> int:
        return len(self.indices)

    def to_frame(self, end: int) -> _Batch:
        seconds, indices = self.seconds[:end], self.indices[:end]
        return _Batch(self.pixels[:end], seconds, indices, self.gaps, self.is_behind_break)

    def from_frame(self, start: int) -> _Batch:
        return _Batch(self.pixels[start:], self.seconds[start:], self.indices[start:], [], False)


def probe_safely(path: str | Path, *, timeout_seconds: float = 30.0) -> VideoInfo:
    """`probe_video` in a process of its own, with a time limit.

    Raises:
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the decoder hangs or crashes over it.
    """
    whole_path = str(Path(path).absolute())
    task, settings = "vidmem.video.frame_task:probe", {"path": whole_path}
    limits = ChildLimits(timeout_seconds=timeout_seconds)
    box = ChildBox(files=(whole_path,), cpu_seconds=PROBE_CPU_SECONDS)
    with ChildProcess(task, settings, str(path), limits, box) as child:
        message = child.receive()
        with child.checking():
            message.must_be("info")
            return info_of(message, whole_path)


def _check_place(fps: float, start_frame: int) -> None:
    if not fps > 0:
        raise SettingError(f"fps must be above 0 frames per second, got {fps}")
    if start_frame < 0:
        raise SettingError(f"start_frame must be at least 0, got {start_frame}")


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise SettingError(f"width and height must be at least 1 pixel, got {width} x {height}")
