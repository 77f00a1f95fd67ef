"""The time of every frame of a file, in the order shown, without decoding any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidmem.video.probe import VideoInfo, open_container, packets_of, video_stream
from vidmem.video.sources import Tick, no_tick


@dataclass(frozen=True)
class FrameTable:
    """Times of all frames that are shown."""

    pts: np.ndarray
    """int64 `[N]`, in ticks, increasing."""

    end_pts: int
    """When the last frame ends."""

    is_certain: bool
    """False where packets have no times of their own, so that these are worked out."""

    @property
    def num_frames(self) -> int:
        """How many frames are shown."""
        return len(self.pts)

    def seconds(self, info: VideoInfo) -> np.ndarray:
        """Times since the first frame shown, float64 `[N]`."""
        return (self.pts - info.start_pts) * float(info.tick)


def read_frame_table(info: VideoInfo, tick: Tick = no_tick) -> FrameTable:
    """Read the times of all packets: the whole file is read once, about 1 s for 3 h of 240p."""
    times: list[int] = []
    durations: list[int] = []
    num_without_time = 0
    with open_container(info.path) as container:
        for packet in packets_of(container, video_stream(container, info.path)):
            if not packet.size or packet.is_discard:
                continue
            if len(times) % 256 == 0:
                tick()
            pts = packet.dts if info.uses_decode_times else packet.pts
            if pts is None:
                num_without_time += 1
                continue
            times.append(pts)
            durations.append(packet.duration or 0)
    usual = max(1, round(1 / (info.fps * info.tick)))
    if info.uses_decode_times and times:
        return _shifted_decode_times(info, times, usual)
    pts_array, where = np.unique(np.asarray(times, dtype=np.int64), return_index=True)
    is_shown = pts_array >= info.start_pts
    pts_array, where = pts_array[is_shown], where[is_shown]
    last = durations[where[-1]] if len(where) else 0
    return FrameTable(
        pts=pts_array,
        end_pts=int(pts_array[-1]) + (last if last >= usual // 4 else usual) if len(where) else 0,
        is_certain=num_without_time == 0 and len(set(times)) == len(times),
    )


def _shifted_decode_times(info: VideoInfo, times: list[int], usual: int) -> FrameTable:
    """Frames come out in the order of decoding, the first of them at `start_pts`."""
    pts = np.sort(np.asarray(times, dtype=np.int64))
    pts += info.start_pts - pts[0]
    return FrameTable(pts=pts, end_pts=int(pts[-1]) + usual, is_certain=False)
