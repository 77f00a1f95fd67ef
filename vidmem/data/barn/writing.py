"""A barn video as a file, with its labels beside it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.codec
from av.container import OutputContainer
from av.video.stream import VideoStream

from vidmem.data.barn.behaviour import BarnConfig, DrawnBout
from vidmem.data.barn.video import BarnVideo
from vidmem.errors import StorageError

_CODECS = ("libx264", "libopenh264", "mpeg4")
_COLUMNS = ("start_seconds", "end_seconds", "label", "deciding_seconds")


@dataclass(frozen=True)
class WrittenVideo:
    """The files that `write_video` wrote."""

    video_path: Path
    labels_path: Path
    num_frames: int
    codec: str


def write_video(
    config: BarnConfig,
    out_path: str | Path,
    *,
    width: int = 640,
    height: int = 360,
    fps: float = 12.5,
    quality: int = 26,
    on_progress: Callable[[int, int], None] | None = None,
) -> WrittenVideo:
    """Draw a barn video into an MP4 file, and its bouts into `<name>.labels.csv` beside it.

    Frames are drawn, coded and forgotten one at a time.

    Args:
        config: Of the video.
        out_path: Of the MP4 file; its folder must exist.
        width: Pixels, even.
        height: Pixels, even.
        fps: Frames per second.
        quality: Constant rate factor of H.264: lower is better and larger.
        on_progress: Called after each frame with the frames written and the frames in all.

    Raises:
        StorageError: If the files cannot be written.
        ValueError: If width or height is odd.
    """
    if width % 2 or height % 2:
        raise ValueError(f"width and height must be even for H.264, got {width} x {height}")
    path = Path(out_path)
    labels_path = path.with_suffix(".labels.csv")
    video = BarnVideo(config)
    num_frames = round(video.duration_seconds * fps)
    codec = pick_codec()
    try:
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            _encode(container, video, codec, (width, height, fps, quality, num_frames), on_progress)
        write_labels(video.bouts, labels_path)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"cannot write {path}: {reason}; choose a folder that exists and has room"
        ) from error
    return WrittenVideo(
        video_path=path, labels_path=labels_path, num_frames=num_frames, codec=codec
    )


def _encode(
    container: OutputContainer,
    video: BarnVideo,
    codec: str,
    form: tuple[int, int, float, int, int],
    on_progress: Callable[[int, int], None] | None,
) -> None:
    width, height, fps, quality, num_frames = form
    rate = Fraction(fps).limit_denominator(1001)
    options = {"crf": str(quality), "preset": "veryfast"} if codec == "libx264" else {}
    stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options))
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.gop_size = max(round(4 * fps), 1)
    if codec != "libx264":
        stream.bit_rate = 900_000
    for number in range(num_frames):
        pixels = video.frame(number / float(rate), width, height)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))
        if on_progress is not None:
            on_progress(number + 1, num_frames)
    container.mux(stream.encode(None))


def pick_codec() -> str:
    """The first of the usual encoders that this PyAV was built with.

    Raises:
        StorageError: If it has none of them.
    """
    for name in _CODECS:
        if name in av.codec.codecs_available:
            return name
    raise StorageError(
        f"PyAV has none of the encoders {', '.join(_CODECS)}; install PyAV from PyPI"
    )


def write_labels(bouts: tuple[DrawnBout, ...], path: str | Path) -> None:
    """Write bouts as CSV; `deciding_seconds` is empty unless the sow rests."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for bout in bouts:
            deciding = "" if bout.deciding_seconds is None else f"{bout.deciding_seconds:.3f}"
            writer.writerow(
                [f"{bout.start_seconds:.3f}", f"{bout.end_seconds:.3f}", bout.label, deciding]
            )
