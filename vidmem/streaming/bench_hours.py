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

from vidmem.models.interface import StreamModel
from vidmem.profiling.bench_inspection import Overhead, overhead
from vidmem.profiling.trend import MIB, evened, theil_sen
from vidmem.streaming.batching import ClipToJudge, judge
from vidmem.streaming.engine import Engine
from vidmem.streaming.history import Moment
from vidmem.streaming.settings import StreamSettings

MINUTE, HOUR = 60.0, 3600.0
NUM_PAIRS = 101
WARM_UP_SHARE = 0.25
"""Of the video, before memory is looked at."""


@dataclass
class HoursBench:
    """What was measured of each clip, in order; a few numbers of each."""

    full_at_seconds: float = 0.0
    """Of video: when the memory first was full."""

    video_seconds: list[float] = field(default_factory=list)
    """The end of the clip."""

    model_seconds: list[float] = field(default_factory=list)
    """That the step took."""

    cpu_seconds: list[float] = field(default_factory=list)
    """Processor time of this process from one prediction to the next; decoding is not in it."""

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

    in_turn: Overhead | None = None
    """Steps of those two, again and again: the late one is the "watched"."""

    def minute_from(self, start_seconds: float) -> tuple[float, float]:
        """Medians of a minute of video: time of the step, and processor time."""
        chosen = [
            number
            for number, end in enumerate(self.video_seconds)
            if start_seconds < end <= start_seconds + MINUTE
        ]
        columns = (self.model_seconds, self.cpu_seconds)
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
        on_clip: Told after each clip: seconds of video done, and all of them.
    """
    bench = HoursBench()
    with Engine(video, model, StreamSettings.for_model(model)) as engine:
        started, used = time.perf_counter(), time.process_time()
        for prediction in engine:
            bench.video_seconds.append(prediction.end_seconds)
            bench.model_seconds.append(prediction.model_seconds)
            now = time.process_time()
            bench.cpu_seconds.append(now - used)
            bench.decoder_bytes.append(prediction.decoder_bytes)
            bench.resident_bytes.append(prediction.process_bytes - prediction.decoder_bytes)
            if not bench.full_at_seconds and prediction.num_remembered == prediction.l_mem:
                bench.full_at_seconds, bench.early = prediction.start_seconds, engine.last_moment
            if prediction.end_seconds <= HOUR:
                bench.late = engine.last_moment
            if on_clip is not None:
                on_clip(prediction.end_seconds, engine.info.duration_seconds)
            used = time.process_time()
        bench.wall_seconds = time.perf_counter() - started
    bench.in_turn = _in_turn(model, bench)
    return bench


def _in_turn(model: StreamModel, bench: HoursBench) -> Overhead | None:
    """The two steps in turn, so that whatever else the machine does falls on both alike."""
    moments = (bench.early, bench.late)
    clips = [
        ClipToJudge(
            one.pixels, (one.window.start_seconds, one.window.end_seconds), one.state.memory
        )
        for one in moments
        if one is not None
    ]
    if len(clips) < len(moments):
        return None
    early, late = clips
    return overhead(
        lambda: judge(model, [early]),
        lambda: judge(model, [late]),
        model.device,
        num_pairs=NUM_PAIRS,
    )


def bench_as_text(bench: HoursBench) -> str:
    """The figures in sentences."""
    first, last = bench.full_at_seconds, bench.last_minute_seconds
    early, late = bench.minute_from(first), bench.minute_from(last)
    slowest, quickest = bench.slowest_and_quickest_minute()
    lines = [
        f"{len(bench.video_seconds)} clips, {bench.video_seconds[-1] / HOUR:.2f} hours of video in "
        f"{bench.wall_seconds / MINUTE:.1f} minutes",
        f"minute 1 begins when the memory is full, {first:.0f} s into the video; the other one "
        f"begins at {last:.0f} s",
        _compared("a step", early[0], late[0]),
        f"of all minutes up to there, the quickest took {1000 * quickest:.2f} ms a step and the "
        f"slowest {1000 * slowest:.2f} ms: so much is this machine's unrest",
        _compared("a clip, by processor time of this process", early[1], late[1]),
        f"slope after the first quarter, per hour of video: this process "
        f"{_mb(bench.bytes_per_hour(bench.resident_bytes)):+.2f} MB, the decoder "
        f"{_mb(bench.bytes_per_hour(bench.decoder_bytes)):+.2f} MB",
        f"resident at the end: this process {bench.resident_bytes[-1] / MIB:.0f} MiB, the decoder "
        f"{bench.decoder_bytes[-1] / MIB:.0f} MiB",
    ]
    if bench.in_turn is not None:
        two = bench.in_turn
        said = f"the step of minute 1 and that of the other, in turn, medians of {NUM_PAIRS}"
        lines.insert(4, _compared(said, two.plain_seconds, two.watched_seconds))
    return "\n".join(lines)


def _compared(what: str, early: float, late: float) -> str:
    return (
        f"{what}: {1000 * early:.2f} ms in minute 1, {1000 * late:.2f} ms in the other, "
        f"ratio {late / early:.3f}"
    )


def _mb(num_bytes: float) -> float:
    return num_bytes / 1e6
