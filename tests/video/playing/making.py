"""Files whose times are awkward: they begin late, their rate varies, there are holes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.video.making import HEIGHT, WIDTH, draw_number

SOUND_RATE = 16_000
LAST_SECONDS = Fraction(1, 25)
BURST = (1.0, 1.1)
"""When something is heard, in seconds from the first frame."""


def write_awkward(
    path: Path,
    times: list[Fraction],
    *,
    start: Fraction = Fraction(0),
    codec: str = "libx264",
    tick: Fraction = Fraction(1, 12_800),
    b_frames: int = 0,
    with_sound: bool = False,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Path:
    """Numbered frames at these times, the whole moved to where the container's first frame is.

    Args:
        path: Its ending is the container.
        times: Of the frames, in seconds from the first.
        start: The container's time of the first frame.
        codec: Of the pictures.
        tick: To which times are rounded.
        b_frames: At most in a row.
        with_sound: Whether silence with one burst goes with it.
        size: Width and height.
    """
    width, height = size
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = tick
        stream.codec_context.gop_size = 12
        stream.codec_context.max_b_frames = b_frames
        quick = {"crf": "20", "preset": "ultrafast"}
        stream.options = quick if codec == "libx264" else {"deadline": "realtime", "cpu-used": "8"}
        sound = container.add_stream("aac", rate=SOUND_RATE) if with_sound else None
        for number, seconds in enumerate(times):
            picture = draw_number(number, width, height)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round((seconds + start) / tick), tick
            container.mux(stream.encode(frame))
        for packet in stream.encode(None):
            packet.duration = round(LAST_SECONDS / tick)  # else the last frame lasts no time
            container.mux(packet)
        if sound is not None:
            _write_burst(container, sound, float(start), float(times[-1]) + 0.04)
    return path


def _write_burst(container, stream, start: float, seconds: float) -> None:
    count = round(seconds * SOUND_RATE)
    at = np.arange(count) / SOUND_RATE
    samples = np.where((at >= BURST[0]) & (at < BURST[1]), np.sin(at * 2 * np.pi * 880) * 0.5, 0.0)
    for first in range(0, count - 1024, 1024):
        piece = samples[None, first : first + 1024].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE, first + round(start * SOUND_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def burst_of(path: Path) -> float:
    """When something begins to be heard, in seconds from the container's zero."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()).max(axis=0) > 0.1)
            if len(loud) and frame.time is not None:
                return frame.time + loud[0] / frame.sample_rate
    raise AssertionError("nothing is heard")


def uneven(num_frames: int, hole: float = 0.0) -> list[Fraction]:
    """Times with steps of 20 to 100 ms, and a hole in the middle."""
    steps = [Fraction(20 * (1 + number * 7 % 5), 1000) for number in range(num_frames)]
    steps[num_frames // 2] += Fraction(hole)
    return [sum(steps[:number], Fraction(0)) for number in range(num_frames)]
