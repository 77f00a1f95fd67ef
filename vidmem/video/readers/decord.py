"""Sampled frames through decord, at the model's size, checked against the true times.

It is given a copy of the one stream that was looked at, see `single_stream`. Three habits of decord
0.6 shape this file. It decodes ahead without bound, so it is never opened at the size of the
source. It counts frames that an edit list hides and then gives wrong times, so its count and times
are compared with the file's. Some narrow pictures come out with other than three channels.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Self

import numpy as np

from vidmem.errors import DecoderError
from vidmem.units import memory_size
from vidmem.video.probe import VideoInfo
from vidmem.video.readers.frame_table import FrameTable
from vidmem.video.readers.single_stream import StreamCopyError, copy_stream
from vidmem.video.readers.sources import Sample, Tick, ends_early, hole, is_hole, no_tick
from vidmem.video.sampling import Gap, SampleClock

MIN_WIDTH = 64
"""Narrower, decord 0.6 gives some widths (8, 16, 48) with a wrong number of channels."""

BATCH_FRAMES = 16
MAX_BATCH_SPAN_FRAMES = 240
"""Source frames decoded in one call: it must not look like a decoder that hangs."""

NUM_THREADS = 2
MAX_TIME_ERROR_SECONDS = 0.0015
FLOAT32_ERROR = 2.0**-23

FIRST_BYTES, MORE_BYTES, MOST_BYTES = 330 << 20, 100 << 20, 1100 << 20
"""Growth at which decord must forget what it decoded ahead, again, and is given up."""

_logger = logging.getLogger(__name__)


def is_decord_installed() -> bool:
    """Whether decord can be imported on this machine."""
    return find_spec("decord") is not None


class DecordError(DecoderError):
    """Decord failed or disagrees with the file; PyAV goes on from here."""


class DecordSource:
    """Frames of one video at a chosen size, as a `SampleSource`; `set_table` comes first.

    Args:
        info: From `probe_video`.
        width: Pixels across.
        height: Pixels down.
        copy: Where the stream is copied to; a file in a private folder, if None.
        tick: Called now and then.
    """

    def __init__(
        self,
        info: VideoInfo,
        width: int,
        height: int,
        *,
        copy: BinaryIO | None = None,
        tick: Tick = no_tick,
    ) -> None:
        self.info = info
        self.table = FrameTable(pts=np.zeros(0, np.int64), end_pts=0, is_certain=False)
        self.width = width
        self.height = height
        self.tick = tick
        self._first_bytes = _rss_bytes()
        self._limit_bytes = self._first_bytes + FIRST_BYTES
        self._next_frame = 0
        self._parked_at: int | None = None
        self._holes: list[Gap] = []
        self._position_seconds = 0.0
        self._folder: TemporaryDirectory[str] | None = None
        self._reader: Any = None
        try:
            self._open(copy)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The reader's name, "decord"."""
        return "decord"

    def samples(self, clock: SampleClock, start: int) -> Iterator[Sample]:
        """Sampled frames from number `start` to the end of the video.

        Raises:
            DecordError: If decord cannot go on; what was yielded before is right.
        """
        end = clock.samples_before(self.table.end_pts)
        self._holes = self._holes_from(clock.latest_pts(start))
        per_sample = self.info.fps / float(clock.fps)
        num_samples = max(1, min(BATCH_FRAMES, round(MAX_BATCH_SPAN_FRAMES / per_sample)))
        for first in range(start, end, num_samples):
            self.tick()
            wanted = range(first, min(first + num_samples, end))
            latest = [clock.latest_pts(index) for index in wanted]
            frames = np.array([self._frame_at(pts) for pts in latest])
            pixels = self.frames(frames)
            following = clock.latest_pts(first + num_samples)
            self._next_frame = self._frame_at(following)
            self.relieve()
            for position, index in enumerate(wanted):
                pts = int(self.table.pts[frames[position]])
                self._position_seconds = clock.seconds(pts)
                yield Sample(index, pixels[position], self._position_seconds)

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Pictures of these source frames, uint8 `[N, H, W, 3]`.

        Raises:
            DecordError: If decord cannot read them.
        """
        different, where = np.unique(indices, return_inverse=True)
        try:
            self._leave_parking(int(different[0]))
            pixels = self._reader.get_batch(different.tolist()).asnumpy()
        except Exception as error:  # decord raises its own errors, IndexError and RuntimeError
            raise DecordError(f"decord failed: {_first_line(error)}") from error
        if pixels.shape != (len(different), self.height, self.width, 3):
            raise DecordError(f"decord gave pictures of shape {pixels.shape}")
        return pixels[where] if len(different) < len(indices) else pixels

    def _frame_at(self, pts: int) -> int:
        """Number of the frame on display."""
        return max(0, int(np.searchsorted(self.table.pts, pts, side="right")) - 1)

    def _leave_parking(self, frame: int) -> None:
        # After a bare seek decord is right only for the frame it was sent to: read that first.
        if self._parked_at is not None and self._parked_at != frame:
            self._reader.get_batch([self._parked_at])
        self._parked_at = None

    def _holes_from(self, pts: int) -> list[Gap]:
        if "mp4" in self.info.container:
            return []  # in an MP4 every frame lasts until the next, so a hole cannot be told
        starts, usual = self.table.pts, self.info.usual_duration
        long_steps = np.flatnonzero(np.diff(starts) > usual * 2)
        places = [(int(starts[step]) + usual, int(starts[step + 1])) for step in long_steps]
        return [hole(self.info, *p) for p in places if p[1] > pts and is_hole(self.info, *p)]

    def relieve(self) -> None:
        """Make decord forget what it decoded ahead, when that has become much.

        It keeps the memory and uses it again, so what counts is growth. The forgotten frames are
        decoded a second time, from the last key frame.

        Raises:
            DecordError: If it grows on and on.
        """
        rss_bytes = _rss_bytes()
        if rss_bytes <= self._limit_bytes or self._reader is None:
            return
        if rss_bytes - self._first_bytes > MOST_BYTES:
            raise DecordError(f"decord grew to {memory_size(rss_bytes)}")
        self._limit_bytes = rss_bytes + MORE_BYTES
        self._reader.seek_accurate(self._next_frame)
        self._parked_at = self._next_frame

    def take_gaps(self) -> tuple[Gap, ...]:
        """Holes passed since the last call; at damage decord fails, and PyAV takes over."""
        passed = [gap for gap in self._holes if gap.start_seconds <= self._position_seconds]
        self._holes = self._holes[len(passed) :]
        return tuple(passed)

    def close(self) -> None:
        """Close the file."""
        self._reader = None
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, copy: BinaryIO | None) -> None:
        """Copy the stream, and have decord open the copy."""
        if copy is None:
            self._folder = TemporaryDirectory(prefix="vidmem-stream-", ignore_cleanup_errors=True)
            copy = open(Path(self._folder.name) / "stream", "wb")  # noqa: SIM115 (closed below)
        try:
            with copy:
                copy_stream(self.info, copy, self.tick)
        except StreamCopyError as error:
            raise DecordError(str(error)) from error
        self._reader = _open(copy.name, self.width, self.height)

    def set_table(self, table: FrameTable) -> None:
        """Give it the true times; refuse to go on unless decord sees the same frames at them.

        Raises:
            DecordError: If decord counts other frames or gives them other times.
        """
        if not table.is_certain:
            raise DecordError("its frames have no times of their own")
        if table.has_leading_frames:
            raise DecordError("it loses count where frames are shown before their key frame")
        if ends_early(self.info, table.end_pts):
            raise DecordError("the file is damaged or ends before the length it gives for itself")
        self.table = table
        num_frames = len(self._reader)
        if num_frames != self.table.num_frames:
            raise DecordError(
                f"decord counts {num_frames} frames where the file shows {self.table.num_frames}"
            )
        theirs = self._reader.get_frame_timestamp(np.arange(num_frames))[:, 0]
        ours = self.table.seconds(self.info)
        allowed = MAX_TIME_ERROR_SECONDS + ours * FLOAT32_ERROR
        if (np.abs(theirs - ours) > allowed).any():
            raise DecordError("decord gives frames other times than the file does")


def _rss_bytes() -> int:
    import psutil  # only for decord: a decoder starts faster without it

    return psutil.Process().memory_info().rss


def _open(path: str, width: int, height: int) -> Any:
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        return decord.VideoReader(
            path, ctx=decord.cpu(0), width=width, height=height, num_threads=NUM_THREADS
        )
    except Exception as error:  # decord raises its own errors, RuntimeError and OSError
        _logger.debug("decord could not open %s", path, exc_info=True)
        raise DecordError(f"decord could not open it: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rpartition(": ")[2][:120]
