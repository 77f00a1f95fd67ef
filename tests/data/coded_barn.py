"""What somebody might say of a drawn barn, in words of her own, and not in those of its drawing."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from vidmem.data.barn import BarnConfig, BarnVideo
from vidmem.labels import Behaviour, Bout, Ethogram, Labels

OWN_WORDS = {
    "walking": "walking",
    "standing": "standing",
    "feeding": "standing",
    "drinking": "standing",
}
"""By what is drawn; all else is lying."""

BARN = BarnConfig(minutes=7.0, seed=34, light="day", pace=30.0)
"""In which much happens in a short time, as in a video that somebody picks to begin with."""

PEN = (slice(20, 340), slice(128, 528))
"""Rows and columns of the pen in the middle, whose sow is coded: as by a camera above it alone."""

FPS = 10

AXIS = "activity"
NAMES = ("lying", "standing", "walking")


def coded_barn(config: BarnConfig, video: str) -> Labels:
    """All bouts of a drawn barn; neighbours of the same name are one."""
    bouts: list[Bout] = []
    for one in BarnVideo(config).bouts:
        name = OWN_WORDS.get(one.label, "lying")
        is_same = bool(bouts) and bouts[-1].behaviour == name
        start = bouts.pop().start_seconds if is_same else one.start_seconds
        bouts.append(Bout(video, start, min(one.end_seconds, config.duration_seconds), name))
    return Labels(Ethogram(tuple(Behaviour(name, axis=AXIS) for name in NAMES))).add(*bouts)


def write_coded_barn(config: BarnConfig, path: Path) -> Labels:
    """Write the pen in the middle of a drawn barn as a video; gives back what is coded of it."""
    video = BarnVideo(config)
    rows, columns = PEN
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "26"})
        stream.width, stream.height = columns.stop - columns.start, rows.stop - rows.start
        stream.pix_fmt, stream.codec_context.gop_size = "yuv420p", 4 * FPS
        for number in range(round(config.duration_seconds * FPS)):
            pixels = video.frame(number / FPS)[rows, columns].copy()
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return coded_barn(config, path.name)
