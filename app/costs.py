"""What a run costs in memory over its time: the small card, the Cost page, its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from app import cost_text, text
from app.masks import Download
from vidmem.errors import SettingError
from vidmem.figures import ThemeName, memory_time_figure
from vidmem.profiling import MemoryRecord
from vidmem.streaming import Prediction, RunMemory

MAX_MARKS = 240
"""On the card, which is 300 pixels wide."""


class RunCosts:
    """The memory timeline of what a run plays; begun anew with each play."""

    def __init__(self) -> None:
        self._memory: RunMemory | None = None

    def took(self, prediction: Prediction, model: Any) -> None:
        """A clip was judged."""
        if self._memory is None:
            self._memory = RunMemory()
        self._memory.took(prediction, model)

    def sample(self) -> None:
        """Measure between clips too, once there was one."""
        if self._memory is not None:
            self._memory.sample()

    def record(self) -> MemoryRecord | None:
        """What there is; `None` before the first clip."""
        return None if self._memory is None else self._memory.timeline.record()


def card_section(record: MemoryRecord | None) -> dict[str, Any]:
    """What the card on the Watch page shows."""
    if record is None:
        return {"seconds": [], "mib": [], "events": [], "note": ""}
    every = -(-len(record.spans) // MAX_MARKS)
    seconds, held = record.spans.mean_seconds, record.series("process_bytes").mean
    marks = [*range(0, len(seconds) - 1, every), len(seconds) - 1]
    now, slope = record.newest, record.slope()
    said = "settling" if slope is None else str(slope)
    state = cost_text.amount(now.state_bytes or 0)
    return {
        "seconds": np.round(seconds[marks], 2).tolist(),
        "mib": np.round(held[marks] / 2**20, 2).tolist(),
        "events": [round(event.seconds, 2) for event in record.events],
        "note": f"{text.mebibytes(now.process_bytes or 0)} · {said} · state {state}",
    }


def page_answer(record: MemoryRecord, theme: ThemeName) -> str:
    """All that the Cost page shows, as JSON."""
    told = {
        "headline": _headline(record),
        "proof": cost_text.slope_proof(record.slope(), record.slope_due_seconds),
        "facts": list(_facts(record)),
        "events": [
            [text.clock(e.seconds), e.kind, e.text, e.clip or 0, e.num_joined]
            for e in reversed(record.events)
        ],
        "gpu": "" if record.newest.allocated_bytes is not None else cost_text.NO_GPU,
    }
    figure = memory_time_figure(record, theme=theme).to_json()
    return f'{json.dumps(told)[:-1]},"figure":{figure}}}'


def page_download(record: MemoryRecord, kind: str) -> Download:
    """The timeline as a file.

    Raises:
        SettingError: If there is no such kind of file.
    """
    if kind == "csv":
        return Download("memory-over-time.csv", "text/csv", record.to_csv().encode())
    if kind == "json":
        told = json.dumps(record.as_dict(), indent=1).encode()
        return Download("memory-over-time.json", "application/json", told)
    raise SettingError(f"memory over time can be downloaded as json or csv, got {kind}")


def _headline(record: MemoryRecord) -> str:
    slope = record.slope()
    if slope is None:
        return cost_text.SETTLING
    words = str(slope)
    return f"{words[0].upper()}{words[1:]}"


def _facts(record: MemoryRecord) -> Iterator[tuple[str, str]]:
    """Names and amounts, newest; what is not measured is left out."""
    now = record.newest
    for name, words in cost_text.FACTS.items():
        value = getattr(now, name)
        if value is not None:
            # The state to the byte, since that is what stays the same.
            exact = f"{value:,} bytes = " if name == "state_bytes" else ""
            yield words, exact + cost_text.amount(value)
    yield "clips judged", f"{now.num_clips or 0:,}"
    yield "clips remembered", f"{now.held_clips or 0} of {now.l_mem or 0}"
    yield "clips evicted", f"{now.num_evicted or 0:,}"
    yield "video judged", text.span(now.video_seconds or 0.0)
