"""What the Cost page shows: what a run holds over its time, in words, drawn, and as files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.pages.api import Download
from app.run.results.costs import trend
from vidmem import units
from vidmem.errors import SettingError
from vidmem.figures import ThemeName, footprint_figure
from vidmem.plain import to_json
from vidmem.profiling import FootprintRecord, Slope

FACTS = {
    "process_bytes": "process",
    "process_peak_bytes": "process, its peak",
    "decoder_bytes": "decoder",
    "weights_bytes": "weights",
    "state_bytes": "state of the stream",
    "allocated_bytes": "GPU, allocated",
    "peak_allocated_bytes": "GPU, peak allocated",
    "reserved_bytes": "GPU, reserved",
    "peak_reserved_bytes": "GPU, peak reserved",
    "device_process_bytes": "GPU, this process",
    "device_bytes": "GPU, all processes",
}
"""Figures of `vidmem.profiling.FootprintSample` in bytes, as the page names them, in its order."""

NOTHING_MEASURED = "Nothing has been measured yet. Press play on the Watch page: it begins there."
NO_GPU = (
    "The model runs on the processor, so there is nothing on a GPU to measure: main memory, and "
    "the bytes of the tensors themselves, are all there is."
)


def slope_proof(slope: Slope | None, due_seconds: float) -> str:
    """What the slope was measured on, or when there will be one."""
    if slope is None:
        due = units.span(max(1.0, round(due_seconds)))
        return f"A slope is given after the warm-up, in {due} of running."
    low, high = units.memory_size(slope.low_bytes), units.memory_size(slope.high_bytes)
    amount = f"{low} throughout" if low == high else f"between {low} and {high}"
    video = ""
    if slope.bytes_per_video_hour is not None:
        video = f" Per hour of video: {units.mebibytes(slope.bytes_per_video_hour, 2)}."
    return f"The process held {amount} over the last {units.span(round(slope.num_seconds))}.{video}"


def page_answer(record: FootprintRecord, theme: ThemeName) -> dict[str, Any]:
    """All that the Cost page shows."""
    return {
        "headline": _headline(record),
        "proof": slope_proof(record.slope(), record.slope_due_seconds),
        "facts": list(_facts(record)),
        "events": [
            [units.clock(e.seconds), e.kind, e.text, e.clip or 0, e.num_joined]
            for e in reversed(record.events)
        ],
        "gpu": "" if record.newest.allocated_bytes is not None else NO_GPU,
        "figure": footprint_figure(record, theme=theme),
    }


def page_download(record: FootprintRecord, kind: str) -> Download:
    """The timeline as a file.

    Raises:
        SettingError: If there is no such kind of file.
    """
    if kind == "csv":
        return Download("memory-over-time.csv", "text/csv", record.to_csv().encode())
    if kind == "json":
        content = to_json(record.as_dict(), indent=1).encode()
        return Download("memory-over-time.json", "application/json", content)
    raise SettingError(f"memory over time can be downloaded as json or csv, got {kind}")


def _headline(record: FootprintRecord) -> str:
    words = trend(record)
    return f"{words[0].upper()}{words[1:]}"


def _facts(record: FootprintRecord) -> Iterator[tuple[str, str]]:
    """Names and amounts, newest; what is not measured is left out."""
    now = record.newest
    for name, words in FACTS.items():
        value = getattr(now, name)
        if value is not None:
            # The state to the byte, since that is what stays the same.
            exact = f"{value:,} bytes = " if name == "state_bytes" else ""
            yield words, exact + units.memory_size(value)
    yield "clips judged", f"{now.num_clips or 0:,}"
    yield "clips remembered", f"{now.held_clips or 0} of {now.l_mem or 0}"
    yield "clips evicted", f"{now.num_evicted or 0:,}"
    yield "video judged", units.span(now.video_seconds or 0.0)
