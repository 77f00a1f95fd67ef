"""`open_video`: the one interface to a video's frames.

PyAV reads everything. Decord reads at the size of a model where it is asked for, and only files
whose frames it counts and times as the file does. Both choose the same source frames for the same
times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from vidmem.errors import DecoderError, SettingError
from vidmem.units import file_size
from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.decord import (
    MIN_WIDTH,
    DecordError,
    DecordSource,
    is_decord_installed,
)
from vidmem.video.readers.frame_table import FrameTable, read_frame_table
from vidmem.video.readers.pyav import FrameCursor, PyavSource
from vidmem.video.readers.single_stream import MAX_COPY_BYTES
from vidmem.video.readers.sources import Tick, no_tick
from vidmem.video.sampling import Gap

READER_NAMES = ("auto", "decord", "pyav")

DECORD_CONTAINERS = {"mp4", "matroska", "avi", "flv", "webm"}
DECORD_CODECS = {"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg", "h263", "mpeg2video"}


@dataclass(frozen=True)
class Frame:
    """A frame of the file, at the size it was opened for."""

    pixels: np.ndarray
    """uint8 `[H, W, 3]`."""

    pts_seconds: float
    frame_index: int

    def __repr__(self) -> str:
        return (
            f"Frame(frame_index={self.frame_index}, pts_seconds={self.pts_seconds:.4f}, "
            f"pixels={list(self.pixels.shape)})"
        )


@dataclass(frozen=True)
class Frames:
    """Frames of the file by number, in the order they were asked for."""

    pixels: np.ndarray
    """uint8 `[N, H, W, 3]`."""

    pts_seconds: np.ndarray
    """float64 `[N]`, from the first frame shown."""

    frame_indices: np.ndarray
    """int64 `[N]`."""

    def __post_init__(self) -> None:
        if not len(self.pixels) == len(self.pts_seconds) == len(self.frame_indices):
            raise ValueError("pixels, pts_seconds and frame_indices must have the same length")

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        return f"Frames(pixels={list(self.pixels.shape)}, frame_indices={self.frame_indices})"


@dataclass(frozen=True)
class ReaderChoice:
    """A source opened for reading, and why this one."""

    source: PyavSource | DecordSource
    reason: str


def choose_source(
    info: VideoInfo,
    size: tuple[int | None, int | None],
    reader: str = "auto",
    *,
    tick: Tick = no_tick,
    copy: BinaryIO | None = None,
) -> ReaderChoice:
    """Open a video with the reader that was asked for.

    Args:
        info: From `probe_video`.
        size: Width and height of the pictures wanted; None for the size of the source.
        reader: "auto" and "pyav" are PyAV; "decord" has to be asked for.
        tick: Called now and then.
        copy: For decord, where the stream is copied to; a file in a private folder, if None.

    Raises:
        SettingError: If decord is asked for and cannot read this.
    """
    check_reader_name(reader)
    width, height = size
    if reader != "decord":
        source = PyavSource(info, width, height, tick=tick)
        return ReaderChoice(source, "PyAV reads every file")
    obstacle = _obstacle_to_decord(info, size)
    if obstacle is None and width is not None and height is not None:
        try:
            reason = "decord was asked for"
            return ReaderChoice(_open_decord(info, (width, height), tick, copy), reason)
        except DecordError as error:
            obstacle = str(error)
    raise SettingError(f'{info.path} cannot be read with decord: {obstacle}; use "auto"')


def check_reader_name(reader: str) -> None:
    """Refuse an unknown reader.

    Raises:
        SettingError: With the names there are.
    """
    if reader not in READER_NAMES:
        raise SettingError(f'reader must be "auto", "decord" or "pyav", got {reader!r}')


class VideoReader:
    """Frames of a video, one after the other or by number; a context manager.

    The first request by number reads the times of all frames (about a second for three hours).
    """

    def __init__(self, info: VideoInfo, choice: ReaderChoice) -> None:
        self.info = info
        self.reader_reason = choice.reason
        self._source = choice.source

    @property
    def reader_name(self) -> str:
        """The reader at work: "decord" or "pyav"."""
        return self._source.name

    @property
    def num_frames(self) -> int:
        """Frames that are shown; counted, not taken from the header."""
        return self._table.num_frames

    @property
    def duration_seconds(self) -> float:
        """From the first frame shown to the end of the last."""
        return float((self._table.end_pts - self.info.start_pts) * self.info.tick)

    @property
    def pts_seconds(self) -> np.ndarray:
        """When each frame is shown, float64 `[num_frames]`, from the first frame."""
        return self._table.seconds(self.info)

    def frames(self, indices: Sequence[int]) -> Frames:
        """Frames by number, in any order.

        Raises:
            IndexError: If a number is outside the video.
            DecoderError: If one of them is damaged.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < self.num_frames:
            raise IndexError(
                f"frame numbers must be in [0, {self.num_frames}), the frames of "
                f"{self.info.path.name}, got {wanted.min()} to {wanted.max()}"
            )
        pixels = self._pixels(wanted)
        return Frames(pixels, self.pts_seconds[wanted], wanted)

    def __len__(self) -> int:
        return self.num_frames

    def __iter__(self) -> Iterator[Frame]:
        """All frames in order; what is damaged is left out."""
        if isinstance(self._source, DecordSource):
            for index in range(self.num_frames):
                one = self.frames([index])
                yield Frame(one.pixels[0], float(one.pts_seconds[0]), index)
            return
        source = self._source
        num_gaps = 0
        for index, decoded in enumerate(source.frames_from(self.info.start_pts)):
            num_gaps += len(source.take_gaps())
            if num_gaps:  # lost frames count too
                index = int(np.searchsorted(self._table.pts, decoded.pts))
            seconds = float((decoded.pts - self.info.start_pts) * self.info.tick)
            yield Frame(source.to_pixels(decoded.frame), seconds, index)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @cached_property
    def _table(self) -> FrameTable:
        if isinstance(self._source, DecordSource):
            return self._source.table
        return read_frame_table(self.info)

    def _pixels(self, wanted: np.ndarray) -> np.ndarray:
        if isinstance(self._source, DecordSource) and wanted.size:
            try:
                return self._source.frames(wanted)
            except DecordError as error:
                choice = choose_source(self.info, (self._source.width, self._source.height), "pyav")
                self._source.close()
                self._source, self.reader_reason = choice.source, f"PyAV, because {error}"
        assert isinstance(self._source, PyavSource)
        return _pyav_pixels(self._source, self._table.pts, wanted)


def open_video(
    source: str | Path,
    *,
    width: int | None = None,
    height: int | None = None,
    reader: str = "auto",
) -> VideoReader:
    """Open a video to read its frames.

    ```python
    with open_video("pen.mp4", width=224, height=224) as video:
        frames = video.frames([0, 10, 20])
    ```

    Args:
        source: A video file.
        width: Pixels across of the frames read; the file's own if None, which only PyAV reads.
        height: Pixels down.
        reader: "auto" (PyAV), "pyav" or "decord".

    Raises:
        UnreadableVideoError: If it cannot be read, with the reason and what to do.
        SettingError: If the reader does not exist or cannot read this file.
    """
    check_reader_name(reader)
    info = probe_video(source)
    return VideoReader(info, choose_source(info, (width, height), reader))


def _pyav_pixels(source: PyavSource, table: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    pixels = np.zeros((len(wanted), source.height, source.width, 3), dtype=np.uint8)
    cursor = FrameCursor(source)
    gaps: tuple[Gap, ...] = ()
    for place in np.argsort(wanted, kind="stable"):
        pts = int(table[wanted[place]])
        decoded = cursor.frame_at(pts)
        seconds = float((pts - source.info.start_pts) * source.info.tick)
        gaps += source.take_gaps()
        is_lost = any(gap.start_seconds <= seconds < gap.end_seconds for gap in gaps)
        # Another picture would stand for it: right for who watches, not for who asks for this one.
        if decoded is None or (is_lost and decoded.pts != pts):
            raise DecoderError(
                f"{source.info.path}: frame {wanted[place]}, at {seconds:.2f} s, is damaged and "
                "cannot be decoded"
            )
        pixels[place] = source.to_pixels(decoded.frame)
    return pixels


def _open_decord(
    info: VideoInfo, size: tuple[int, int], tick: Tick, copy: BinaryIO | None
) -> DecordSource:
    with ThreadPoolExecutor(1) as pool:  # both read the whole file: at the same time
        reading = pool.submit(read_frame_table, info, tick)
        source = DecordSource(info, *size, copy=copy, tick=tick)
        try:
            source.set_table(reading.result())
        except BaseException:
            source.close()
            raise
    return source


def _obstacle_to_decord(info: VideoInfo, size: tuple[int | None, int | None]) -> str | None:
    """Why decord must not read this, or None."""
    width, height = size
    if width is None or height is None:
        return "pictures at their own size are wanted, which make decord grow without bound"
    if not is_decord_installed():
        return "decord is not installed (it has no package for this machine)"
    if width < MIN_WIDTH:
        return f"decord is unsafe below {MIN_WIDTH} pixels of width"
    return _unsuited_file(info)


def _unsuited_file(info: VideoInfo) -> str | None:
    if not DECORD_CONTAINERS & set(info.container.split(",")):
        return f"decord can hang on {info.container} files or does not read them"
    if info.codec not in DECORD_CODECS:
        return f"decord does not read {info.codec}"
    if info.has_edit_list:
        return "the file has an edit list, whose times decord gets wrong"
    if info.is_truncated:
        return "the file is cut off, where decord fails"
    if info.uses_decode_times:
        return "the frames of this AVI file have no times of their own"
    if info.size_bytes > MAX_COPY_BYTES:
        return f"decord would read all {file_size(info.size_bytes)} before its first frame"
    return None
