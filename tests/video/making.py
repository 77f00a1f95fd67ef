"""Videos whose frames show their own number, so that a reader can be caught with the wrong one."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 128, 96
COLUMNS, ROWS = 4, 3
TICK = Fraction(1, 12_800)


def draw_number(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture `[H, W, 3]` with `number` as 12 bits, light and dark blocks."""
    bits = [(number >> bit) & 1 for bit in range(COLUMNS * ROWS)]
    blocks = np.array(bits, dtype=np.uint8).reshape(ROWS, COLUMNS) * 160 + 40
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    picture = blocks[rows][:, columns]
    return np.repeat(picture[..., None], 3, axis=-1)


def read_number(pixels: np.ndarray) -> int:
    """The number in a picture of any size."""
    height, width = pixels.shape[:2]
    number = 0
    for bit in range(COLUMNS * ROWS):
        row = (2 * (bit // COLUMNS) + 1) * height // (2 * ROWS)
        column = (2 * (bit % COLUMNS) + 1) * width // (2 * COLUMNS)
        number |= int(pixels[row, column].mean() > 120) << bit
    return number


def read_numbers(pixels: np.ndarray) -> list[int]:
    return [read_number(np.asarray(picture)) for picture in pixels]


@dataclass(frozen=True)
class Kind:
    """How a numbered video is made."""

    name: str
    codec: str = "libx264"
    suffix: str = ".mp4"
    fps: int = 25
    gop: int = 250
    b_frames: int = 0
    is_variable: bool = False
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def base(self) -> Fraction:
        """Ticks of the encoder."""
        return TICK if self.is_variable else Fraction(1, self.fps)

    @property
    def file_tick(self) -> Fraction:
        """Seconds to which the file rounds its times."""
        ticks = {".mkv": 1000, ".webm": 1000, ".ts": 90_000, ".avi": self.fps}
        return Fraction(1, ticks.get(self.suffix, 12_800))

    def ticks(self, num_frames: int) -> list[int]:
        """When each frame is shown, in `base`."""
        if not self.is_variable:
            return list(range(num_frames))
        step = int(1 / (self.fps * TICK))
        steps = [step * (1 + frame * 7 % 5) // 2 for frame in range(num_frames)]
        return [sum(steps[:frame]) for frame in range(num_frames)]


def write_video(folder: Path, kind: Kind, num_frames: int, *, with_sound: bool = False) -> Path:
    """Write a numbered video and return its path."""
    path = folder / f"{kind.name}{kind.suffix}"
    with av.open(str(path), "w", options=kind.container_options) as container:
        stream = container.add_stream(kind.codec, rate=kind.fps)
        stream.width, stream.height = kind.width, kind.height
        stream.pix_fmt = "yuvj420p" if kind.codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = kind.gop
        stream.codec_context.max_b_frames = kind.b_frames
        stream.codec_context.time_base = kind.base
        stream.options = {"crf": "20", "preset": "ultrafast", **kind.options}
        sound = container.add_stream("aac", rate=16_000) if with_sound else None
        for number, ticks in enumerate(kind.ticks(num_frames)):
            picture = draw_number(number, kind.width, kind.height)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = ticks, kind.base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            write_sound(container, sound, num_frames / kind.fps)
    return path


def write_sound_only(path: Path) -> Path:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        write_sound(container, container.add_stream("aac", rate=16_000), 0.5)
    return path


def write_sound(container, stream, seconds: float) -> None:
    for start in range(0, int(seconds * 16_000), 1024):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def frames_on_display(
    times: list[Fraction], fps: float, end: Fraction, tolerance: Fraction = TICK / 2
) -> list[int]:
    """The plain definition: for each sampled time, the last frame that has begun by then."""
    numbers, sample = [], 0
    step = 1 / Fraction(fps).limit_denominator(1000)
    while sample * step < end - Fraction(1, 1000):
        now = sample * step + tolerance
        numbers.append(max(i for i, start in enumerate(times) if start - times[0] <= now))
        sample += 1
    return numbers
