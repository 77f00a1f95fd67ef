"""`vidmem bench hours`: whether a clip costs as much after an hour as at first, and memory stays.

Time is the video's: a stream runs as fast as it is decoded and judged.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vidmem.bench.inspection import Overhead, overhead
from vidmem.models.interface import StreamModel
from vidmem.profiling.trend import evened, theil_sen
from vidmem.streaming.batching import StepInput, step_batch
from vidmem.streaming.engine import Engine
from vidmem.streaming.history import Moment
from vidmem.streaming.settings import StreamSettings
from vidmem.units import clock, mebibytes, memory_size, span

MINUTE, HOUR = 60.0, 3600.0
NUM_PAIRS = 101
WARM_UP_SHARE = 0.25
"""Of the video, left out of the slope: caches and allocators still fill."""


@dataclass
class HoursBench:
    """A few numbers of each clip, in order, and of the run."""

    full_at_seconds: float = 0.0
    """Time in the video at which the memory was first full."""

    video_seconds: list[float] = field(default_factory=list)
    """When each clip ends."""

    model_seconds: list[float] = field(default_factory=list)
    """Time of each step."""

    cpu_seconds: list[float] = field(default_factory=list)
    """Processor time of this process from one prediction to the next, without decoding."""

    resident_bytes: list[int] = field(default_factory=list)
    """Of this process."""

    decoder_bytes: list[int] = field(default_factory=list)
    """Of the process that decodes."""

    wall_seconds: float = 0.0
    """Of the whole run."""

    early: Moment | None = None
    """The first clip that met a full memory."""

    late: Moment | None = None
    """The last clip of hour 1, or of the video."""

    alternated: Overhead | None = None
    """Steps of those two in turn, again and again; `watched_...` is the late one."""

    def minute_from(self, start_seconds: float) -> tuple[float, float]:
        """Medians of a minute of video: time of the step, and processor time."""
        chosen = [
            number
            for number, end in enumerate(self.video_seconds)
            if start_seconds < end <= start_seconds + MINUTE
        ]
        columns = (self.model_seconds, self.cpu_seconds)
        # Medians, since other work on the machine makes some steps many times as long.
        one, two = (statistics.median(column[number] for number in chosen) for column in columns)
        return one, two

    def slowest_and_quickest_minute(self) -> tuple[float, float]:
        """Medians of the step in the minutes since the memory was full."""
        starts = np.arange(self.full_at_seconds, self.last_minute_seconds + 1, MINUTE)
        medians = [self.minute_from(start)[0] for start in starts]
        return max(medians), min(medians)

    @property
    def last_minute_seconds(self) -> float:
        """Where the minute begins that is compared with the first: it ends hour 1, or the video."""
        return min(HOUR, self.video_seconds[-1]) - MINUTE

    def bytes_per_hour(self, values: list[int]) -> float:
        """Slope by Theil-Sen over the video's time after the warm-up."""
        seconds = np.array(self.video_seconds)
        is_used = seconds > WARM_UP_SHARE * seconds[-1]
        x, y = evened(seconds[is_used], np.array(values, dtype=np.float64)[is_used])
        return theil_sen(x, y)[0] * HOUR


def bench_hours(
    video: Path, model: StreamModel, on_clip: Callable[[float, float], object] | None = None
) -> HoursBench:
    """Stream a video from its beginning to its end.

    Args:
        video: At least a few minutes longer than it takes to fill the memory.
        model: In eval mode.
        on_clip: Called after each clip with the seconds of video done, and those in all.
    """
    bench = HoursBench()
    with Engine(video, model, StreamSettings.for_model(model)) as engine:
        started, cpu_before = time.perf_counter(), time.process_time()
        for prediction in engine:
            bench.video_seconds.append(prediction.end_seconds)
            bench.model_seconds.append(prediction.model_seconds)
            now = time.process_time()
            bench.cpu_seconds.append(now - cpu_before)
            bench.decoder_bytes.append(prediction.decoder_bytes)
            bench.resident_bytes.append(prediction.process_bytes - prediction.decoder_bytes)
            if not bench.full_at_seconds and prediction.num_remembered == prediction.l_mem:
                bench.full_at_seconds, bench.early = prediction.start_seconds, engine.last_moment
            if prediction.end_seconds <= HOUR:
                bench.late = engine.last_moment
            if on_clip is not None:
                on_clip(prediction.end_seconds, engine.info.duration_seconds)
            cpu_before = (
                time.process_time()
            )  # again: what a caller does in `on_clip` is not counted
        bench.wall_seconds = time.perf_counter() - started
    bench.alternated = _alternate(model, bench)
    return bench


def _alternate(model: StreamModel, bench: HoursBench) -> Overhead | None:
    # In turn, so that whatever else the machine does falls on both alike.
    moments = (bench.early, bench.late)
    clips = [
        StepInput(one.pixels, (one.window.start_seconds, one.window.end_seconds), one.state.memory)
        for one in moments
        if one is not None
    ]
    if len(clips) < len(moments):
        return None
    early, late = clips
    return overhead(
        lambda: step_batch(model, [early]),
        lambda: step_batch(model, [late]),
        model.device,
        num_pairs=NUM_PAIRS,
    )


def bench_as_text(bench: HoursBench) -> str:
    """The figures as lines of text: both minutes compared, and how memory grew."""
    first, last = bench.full_at_seconds, bench.last_minute_seconds
    early, late = bench.minute_from(first), bench.minute_from(last)
    slowest, quickest = bench.slowest_and_quickest_minute()
    lines = [
        f"{len(bench.video_seconds)} clips, {span(bench.video_seconds[-1])} of video in "
        f"{span(bench.wall_seconds)}",
        f"minute 1 begins when the memory is full, at {clock(first)}; the other one begins at "
        f"{clock(last)}",
        _compared("a step", early[0], late[0]),
        f"of all minutes up to there, the quickest took {1000 * quickest:.2f} ms a step and the "
        f"slowest {1000 * slowest:.2f} ms: so much does this machine vary by itself",
        _compared("a clip, by processor time of this process", early[1], late[1]),
        f"slope after the first quarter, per hour of video: this process "
        f"{mebibytes(bench.bytes_per_hour(bench.resident_bytes), 2, has_sign=True)}, the decoder "
        f"{mebibytes(bench.bytes_per_hour(bench.decoder_bytes), 2, has_sign=True)}",
        f"resident at the end: this process {memory_size(bench.resident_bytes[-1])}, the decoder "
        f"{memory_size(bench.decoder_bytes[-1])}",
    ]
    if bench.alternated is not None:
        two = bench.alternated
        what = f"the step of minute 1 and that of the other, in turn, medians of {NUM_PAIRS}"
        lines.insert(4, _compared(what, two.plain_seconds, two.watched_seconds))
    return "\n".join(lines)


def _compared(what: str, early: float, late: float) -> str:
    return (
        f"{what}: {1000 * early:.2f} ms in minute 1, {1000 * late:.2f} ms in the other, "
        f"ratio {late / early:.3f}"
    )
