"""Frames written as an MP4 file: drawn ones, and those of clips put one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.codec
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidmem.errors import StorageError

CODECS = ("libx264", "libopenh264", "mpeg4")
"""In the order in which they are wanted."""

SECONDS_TO_KEY_FRAME = 4
OTHER_BIT_RATE = 900_000
"""Of codecs without a constant rate factor."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How frames are written.

    Raises:
        ValueError: If width or height is odd.
    """

    width: int
    height: int
    fps: float
    """Frames per second."""

    quality: int = 26
    """Constant rate factor of H.264: lower is better and larger."""

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2:
            raise ValueError(
                f"width and height must be even for H.264, got {self.width} x {self.height}"
            )

    @property
    def rate(self) -> Fraction:
        """Frames per second, as a container keeps it."""
        return Fraction(self.fps).limit_denominator(1001)

    @property
    def exact_fps(self) -> float:
        """`rate` as a number."""
        return float(self.rate)


def write_mp4(path: Path, frames: Iterable[NDArray[np.uint8]], encoding: Encoding) -> str:
    """Write frames; each is taken, coded and forgotten.

    Args:
        path: Of the file; its folder must exist.
        frames: uint8 `[H, W, 3]`, of the size of the encoding.
        encoding: How.

    Returns:
        The name of the codec.

    Raises:
        StorageError: If the file cannot be written, or PyAV has no encoder.
    """
    codec = pick_codec()
    try:
        with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
            _encode(container, frames, codec, encoding)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"cannot write {path}: {reason}; choose a folder that exists and has room"
        ) from error
    return codec


def pick_codec() -> str:
    """The first of the usual encoders that this PyAV was built with.

    Raises:
        StorageError: If it has none of them.
    """
    for name in CODECS:
        if name in av.codec.codecs_available:
            return name
    raise StorageError(f"PyAV has none of the encoders {', '.join(CODECS)}; install PyAV from PyPI")


def _encode(
    container: OutputContainer,
    frames: Iterable[NDArray[np.uint8]],
    codec: str,
    encoding: Encoding,
) -> None:
    rate = encoding.rate
    options = {"crf": str(encoding.quality), "preset": "veryfast"} if codec == "libx264" else {}
    stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options))
    stream.width, stream.height, stream.pix_fmt = encoding.width, encoding.height, "yuv420p"
    stream.codec_context.gop_size = max(round(SECONDS_TO_KEY_FRAME * encoding.fps), 1)
    if codec != "libx264":
        stream.bit_rate = OTHER_BIT_RATE
    for number, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = number, 1 / rate
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
