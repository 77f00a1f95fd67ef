"""The footprint of a run over time, and the card that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidmem import units
from vidmem.profiling import FootprintRecord
from vidmem.streaming import Prediction, RunFootprint

SETTLING = "settling"
MAX_MARKS = 240
"""On the card, which is 300 pixels wide."""


class RunCosts:
    """The footprint of a run over the time of one play."""

    def __init__(self) -> None:
        self._footprint: RunFootprint | None = None

    def add_prediction(self, prediction: Prediction, model: Any) -> None:
        """A clip was judged."""
        if self._footprint is None:
            self._footprint = RunFootprint()
        self._footprint.add_prediction(prediction, model)

    def sample(self) -> None:
        """Measure between clips too, once there was one."""
        if self._footprint is not None:
            self._footprint.sample()

    def record(self) -> FootprintRecord | None:
        """The timeline so far; `None` before the first clip."""
        return None if self._footprint is None else self._footprint.timeline.record()


def trend(record: FootprintRecord) -> str:
    """Whether a process grows: `settling`, or how fast, as in `flat: 0.2 MiB per hour`."""
    slope = record.slope()
    return SETTLING if slope is None else str(slope)


def card_section(record: FootprintRecord | None) -> dict[str, Any]:
    """What the card on the Watch page shows of a footprint."""
    if record is None:
        return {"seconds": [], "mib": [], "events": [], "note": ""}
    every = -(-len(record.spans) // MAX_MARKS)
    seconds, held = record.spans.mean_seconds, record.series("process_bytes").mean
    marks = [*range(0, len(seconds) - 1, every), len(seconds) - 1]
    now = record.newest
    state = units.memory_size(now.state_bytes or 0)
    return {
        "seconds": np.round(seconds[marks], 2).tolist(),
        "mib": np.round(held[marks] / units.MIB, 2).tolist(),
        "events": [round(event.seconds, 2) for event in record.events],
        "note": f"{units.memory_size(now.process_bytes or 0)} · {trend(record)} · state {state}",
    }
