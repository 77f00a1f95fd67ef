"""When the frames of a file are shown, read in a process of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidmem.errors import SettingError
from vidmem.video.child.format import Message, MessageError
from vidmem.video.child.process import ChildLimits, ChildProcess
from vidmem.video.child.sandbox import ChildBox
from vidmem.video.claims import info_of
from vidmem.video.playing.times_task import MAX_TIMES

TIME_BYTES = 8
MAX_SECONDS = 1e9
CPU_SECONDS = 1800


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """When frames are shown, from the first frame of the video, as in predictions."""

    seconds: np.ndarray
    """float64 `[N]`, increasing."""

    end_seconds: float
    """When the last one ends: of a part, when the frame begins that comes next."""

    is_whole: bool
    """All frames of the video; else those of the part that was asked for, with the frame on
    display where it begins and, unless the video ends before, the first one behind it."""

    is_certain: bool
    """False where packets have no times of their own, so that these are worked out."""

    container_seconds: float
    """The container's own time of the first frame."""

    def __repr__(self) -> str:
        kind = "whole" if self.is_whole else "part"
        return f"FrameTimes({len(self.seconds)} frames, {kind}, to {self.end_seconds:.3f} s)"


def read_frame_times(
    path: str | Path,
    start_seconds: float = 0.0,
    end_seconds: float = math.inf,
    *,
    timeout_seconds: float = 30.0,
) -> FrameTimes:
    """When frames are shown, without decoding any: of the whole file where that is quick.

    Of large files whose packets would all have to be read, only those of a part are.

    Args:
        path: A video file.
        start_seconds: Where the part begins.
        end_seconds: Where it ends.
        timeout_seconds: Longest silence of the process that reads.

    Raises:
        SettingError: If the times are not in order.
        UnreadableVideoError: If the file cannot be read.
        DecoderError: If the process hangs or crashes over it.
    """
    if not 0 <= start_seconds <= end_seconds:
        raise SettingError(
            f"a part must begin at 0 s or later and end behind that, got {start_seconds:g} to "
            f"{end_seconds:g} s"
        )
    whole_path = str(Path(path).absolute())
    settings = {
        "path": whole_path,
        "start": min(start_seconds, MAX_SECONDS),
        "end": min(end_seconds, MAX_SECONDS),
    }
    limits = ChildLimits(timeout_seconds=timeout_seconds, max_data_bytes=MAX_TIMES * TIME_BYTES)
    box = ChildBox(files=(whole_path,), cpu_seconds=CPU_SECONDS)
    task = "vidmem.video.playing.times_task:run"
    with ChildProcess(task, settings, str(path), limits, box) as child:
        message = child.receive()
        with child.checking():
            message.must_be("times")
            return _times_of(message, whole_path)


def _times_of(message: Message, path: str) -> FrameTimes:
    if len(message.data) % TIME_BYTES:
        raise MessageError(f"times in {len(message.data)} bytes")
    info = info_of(message, path)
    pts = np.frombuffer(message.data, dtype="<i8").astype(np.int64)
    end_pts = message.whole("end_pts", -(2**53), 2**53)
    if (np.diff(pts) <= 0).any() or (len(pts) and (abs(int(pts[0])) > 2**53 or pts[-1] > 2**53)):
        raise MessageError("times that are not in order")
    numerator, denominator = info.time_base
    # One division of whole numbers: the nearest number to the true one, as decoders' are.
    seconds = (pts - info.start_pts) * numerator / denominator
    return FrameTimes(
        seconds=seconds,
        end_seconds=(end_pts - info.start_pts) * numerator / denominator,
        is_whole=message.flag("is_whole"),
        is_certain=message.flag("is_certain"),
        container_seconds=info.start_seconds,
    )
