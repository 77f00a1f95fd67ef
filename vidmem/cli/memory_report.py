"""`--memory-log`: the footprint of a run over time, written while it runs, summed up at its end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from vidmem.units import mebibytes, memory_size, span

if TYPE_CHECKING:
    from vidmem.profiling import FootprintRecord
    from vidmem.streaming import Prediction


class FootprintReport:
    """Logs the footprint of a run, as a context manager: at each clip, and between them by time."""

    def __init__(self, console: Console, path: Path, streams: Sequence[str] = ()) -> None:
        """Begin the file; where streams are named, its rows name theirs."""
        from vidmem.streaming import FootprintLog, RunFootprint

        self._console, self._path = console, path
        self._log = FootprintLog(path, streams=streams)
        self._footprint = RunFootprint(listener=self._log)
        self._open = ExitStack()

    def __enter__(self) -> FootprintReport:
        self._open.enter_context(self._log)
        self._open.enter_context(self._footprint.sampling())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        record = self._footprint.timeline.record()
        if record.newest.num_clips is None:  # the video could not be read
            return
        for line in [*footprint_text(record), f"memory over time is in {self._path}"]:
            self._console.print(line, markup=False)

    def add_prediction(self, prediction: Prediction, model: Any, stream: str = "") -> None:
        """Measure after a clip, with the model that judged it and the name of its stream."""
        self._footprint.add_prediction(prediction, model, stream)


def footprint_text(record: FootprintRecord) -> list[str]:
    """How much memory is held, and whether it grows, a sentence each."""
    now, slope = record.newest, record.slope()
    sizes = [
        ("process", now.process_bytes),
        ("decoder", now.decoder_bytes),
        ("weights", now.weights_bytes),
        ("state", now.state_bytes),
        ("GPU, peak allocated", now.peak_allocated_bytes),
    ]
    texts = [f"{name} {memory_size(size)}" for name, size in sizes if size is not None]
    lines = [f"memory: {', '.join(texts)}"]
    if slope is None:
        due = span(round(record.slope_due_seconds))
        return [*lines, f"memory of the process: too short to tell a slope; {due} more are needed"]
    low, high = memory_size(slope.low_bytes), memory_size(slope.high_bytes)
    length = span(slope.num_seconds)
    video = ""
    if slope.bytes_per_video_hour is not None:
        video = f"; per hour of video {mebibytes(slope.bytes_per_video_hour, 2)}"
    return [*lines, f"memory of the process, {slope} over {length} ({low} to {high}){video}"]
