"""What the server says of memory over time."""

from __future__ import annotations

from app.text import span
from vidmem.profiling import Slope

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
"""Figures of `vidmem.profiling.Held` in bytes, as the page names them, in its order."""

NOTHING_MEASURED = "Nothing has been measured yet. Press play on the Watch page: it begins there."
SETTLING = "Settling"
NO_GPU = (
    "The model runs on the processor, so there is nothing on a GPU to measure: main memory, and "
    "the bytes of the tensors themselves, are all there is."
)


def amount(num_bytes: float) -> str:
    """`462.1 MiB`, `192.2 KiB`: in the power of two that suits it."""
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes:,.0f} bytes"


def slope_proof(slope: Slope | None, due_seconds: float) -> str:
    """What a slope was told of, or when it will be."""
    if slope is None:
        due = span(max(1.0, round(due_seconds)))
        return f"A slope is told after the warm-up, in {due} of running."
    low, high = amount(slope.low_bytes), amount(slope.high_bytes)
    held = f"{low} all along" if low == high else f"between {low} and {high}"
    video = ""
    if slope.bytes_per_video_hour is not None:
        video = f" Per hour of video: {slope.bytes_per_video_hour / 2**20 + 0.0:.2f} MiB."
    return f"The process held {held} over the last {span(round(slope.num_seconds))}.{video}"
