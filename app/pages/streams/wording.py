"""Sentences and figures of many streams at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.sentences import is_disk_full
from vidmem.units import memory_size

MAX_STREAMS = 16
"""Of one page."""

NO_STREAM = "This stream was removed."
NOT_OPEN = "This video is still being opened."
NO_STREAMS = "No streams run. Tick videos, or draw regions, and start them."
NOTHING_CHOSEN = "Tick a video, or draw a region, first."
GONE = "The streams of this page were closed. Start them again."
ENDED = "Something unexpected went wrong ({name}): these streams have stopped. The details are in "
ENDED += "the terminal. What was predicted is kept; close them all, and start again."


def too_many(running: int, wanted: int) -> str:
    """Beyond what a page may run."""
    return (
        f"A page can run {MAX_STREAMS} streams at once: {running} are there, and {wanted} more "
        "were requested. Remove some first."
    )


def busy(limit: int) -> str:
    """Beyond what this machine may run."""
    pages = "1 other page runs" if limit == 1 else f"{limit} other pages run"
    return f"{pages} streams here, which is the limit (--max-runs {limit}). Try again later."


def other_model(title: str) -> str:
    """All streams share the weights of one model."""
    return f"The running streams share the weights of {title}. Close them all to use another model."


def not_saved(error: Exception, path: Path | None) -> str:
    """A stream goes on though its file cannot be written; nothing here names a folder."""
    if is_disk_full(error):
        reason = "the disk is full."
    elif isinstance(error.__cause__, OSError) and error.__cause__.strerror:
        reason = f"{error.__cause__.strerror}."
    else:
        reason = str(error).replace(str(path), "its file")
    return f"Its predictions are not saved any more: {reason}"


def where(model: Any) -> str:
    """`CPU, fp32`."""
    names = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
    dtype = str(model.dtype).removeprefix("torch.")
    return f"{str(model.device).upper()}, {names.get(dtype, dtype)}"


def headline(model: Any, count: int, *, opening: int, failed: int) -> str:
    """`4 streams through one set of weights: FAM Swin nano, CPU, fp32 · 1 failed`."""
    streams = "1 stream" if count == 1 else f"{count} streams"
    parts = [f"{streams} through one set of weights: {model.card.title}, {where(model)}"]
    parts += [f"{opening} being opened"] * bool(opening) + [f"{failed} failed"] * bool(failed)
    return " · ".join(parts)


def figures(numbers: dict[str, Any], trend: str) -> list[tuple[str, str]]:
    """Numbers and what they are of, in the page's order.

    Args:
        numbers: As `PoolRun.figures` has them.
        trend: Whether the process grows, in words.
    """
    count, total = numbers["num_streams"], numbers["state_bytes"]
    each = total / count if count else 0
    decoders = numbers["decoder_bytes"]
    num_decoders = numbers["num_decoders"]
    where_held = "1 decoder" if num_decoders == 1 else f"{num_decoders} decoders"
    beside = f", and about {memory_size(decoders)} in {where_held} beside it" if decoders else ""
    shared = f"weights, held once for all {count}" if count != 1 else "weights"
    return [
        (f"{numbers['clips_per_second']:.1f}", "clips per second, all streams together"),
        (f"{numbers['mean_batch_size']:.1f}", "clips judged together in a step, on average"),
        (memory_size(each), f"state per stream; {memory_size(total)} for all {count}"),
        (memory_size(numbers["weights_bytes"]), shared),
        (memory_size(numbers["process_bytes"]), f"held by the process ({trend}){beside}"),
    ]
