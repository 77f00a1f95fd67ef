"""What a video file is, or a clear reason why it cannot be read (PyAV)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidmem.errors import EmptyVideoError
from vidmem.video.container import open_container, packets_of, tracks, video_stream
from vidmem.video.mime import mime_of
from vidmem.video.orientation import Orientation
from vidmem.video.packets.scan import (
    Scan,
    file_seconds,
    needs_scan,
    promised_seconds,
    scan_packets,
)
from vidmem.video.packets.timeline import longest_usual_ticks, usual_step

MAX_PACKETS_TO_FIRST_FRAME = 2000
MAX_BYTES_TO_FIRST_FRAME = 128 << 20
NUM_PACKETS_LOOKED_AT = 64
MAX_REORDER = 17
"""H.264 and HEVC show a frame at most 16 frames later than they store it."""

MIN_EARLY_END_SECONDS, MIN_EARLY_END_FRAMES = 0.5, 3
"""Containers round their length: less than this is no damage."""

MOST_FPS = 480
MAX_RATE_ERROR = 0.2
"""Beyond this share, an average rate that a hole has spoilt is left aside."""

RECORDED_TAGS = ("com.apple.quicktime.creationdate", "creation_time", "DATE_RECORDED")
FIRST_YEAR, LAST_YEAR = 1990, 2200

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
    """Steps between the first frames differ by more than rounding."""

    is_truncated: bool
    """The file ends before its index says."""

    has_reordered_frames: bool
    """Frames are stored in another order than shown (B-frames)."""

    time_base: tuple[int, int]
    """Seconds of a tick, as numerator and denominator."""

    start_pts: int
    """Ticks of the first frame shown."""

    uses_decode_times: bool
    """True where the container has no times of showing of its own (AVI with B-frames)."""

    is_mirrored: bool = False
    """Left and right are exchanged in the stored picture, before it is turned."""

    usual_ticks: int = 0
    """Between most frames; 0: by the average rate."""

    hole_ticks: int = 0
    """Beyond this, a step between frames is a hole; 0: worked out from the usual step."""

    num_tracks: int = 1
    """Video tracks in the file; one of them is read."""

    is_scanned: bool = False
    """All its packets were looked at: it has no index that can be relied on."""

    mime: str = ""
    """Its type with the codecs of picture and sound, for a browser; empty: browsers have none."""

    has_sound: bool = False
    recorded_at: str = ""
    """When the recording was made, as the file says, in ISO 8601; empty where it does not."""

    scan: Scan | None = field(default=None, repr=False, compare=False)
    """Times and places of all packets, where they had to be looked at; stays in this process."""

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
        """Length of a tick in seconds, exactly."""
        return Fraction(*self.time_base)

    @property
    def usual_duration(self) -> int:
        """Ticks that a frame is usually shown; at least 1."""
        return self.usual_ticks or max(1, round(1 / (self.fps * self.tick)))

    @property
    def orientation(self) -> Orientation:
        """What brings a stored picture upright."""
        return Orientation(self.rotation_degrees // 90, self.is_mirrored)

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
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        sent = {"path": str(self.path), "time_base": list(self.time_base), "scan": None}
        return {**values, **sent}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> VideoInfo:
        """Make it again from what `to_json` gave."""
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        known["path"] = Path(values["path"])
        known["time_base"] = tuple(values["time_base"])
        return cls(**known)


def probe_video(path: str | Path, tick: Callable[[], None] = lambda: None) -> VideoInfo:
    """Open a file, decode its first frame, and say what it is.

    Files without an index that can be relied on are read through once, without decoding.

    A damaged file can keep a decoder busy for long; `probe_safely` does this in a process with a
    time limit.

    Raises:
        VideoNotFoundError: If there is no such file.
        UnreadableVideoError: If it is no video, or none of its frames can be decoded.
    """
    path = Path(path)
    with open_container(path) as container:
        stream = video_stream(container, path)
        first = _first_frame(path, container, stream)
        scan = None
        if needs_scan(container, stream, path.stat().st_size, first.packets):
            scan = _scan(path, container, stream, first, tick)
        return _describe(path, container, stream, first, scan)


@dataclass(frozen=True)
class _First:
    """What a file begins with."""

    packets: list[av.Packet]
    frame: VideoFrame
    number: int
    """Of the packet that the frame was in, not counting empty ones."""


def _scan(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    first: _First,
    tick: Callable[[], None],
) -> Scan | None:
    start = next((p.pts for p in first.packets if p.pts is not None), 0)
    promised = promised_seconds(container, stream, start)
    with open_container(path) as fresh:  # not all containers can go back to their start
        return scan_packets(fresh, video_stream(fresh, path), promised_seconds=promised, tick=tick)


def _describe(
    path: Path, container: InputContainer, stream: VideoStream, first: _First, scan: Scan | None
) -> VideoInfo:
    frame, context = first.frame, stream.codec_context
    tick = stream.time_base or Fraction(1, 90_000)
    start_pts = _start_pts(container, first, scan)
    steps = _steps(stream, first.packets, scan)
    usual = usual_step(steps, 0) if len(steps) else 0
    fps = _average_fps(stream, steps, usual, tick)
    count = _count_frames(path, stream, scan, start_pts)
    promised = promised_seconds(container, stream, start_pts)
    duration, has_own_duration = promised, promised > 0
    if scan is not None:
        duration, has_own_duration = _scanned_seconds(scan, start_pts, tick, promised, fps), True
    duration = duration or file_seconds(container, start_pts, tick) or count.num_frames / fps
    duration = max(duration, 1 / fps) if math.isfinite(duration) else 1 / fps
    orientation = Orientation.of(frame)
    is_sideways = orientation.is_sideways
    pixel_aspect = _pixel_aspect(stream)
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=str(frame.format.name),
        stream_index=stream.index,
        width=frame.height if is_sideways else frame.width,
        height=frame.width if is_sideways else frame.height,
        rotation_degrees=90 * orientation.turns,
        pixel_aspect=1 / pixel_aspect if is_sideways else pixel_aspect,
        fps=fps,
        duration_seconds=duration,
        has_own_duration=has_own_duration,
        num_frames=count.num_frames or max(1, round(duration * fps)),
        num_frames_is_exact=count.num_frames > 0 and count.is_exact,
        start_seconds=float(start_pts * tick),
        size_bytes=path.stat().st_size,
        has_edit_list=count.num_hidden > 0 or any(packet.is_discard for packet in first.packets),
        is_variable_rate=_is_variable(steps),
        is_truncated=count.is_truncated,
        has_reordered_frames=context.has_b_frames,
        time_base=(tick.numerator, tick.denominator),
        start_pts=start_pts,
        uses_decode_times=_has_only_decode_times(container, stream, first.packets),
        is_mirrored=orientation.is_mirrored,
        usual_ticks=usual,
        hole_ticks=scan.line.hole_ticks
        if scan is not None
        else longest_usual_ticks(steps, usual or round(1 / (fps * tick)), float(tick)),
        num_tracks=len(tracks(container)),
        mime=mime_of(container, stream),
        has_sound=bool(container.streams.audio),
        recorded_at=_recorded_at(container, stream),
        is_scanned=scan is not None,
        scan=scan,
    )


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> _First:
    """The first packets and the first frame that decodes."""
    packets: list[av.Packet] = []
    frame: VideoFrame | None = None
    num_packets = num_bytes = 0
    for packet in packets_of(container, stream):
        if len(packets) < NUM_PACKETS_LOOKED_AT and packet.size:
            packets.append(packet)
        decoded = [] if frame else _decoded(stream, packet, num_packets)
        num_packets += bool(packet.size)
        num_bytes += packet.size
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
    return _First(packets, frame, frame.pts or 0)


def _decoded(stream: VideoStream, packet: av.Packet, number: int) -> list[VideoFrame]:
    """Frames of a packet; their `pts` is the number of the packet they were in."""
    pts, dts = packet.pts, packet.dts
    packet.pts = packet.dts = number if packet.size else None
    try:
        return stream.codec_context.decode(packet)
    except av.error.FFmpegError:
        return []
    finally:
        packet.pts, packet.dts = pts, dts


def _start_pts(container: InputContainer, first: _First, scan: Scan | None) -> int:
    """When the first frame is shown: also where it is there, and damaged."""
    start = _packet_pts(first, scan, first.number)
    if not first.packets or first.packets[0].is_discard:
        return start
    # Others may have been cut anywhere, and begin with what cannot be decoded.
    begins_with_key = set(container.format.name.split(",")) & {"mp4", "matroska", "avi"}
    if begins_with_key or first.packets[0].is_keyframe:
        return min(start, _packet_pts(first, scan, 0))
    return start


def _packet_pts(first: _First, scan: Scan | None, number: int) -> int:
    if scan is not None and number < len(scan):
        return int(scan.line.pts[number])
    if number < len(first.packets):
        packet = first.packets[number]
        return (packet.dts if packet.pts is None else packet.pts) or 0
    return 0


def _steps(stream: VideoStream, packets: list[av.Packet], scan: Scan | None) -> np.ndarray:
    """Ticks between frames: of all, or of the first ones."""
    if scan is not None:
        return np.diff(np.unique(scan.line.pts))
    entries = stream.index_entries
    if stream.frames > 0 and len(entries) == stream.frames:
        return np.diff(np.sort(np.array([entry.timestamp for entry in entries], dtype=np.int64)))
    times = sorted(packet.pts for packet in packets if packet.pts is not None)
    if len(packets) >= NUM_PACKETS_LOOKED_AT:
        times = times[:-MAX_REORDER]  # the last ones may still have others between them
    return np.diff(np.array(times, dtype=np.int64))


def _has_only_decode_times(
    container: InputContainer, stream: VideoStream, packets: list[av.Packet]
) -> bool:
    # What FFmpeg says of an AVI's times of showing, it has worked out.
    is_without = container.format.name == "avi" or any(packet.pts is None for packet in packets)
    return is_without and bool(stream.codec_context.has_b_frames)


def _is_variable(steps: np.ndarray) -> bool:
    if len(steps) < 2:
        return False
    low, high = np.percentile(steps, [5, 95], method="nearest")
    return bool(high - low > max(2, high // 50))


def _scanned_seconds(
    scan: Scan, start_pts: int, tick: Fraction, promised: float, fps: float
) -> float:
    """Length up to the last packet, or as promised where much of that is missing."""
    times = scan.line.pts[~scan.is_hidden]
    if not len(times):
        return promised
    last = int(np.argmax(np.where(scan.is_hidden, np.iinfo(np.int64).min, scan.line.pts)))
    end_pts = int(scan.line.pts[last] + scan.line.durations[last])
    seconds = float((end_pts - start_pts) * tick)
    is_early = promised - seconds > max(MIN_EARLY_END_SECONDS, MIN_EARLY_END_FRAMES / fps)
    return promised if is_early else seconds


@dataclass(frozen=True, kw_only=True)
class _FrameCount:
    num_frames: int
    num_hidden: int
    is_exact: bool
    is_truncated: bool


def _count_frames(
    path: Path, stream: VideoStream, scan: Scan | None, start_pts: int
) -> _FrameCount:
    """Frames that are there, those hidden or cut off left out; else as the header says."""
    if scan is not None:
        is_shown = ~scan.is_hidden & (scan.line.pts >= start_pts)
        return _FrameCount(
            num_frames=len(np.unique(scan.line.pts[is_shown])),
            num_hidden=int(scan.is_hidden.sum()),
            is_exact=True,
            is_truncated=False,
        )
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


def _average_fps(stream: VideoStream, steps: np.ndarray, usual: int, tick: Fraction) -> float:
    rate = stream.average_rate or stream.guessed_rate
    if rate is None or not 0 < rate <= MOST_FPS:
        span = int(steps.sum())
        rate = len(steps) / (span * tick) if span else None
        return float(rate) if rate and 0 < rate <= MOST_FPS else 25.0
    by_step = float(1 / (usual * tick)) if usual else float(rate)
    # Holes count into a container's average; steps that are all alike know better.
    is_off = abs(float(rate) / by_step - 1) > MAX_RATE_ERROR
    return by_step if is_off and by_step <= MOST_FPS and not _is_variable(steps) else float(rate)


def _recorded_at(container: InputContainer, stream: VideoStream) -> str:
    """By the tags of cameras and phones: one with the offset of its clock first."""
    tags = {**stream.metadata, **container.metadata}
    for name in RECORDED_TAGS:
        text = str(tags.get(name, "")).strip().replace("/", "-")
        with contextlib.suppress(ValueError):
            when = datetime.fromisoformat(text)
            # Clocks that were never set begin in 1904, 1970 or 1980.
            if ":" in text and FIRST_YEAR <= when.year <= LAST_YEAR:
                return when.isoformat()
    return ""


def _pixel_aspect(stream: VideoStream) -> float:
    ratio = stream.sample_aspect_ratio
    return float(ratio) if ratio and 0.1 < ratio < 10 else 1.0
