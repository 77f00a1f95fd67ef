"""The time of every frame of a file, in the order shown, without decoding any."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.packets.scan import Scan
from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.sources import Tick, no_tick

NUM_PACKETS_COMPARED = 100


@dataclass(frozen=True)
class FrameTable:
    """Times of all frames that are shown."""

    pts: np.ndarray
    """int64 `[N]`, in ticks, increasing."""

    end_pts: int
    """When the last frame ends."""

    is_certain: bool
    """False where packets have no times of their own, so that these are worked out."""

    has_leading_frames: bool = False
    """Whether a frame behind a key frame is shown before it (an open group of pictures)."""

    @property
    def num_frames(self) -> int:
        """How many frames are shown."""
        return len(self.pts)

    def seconds(self, info: VideoInfo) -> np.ndarray:
        """Times since the first frame shown, float64 `[N]`."""
        return (self.pts - info.start_pts) * float(info.tick)


def read_frame_table(info: VideoInfo, tick: Tick = no_tick) -> FrameTable:
    """Read the times of all frames, from the index where that has them, else from all packets.

    Reading the packets means reading the whole file once: about 0.7 s for three hours of 240p.
    """
    if info.is_scanned:
        # It may come from another process, without its scan.
        scan = info.scan or probe_video(info.path, tick).scan
        if scan is not None:
            return _from_scan(info, scan)
    with open_container(info.path) as container:
        stream = video_stream(container, info.path)
        if info.num_frames_is_exact and not info.has_reordered_frames and not info.is_truncated:
            table = _from_index(info, container, stream)
            if table is not None:
                return table
    with open_container(info.path) as container:
        return _from_packets(info, container, video_stream(container, info.path), tick)


def _from_scan(info: VideoInfo, scan: Scan) -> FrameTable:
    is_shown = ~scan.is_hidden & (scan.line.pts >= info.start_pts)
    pts, where = np.unique(scan.line.pts[is_shown], return_index=True)
    last = int(scan.line.durations[is_shown][where[-1]]) if len(where) else 0
    end_pts = int(pts[-1]) + last if len(pts) else info.start_pts
    earliest_behind = np.minimum.accumulate(scan.line.pts[::-1])[::-1]
    has_leading_frames = bool((earliest_behind < scan.line.pts)[scan.entries].any())
    # With restarts and without times of their own, only this package knows them.
    is_certain = not info.uses_decode_times and not scan.line.notes
    return FrameTable(pts, end_pts, is_certain, has_leading_frames)


def _from_index(
    info: VideoInfo, container: InputContainer, stream: VideoStream
) -> FrameTable | None:
    """An MP4 index has times of decoding: those shown, where frames keep their order.

    The first and last packets are compared; None if they disagree.
    """
    times = np.array([entry.timestamp for entry in stream.index_entries], dtype=np.int64)
    if info.has_edit_list or (np.diff(times) <= 0).any():
        return None
    first = [p.pts for p in islice(packets_of(container, stream), NUM_PACKETS_COMPARED) if p.size]
    if first != times[: len(first)].tolist():
        return None
    try:
        container.seek(int(times[-1]), stream=stream, backward=True)
    except av.error.FFmpegError:
        return None
    last = [packet for packet in packets_of(container, stream) if packet.size]
    if not last or last[-1].pts != times[-1]:
        return None
    return FrameTable(times, int(times[-1]) + _duration(info, last[-1].duration), is_certain=True)


def _from_packets(
    info: VideoInfo, container: InputContainer, stream: VideoStream, tick: Tick
) -> FrameTable:
    times: list[int] = []
    durations: list[int] = []
    num_packets = 0
    key_pts: int | None = None
    has_leading_frames = False
    for packet in packets_of(container, stream):
        if not packet.size or packet.is_discard:
            continue
        if num_packets % 256 == 0:
            tick()
        num_packets += 1
        pts = packet.pts
        if pts is not None:
            has_leading_frames |= key_pts is not None and pts < key_pts
            key_pts = pts if packet.is_keyframe else key_pts
            times.append(pts)
            durations.append(packet.duration or 0)
    pts_array, where = np.unique(np.asarray(times, dtype=np.int64), return_index=True)
    is_certain = len(pts_array) == num_packets
    is_shown = pts_array >= info.start_pts
    pts_array, where = pts_array[is_shown], where[is_shown]
    last = durations[where[-1]] if len(where) else 0
    end_pts = int(pts_array[-1]) + _duration(info, last) if len(where) else info.start_pts
    return FrameTable(pts_array, end_pts, is_certain, has_leading_frames)


def _duration(info: VideoInfo, packet_ticks: int | None) -> int:
    """Ticks a frame is shown."""
    # Matroska files may give every packet a made-up duration of one tick.
    is_made_up = (packet_ticks or 0) < info.usual_duration // 4
    return info.usual_duration if is_made_up else (packet_ticks or 1)
