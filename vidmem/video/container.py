"""Opening a file with PyAV, and saying in plain words why that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import av.logging
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidmem.errors import (
    EmptyVideoError,
    NotAVideoError,
    NoVideoStreamError,
    UnreadableVideoError,
    UnsupportedCodecError,
    VideoNotFoundError,
)
from vidmem.files import other_kind

NOT_VIDEO_FORMATS = {"tty", "bin", "xbin", "idf", "adf", "hls", "dash", "concat", "sdp", "image2"}
MAX_ERRORS_IN_A_ROW = 100
MAX_PIXELS = 64_000_000
"""Of a frame: twice 8K. A file of a kilobyte may say that its frames have 256 million."""


def open_container(path: Path) -> InputContainer:
    """Open a file with PyAV, its errors turned into ours.

    Raises:
        UnreadableVideoError: With what is wrong and what to do.
    """
    _check_file(path)
    av.logging.set_level(None)
    try:
        # Only the file itself: a playlist that names other files or addresses must not be followed.
        container = av.open(
            str(path.absolute()), metadata_errors="ignore", options={"protocol_whitelist": "file"}
        )
    except av.error.FileNotFoundError as error:
        raise VideoNotFoundError(f"{path} does not exist (any more)") from error
    except av.error.DecoderNotFoundError as error:
        raise UnsupportedCodecError(f"{path}: no decoder for it is installed") from error
    except (av.error.FFmpegError, UnicodeError, ValueError) as error:
        raise NotAVideoError(_why_not_a_video(path)) from error
    if container.format.name in NOT_VIDEO_FORMATS or container.format.name.endswith("_pipe"):
        name = container.format.name
        container.close()
        kind = "a still picture" if name.endswith("_pipe") or name == "image2" else "text or a list"
        raise NotAVideoError(f"{path} is no video: it holds {kind}; choose a video file")
    return container


def tracks(container: InputContainer) -> list[VideoStream]:
    """The video streams of an open file, cover pictures left out."""
    return [stream for stream in container.streams.video if not _is_cover(stream)]


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The video stream that players show: the default one, or else the best that can be decoded.

    Raises:
        NoVideoStreamError: If there is none.
        UnsupportedCodecError: If there is no decoder for it.
        UnreadableVideoError: If its frames are too large.
    """
    streams = tracks(container)
    if not streams:
        has = "only sound" if container.streams.audio else "no video stream"
        raise NoVideoStreamError(f"{path} has {has}, nothing to watch; choose a file with pictures")
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise UnsupportedCodecError(
            f"{path} uses a codec that the installed FFmpeg cannot decode; convert it to H.264, "
            "for example with: ffmpeg -i input -c:v libx264 output.mp4"
        )
    best = container.streams.best("video")  # of those marked as default, if any are
    index = best.index if best is not None else -1
    stream = next((one for one in decodable if one.index == index), decodable[0])
    bound_pixels(stream, str(path))
    return stream


def bound_pixels(stream: VideoStream, name: str) -> None:
    """Refuse frames of absurd size before a decoder makes room for one.

    Args:
        stream: Before its first frame is decoded.
        name: Of the source, for people.

    Raises:
        UnreadableVideoError: If the container says that frames are larger than `MAX_PIXELS`.
    """
    context = stream.codec_context
    if context.width * context.height > MAX_PIXELS:
        raise UnreadableVideoError(
            f"{name} has frames of {context.width:,} x {context.height:,} pixels, and at most "
            f"{MAX_PIXELS // 1_000_000} million can be read; make it smaller, for example with: "
            "ffmpeg -i input -vf scale=1920:-2 output.mp4"
        )
    # The stream itself may say otherwise, at first or later on: such frames do not decode.
    context.options = {**context.options, "max_pixels": str(MAX_PIXELS)}


def packets_of(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    """All packets of a stream; goes on behind damage, and gives up after many errors in a row."""
    failures = 0
    while failures < MAX_ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            failures += 1


def _check_file(path: Path) -> None:
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise VideoNotFoundError(f"{path} does not exist (any more); check the name") from error
    if path.is_dir():
        raise NotAVideoError(f"{path} is a folder; choose one video file in it")
    if (kind := other_kind(path)) is not None:  # to open a pipe would wait for ever
        raise NotAVideoError(f"{path} is {kind}; choose a video file")
    if size_bytes == 0:
        raise EmptyVideoError(
            f"{path} is empty (0 bytes); copy it again from where it was recorded"
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise UnreadableVideoError(f"{path} may not be read: {error.strerror}") from error


def _why_not_a_video(path: Path) -> str:
    boxes = _top_level_boxes(path)
    if "mdat" in boxes and "moov" not in boxes:
        return (
            f"{path} is an MP4 file without its index (moov): the recording was cut off before it "
            "was finished; copy it again, or repair it with a tool such as untrunc"
        )
    if "moov" in boxes or "ftyp" in boxes:
        return f"{path} is an MP4 file that is damaged or cut off at its index; copy it again"
    return f"{path} is no video file, or damaged from its first bytes on; choose a video file"


def _top_level_boxes(path: Path) -> list[str]:
    boxes: list[str] = []
    end = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position + 8 <= end and len(boxes) < 64:
            file.seek(position)
            header = file.read(16)
            size = int.from_bytes(header[:4], "big")
            boxes.append(header[4:8].decode("latin-1"))
            if size == 1:
                size = int.from_bytes(header[8:16], "big")
            position += size if size >= 8 else end
    return boxes


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)
