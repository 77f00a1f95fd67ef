"""Ticks of a run's time: at round seconds, and where round numbers of clips were judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vidmem.profiling import FootprintRecord
from vidmem.units import clock

MAX_TICKS = 5
"""As many as a figure on a phone has room for."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
DAY = 86400


def second_ticks(end: float, most: int = MAX_TICKS) -> dict[str, Any]:
    """Round times from 0 on, as a clock shows them."""
    step = next((one for one in _STEPS if end / one < most), None)
    step = step or DAY * math.ceil(end / DAY / most)
    values = np.arange(0, end + 1e-9, step).tolist()
    return {"tickvals": values, "ticktext": [clock(value) for value in values]}


def clip_ticks(record: FootprintRecord, most: int = MAX_TICKS) -> dict[str, Any]:
    """Round numbers of clips, where they were judged."""
    clips, seconds = record.series("num_clips").high, record.spans.end_seconds
    is_known = ~np.isnan(clips)
    if not is_known.any():
        return {"tickvals": [], "ticktext": []}
    clips, seconds = clips[is_known], seconds[is_known]
    last = int(clips[-1])
    step = next(size for size in _round_numbers() if last / size <= most)
    numbers = list(range(step, last + 1, step))
    ticks: dict[str, list[Any]] = {"tickvals": [], "ticktext": []}
    for number in numbers:
        place = round(float(np.interp(number, clips, seconds)), 2)
        # Those judged in quick succession, after a pause, have no room for a number each.
        if not ticks["tickvals"] or place - ticks["tickvals"][-1] >= record.end_seconds / 12:
            ticks["tickvals"].append(place)
            ticks["ticktext"].append(f"{number:,}")
    return ticks


def _round_numbers() -> Any:
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10
