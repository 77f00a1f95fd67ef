"""A pen as footage for tests that look at no picture of it: to draw one takes ten times as long."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

SAMPLE = Path(__file__).resolve().parents[2] / "assets/barn-sample.mp4"
"""A minute of a drawn barn, by day and by night."""


def write_pen(path: Path, seconds: float, *, width: int, height: int, fps: int) -> Path:
    """Write the first seconds of the bundled sample, smaller and of fewer frames; its path."""
    with (
        av.open(str(SAMPLE)) as source,
        av.open(str(path), "w", options={"movflags": "+faststart"}) as container,
    ):
        options = {"crf": "26", "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = 4 * fps
        number, num_frames = 0, round(seconds * fps)
        for shown in source.decode(video=0):
            if number == num_frames:
                break
            if shown.time < number / fps:
                continue
            frame = shown.reformat(width, height, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
            number += 1
        container.mux(stream.encode(None))
    assert number == num_frames, "the sample is no longer than a minute, at 12.5 frames per second"
    return path
