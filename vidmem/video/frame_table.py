"""The time of every frame of a file, in the order shown, without decoding any."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.probe import VideoInfo
from vidmem.video.sources import Tick, no_tick

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
    with open_container(info.path) as container:
        stream = video_stream(container, info.path)
        if info.num_frames_is_exact and not info.has_reordered_frames and not info.is_truncated:
            table = _from_index(info, container, stream)
            if table is not None:
                return table
    with open_container(info.path) as container:
        return _from_packets(info, container, video_stream(container, info.path), tick)


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
        pts = packet.dts if info.uses_decode_times else packet.pts
        if pts is not None:
            has_leading_frames |= key_pts is not None and pts < key_pts
            key_pts = pts if packet.is_keyframe else key_pts
            times.append(pts)
            durations.append(packet.duration or 0)
    if info.uses_decode_times and times:
        # Frames come out in the order of decoding, the first of them at `start_pts`.
        shift = info.start_pts - min(times)
        times = [time + shift for time in times]
    pts_array, where = np.unique(np.asarray(times, dtype=np.int64), return_index=True)
    is_certain = len(pts_array) == num_packets and not info.uses_decode_times
    is_shown = pts_array >= info.start_pts
    pts_array, where = pts_array[is_shown], where[is_shown]
    last = durations[where[-1]] if len(where) else 0
    end_pts = int(pts_array[-1]) + _duration(info, last) if len(where) else info.start_pts
    return FrameTable(pts_array, end_pts, is_certain, has_leading_frames)


def _duration(info: VideoInfo, told: int | None) -> int:
    """Ticks a frame is shown: as told, or the usual time where that is made up."""
    return info.usual_duration if (told or 0) < info.usual_duration // 4 else (told or 1)
