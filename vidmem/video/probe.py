"""What a video file is, or a clear reason why it cannot be read (PyAV)."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidmem.errors import EmptyVideoError
from vidmem.video.container import open_container, packets_of, video_stream

MAX_PACKETS_TO_FIRST_FRAME = 2000
MAX_BYTES_TO_FIRST_FRAME = 128 << 20
NUM_PACKETS_LOOKED_AT = 64
MAX_REORDER = 17
"""H.264 and HEVC show a frame at most 16 frames later than they store it."""

DISCARDED_ENTRY = 2
"""FFmpeg's AVINDEX_DISCARD_FRAME: an edit list hides this frame."""


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """What a file says of itself, and what its first frame shows."""

    path: Path
    container: str
    codec: str
    pixel_format: str
    stream_index: int
    """The video stream that is read: the best one, where there are several."""

    width: int
    """Pixels across, after rotation."""

    height: int
    """Pixels down, after rotation."""

    rotation_degrees: int
    """Counter-clockwise turn that brings the stored picture upright: 0, 90, 180 or 270."""

    pixel_aspect: float
    """Width of a pixel by its height, after rotation; 1.0 for nearly all files."""

    fps: float
    """Average frames per second."""

    duration_seconds: float
    """From the first frame shown to the end of the last, as the container tells."""

    has_own_duration: bool
    """False where the length is that of the whole file, whose sound may be longer."""

    num_frames: int
    num_frames_is_exact: bool
    """False where `num_frames` is worked out from length and rate."""

    start_seconds: float
    """The container's time of the first frame shown."""

    size_bytes: int
    has_edit_list: bool
    is_variable_rate: bool
    """Judged by the first frames."""

    is_truncated: bool
    """The file ends before its index says."""

    has_reordered_frames: bool
    """Frames are stored in another order than shown (B-frames)."""

    time_base: tuple[int, int]
    """Seconds of a tick, as numerator and denominator."""

    start_pts: int
    """Ticks of the first frame shown."""

    uses_decode_times: bool
    """True where only the order of decoding has usable times (AVI with B-frames)."""

    address: str = ""
    """Of a live source: the address as people may see it, without credentials."""

    is_live: bool = False
    """Frames come as they are shown: there is no length, and no going back."""

    @property
    def name(self) -> str:
        """What to call it: the file's name, or the address."""
        return self.address or self.path.name

    @property
    def tick(self) -> Fraction:
        """Seconds of a tick."""
        return Fraction(*self.time_base)

    @property
    def usual_duration(self) -> int:
        """Ticks that a frame is shown on average; at least 1."""
        return max(1, round(1 / (self.fps * self.tick)))

    @property
    def display_width(self) -> int:
        """Width a person should see: with the shape of the pixels applied."""
        return max(1, round(self.width * max(self.pixel_aspect, 1.0)))

    @property
    def display_height(self) -> int:
        """Height a person should see: with the shape of the pixels applied."""
        return max(1, round(self.height / min(self.pixel_aspect, 1.0)))

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be sent to another process."""
        return {**asdict(self), "path": str(self.path), "time_base": list(self.time_base)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> VideoInfo:
        """The inverse of `to_json`."""
        known = {name.name: values[name.name] for name in fields(cls)}
        known["path"] = Path(values["path"])
        known["time_base"] = tuple(values["time_base"])
        return cls(**known)


def probe_video(path: str | Path) -> VideoInfo:
    """Open a file, decode its first frame, and say what it is.

    A damaged file can keep a decoder busy for long; `probe_safely` does this in a process with a
    time limit.

    Raises:
        VideoNotFoundError: If there is no such file.
        UnreadableVideoError: If it is no video, or none of its frames can be decoded.
    """
    path = Path(path)
    with open_container(path) as container:
        stream = video_stream(container, path)
        return _describe(path, container, stream)


def _describe(path: Path, container: InputContainer, stream: VideoStream) -> VideoInfo:
    packets, frame = _first_frame(path, container, stream)
    context = stream.codec_context
    times = sorted(packet.pts for packet in packets if packet.pts is not None)
    if len(packets) >= NUM_PACKETS_LOOKED_AT:
        times = times[:-MAX_REORDER]  # the last ones may still have others between them
    steps = [later - earlier for earlier, later in pairwise(times)]
    tick = stream.time_base or Fraction(1, 90_000)
    has_reordered_frames = context.has_b_frames
    uses_decode_times = container.format.name == "avi" and has_reordered_frames
    start_pts = (frame.dts if uses_decode_times else frame.pts) or 0
    rotation = round(frame.rotation / 90) * 90 % 360
    is_sideways = rotation in (90, 270)
    pixel_aspect = _pixel_aspect(stream)
    count = _count_frames(path, stream)
    fps = _average_fps(stream, steps, tick)
    own_duration = _own_duration_seconds(container, stream, start_pts, tick)
    duration = own_duration or _file_duration_seconds(container, start_pts, tick)
    duration = max(duration or count.num_frames / fps, 1 / fps)
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=str(frame.format.name),
        stream_index=stream.index,
        width=frame.height if is_sideways else frame.width,
        height=frame.width if is_sideways else frame.height,
        rotation_degrees=rotation,
        pixel_aspect=1 / pixel_aspect if is_sideways else pixel_aspect,
        fps=fps,
        duration_seconds=duration,
        has_own_duration=own_duration > 0,
        num_frames=count.num_frames or max(1, round(duration * fps)),
        num_frames_is_exact=count.num_frames > 0 and count.is_exact,
        start_seconds=float(start_pts * tick),
        size_bytes=path.stat().st_size,
        has_edit_list=count.num_hidden > 0 or any(packet.is_discard for packet in packets),
        is_variable_rate=bool(steps) and max(steps) - min(steps) > max(2, max(steps) // 50),
        is_truncated=count.is_truncated,
        has_reordered_frames=has_reordered_frames,
        time_base=(tick.numerator, tick.denominator),
        start_pts=start_pts,
        uses_decode_times=uses_decode_times,
    )


def _first_frame(
    path: Path, container: InputContainer, stream: VideoStream
) -> tuple[list[av.Packet], VideoFrame]:
    """The first packets and the first frame that decodes."""
    packets: list[av.Packet] = []
    frame: VideoFrame | None = None
    num_packets = num_bytes = 0
    for packet in packets_of(container, stream):
        num_packets, num_bytes = num_packets + 1, num_bytes + packet.size
        if len(packets) < NUM_PACKETS_LOOKED_AT and packet.size:
            packets.append(packet)
        try:
            decoded = [] if frame else stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            decoded = []
        frame = frame or (decoded[0] if decoded else None)
        if frame and len(packets) >= NUM_PACKETS_LOOKED_AT:
            break
        if num_packets > MAX_PACKETS_TO_FIRST_FRAME or num_bytes > MAX_BYTES_TO_FIRST_FRAME:
            break
    if frame is None:
        raise EmptyVideoError(
            f"{path} has a video stream ({stream.codec_context.name}) of which no frame can be "
            "decoded; it is damaged or was cut off: copy it again"
        )
    return packets, frame


@dataclass(frozen=True, kw_only=True)
class _FrameCount:
    num_frames: int
    num_hidden: int
    is_exact: bool
    is_truncated: bool


def _count_frames(path: Path, stream: VideoStream) -> _FrameCount:
    """Frames by the index of an MP4 file, those hidden or cut off left out; else by its header."""
    entries = stream.index_entries
    is_whole_index = stream.frames > 0 and len(entries) == stream.frames
    if "mp4" not in stream.container.format.name or not is_whole_index:
        return _FrameCount(
            num_frames=stream.frames, num_hidden=0, is_exact=False, is_truncated=False
        )
    end = path.stat().st_size
    num_hidden = sum(1 for entry in entries if entry.flags & DISCARDED_ENTRY)
    num_cut = 0
    if entries[-1].pos + entries[-1].size > end:
        num_cut = sum(1 for entry in entries if entry.pos + entry.size > end)
    return _FrameCount(
        num_frames=max(1, len(entries) - num_hidden - num_cut),
        num_hidden=num_hidden,
        is_exact=True,
        is_truncated=num_cut > 0,
    )


def _average_fps(stream: VideoStream, steps: list[int], tick: Fraction) -> float:
    rate = stream.average_rate or stream.guessed_rate
    if steps and (rate is None or not 0 < rate <= 480):
        return float(len(steps) / (sum(steps) * tick)) if sum(steps) else 25.0
    return float(rate) if rate else 25.0


def _pixel_aspect(stream: VideoStream) -> float:
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and 0.1 < ratio < 10 else 1.0


def _own_duration_seconds(
    container: InputContainer, stream: VideoStream, start_pts: int, tick: Fraction
) -> float:
    """Length of the video stream by its container; 0.0 where it does not tell."""
    start_seconds = float(start_pts * tick)
    if stream.duration:
        # A fragmented file counts from zero, and its first frame may be shown later.
        is_fragmented = "mp4" in container.format.name and stream.frames == 0
        return float(stream.duration * tick) - (start_seconds if is_fragmented else 0.0)
    told = next((v for k, v in stream.metadata.items() if k.startswith("DURATION")), "")
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = (float(part) for part in told.split(":"))
        return max(0.0, hours * 3600 + minutes * 60 + seconds - start_seconds)
    if len(container.streams) == 1:
        return _file_duration_seconds(container, start_pts, tick)
    return 0.0


def _file_duration_seconds(container: InputContainer, start_pts: int, tick: Fraction) -> float:
    if container.duration:
        # Matroska counts its length from zero, the others from their first packet.
        is_from_zero = "matroska" in container.format.name
        zero_seconds = 0.0 if is_from_zero else (container.start_time or 0) / 1e6
        return container.duration / 1e6 - max(0.0, float(start_pts * tick) - zero_seconds)
    return 0.0
