"""`--memory-log`: what a run holds over time, written as it goes on and summed up at its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from vidmem.console import duration_text, size_text

if TYPE_CHECKING:
    from vidmem.profiling import MemoryRecord
    from vidmem.streaming import Prediction


class MemoryReport:
    """Measures with each clip and by the clock, between `with` and its end."""

    def __init__(self, console: Console, path: Path, streams: Sequence[str] = ()) -> None:
        """Begin the file; streams that have names are also told apart."""
        from vidmem.streaming import MemoryLog, RunMemory

        self._console, self._path = console, path
        self._log = MemoryLog(path, streams=streams)
        self._memory = RunMemory(listener=self._log)
        self._open = ExitStack()

    def __enter__(self) -> MemoryReport:
        self._open.enter_context(self._log)
        self._open.enter_context(self._memory.sampling())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        record = self._memory.timeline.record()
        if record.newest.num_clips is None:
            return
        for line in [*memory_text(record), f"memory over time is in {self._path}"]:
            self._console.print(line, markup=False)

    def took(self, prediction: Prediction, model: Any, stream: str = "") -> None:
        """A clip was judged."""
        self._memory.took(prediction, model, stream)


def memory_text(record: MemoryRecord) -> list[str]:
    """What was held, and whether it grew, a sentence each."""
    now, slope = record.newest, record.slope()
    held = [("process", now.process_bytes), ("decoder", now.decoder_bytes)]
    held += [("weights", now.weights_bytes), ("state", now.state_bytes)]
    held += [("GPU, peak allocated", now.peak_allocated_bytes)]
    said = [f"{name} {size_text(count)}" for name, count in held if count is not None]
    lines = [f"memory: {', '.join(said)}"]
    if slope is None:
        due = duration_text(round(record.slope_due_seconds))
        return [*lines, f"memory of the process: too short to tell a slope; {due} more are needed"]
    low, high = size_text(round(slope.low_bytes)), size_text(round(slope.high_bytes))
    span = duration_text(round(slope.num_seconds))
    video = ""
    if slope.bytes_per_video_hour is not None:
        video = f"; per hour of video {slope.bytes_per_video_hour / 2**20 + 0.0:.2f} MiB"
    return [*lines, f"memory of the process, {slope} over {span} ({low} to {high}){video}"]
