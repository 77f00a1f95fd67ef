"""Task of a decoding child: when the frames of a file are shown, without decoding them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from vidmem.video.child.main import Parent
from vidmem.video.container import open_container, packets_of, video_stream
from vidmem.video.probe import VideoInfo, probe_video
from vidmem.video.readers.frame_table import read_frame_table

MAX_WHOLE_BYTES = 1 << 30
"""Of a file whose packets have to be read for its times; of larger ones, those of a part."""

MAX_TIMES = 4_000_000
"""In one answer: 37 hours at 30 frames per second."""

MARGIN_SECONDS = 1.0
"""A part is read from so much earlier: its first frame may be stored behind a later one."""

PACKETS_PER_TICK = 256


def run(parent: Parent, settings: dict[str, Any]) -> None:
    """Say when frames are shown: all, or those of the part that was asked for."""
    info = probe_video(settings["path"], parent.tick)
    start, end = settings["start"], settings["end"]
    is_whole = _is_read_quickly(info) and info.num_frames <= MAX_TIMES
    if is_whole:
        table = read_frame_table(info, parent.tick)
        pts, end_pts, is_certain = table.pts, table.end_pts, table.is_certain
    else:
        pts, end_pts = _read_part(info, _pts_at(info, start), _pts_at(info, end), parent)
        is_certain = True
    parent.send(
        "times",
        np.ascontiguousarray(pts[:MAX_TIMES], dtype="<i8").tobytes(),
        info=info.to_json(),
        end_pts=int(end_pts),
        is_whole=is_whole,
        is_certain=is_certain,
    )


def _is_read_quickly(info: VideoInfo) -> bool:
    if info.is_scanned or info.size_bytes <= MAX_WHOLE_BYTES:
        return True
    # Else each packet is read for its time, and with it all of the file.
    is_in_index = info.num_frames_is_exact and not info.has_reordered_frames
    return is_in_index and not info.has_edit_list and not info.is_truncated


def _pts_at(info: VideoInfo, seconds: float) -> int:
    return info.start_pts + round(Fraction(seconds) / info.tick)


def _read_part(
    info: VideoInfo, start_pts: int, end_pts: int, parent: Parent
) -> tuple[np.ndarray, int]:
    """Times from the frame on display at one time to the first one at or behind another."""
    times: set[int] = set()
    last_end, behind = info.start_pts, None
    with open_container(info.path) as container:
        stream = video_stream(container, info.path)
        margin = round(MARGIN_SECONDS / info.tick)
        container.seek(max(info.start_pts, start_pts - margin), stream=stream, backward=True)
        for number, packet in enumerate(packets_of(container, stream)):
            if number % PACKETS_PER_TICK == 0:
                parent.tick()
            pts = packet.dts if packet.pts is None else packet.pts
            if not packet.size or packet.is_discard or pts is None or pts < info.start_pts:
                continue
            # No packet is shown before it is decoded: those that follow are shown later still.
            if behind is not None and packet.dts is not None and packet.dts > behind:
                break
            if len(times) >= MAX_TIMES:
                break
            times.add(pts)
            last_end = max(last_end, pts + (packet.duration or info.usual_duration))
            if pts >= end_pts:
                behind = pts if behind is None else min(behind, pts)
    array = np.array(sorted(times), dtype=np.int64)
    first = max(0, int(np.searchsorted(array, start_pts, side="right")) - 1)
    last = len(array) if behind is None else int(np.searchsorted(array, behind, side="right"))
    return array[first:last], last_end if behind is None else behind
