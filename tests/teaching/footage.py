"""A small video that a model is taught on in a moment, and what of it is labelled."""

from __future__ import annotations

import av
import numpy as np

from tests.teaching.invented import ETHOGRAM, alternating
from vidmem.labels import Labels
from vidmem.models import FeatureConfig
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.splits import SplitConfig
from vidmem.teaching.teach import TeachConfig

SECONDS, FPS = 40, 8
LABELS = Labels(ETHOGRAM, alternating(SECONDS - 5, 2.5))
"""Nobody labelled the last five seconds."""

CONFIG = TeachConfig(
    features=FeatureConfig(backbone="tiny", cell_components=3, frame_components=4),
    feature_fps=FPS / 2,
    memory_seconds=2.0,
    reach_seconds=0.5,
    context_seconds=4.0,
    split=SplitConfig(gap_seconds=0.5),
    learn=LearnConfig(steps=4, batch=2, segment_seconds=4, check_every=2, learning_rate=0.01),
    has_baselines=False,
)


def write_video(path) -> None:
    """A light square, left while lying and right while standing, that never rests."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = 48
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast"}
        for number in range(SECONDS * FPS):
            picture = np.full((48, 48, 3), 40, np.uint8)
            column = (4 if int(number / FPS / 2.5) % 2 == 0 else 28) + int(rng.integers(0, 6))
            picture[16:32, column : column + 12] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_damaged_video(path) -> None:
    """Pictures 13 to 15 cannot be decoded, and from 29 on there are none for ten seconds."""
    places = {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = 48
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "g": "4"}
        for number in range(29 + 32):
            picture = np.full((48, 48, 3), 40, np.uint8)
            # It rests where something is missing, since damage begins within a feature frame.
            column = 6 * number % 36 if number % 16 < 8 else 12 * (number // 16)
            picture[16:32, column : column + 12] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if number < 29 else number + 10 * FPS
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        seconds = container.streams.video[0].time_base
        for packet in container.demux(video=0):
            if packet.size:
                places[round(packet.pts * seconds * FPS)] = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    for number in (13, 14, 15):
        start, size = places[number]
        content[start : start + size] = bytes(size)
    path.write_bytes(content)
