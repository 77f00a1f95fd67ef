"""Whether the process grows while many streams run: its footprint over time, and in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from app.run.results.costs import SETTLING, trend
from vidmem.profiling import FootprintRecord, FootprintSample
from vidmem.streaming import RunFootprint

SAMPLE_SECONDS = 0.5
TREND_SECONDS = 2.0
"""A slope over hours takes some milliseconds to work out, and pages ask several times a second."""


class PoolFootprint:
    """When a pool is measured; each stream that joins or leaves begins the warm-up anew.

    The timeline is that of a `RunFootprint`, as for a single run.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._footprint = RunFootprint(clock=clock)
        self._lock = threading.Lock()
        self._sampled_at, self._trend_at = float("-inf"), float("-inf")
        self._trend = SETTLING

    @property
    def is_due(self) -> bool:
        """Whether the newest sample is old."""
        return self._clock() - self._sampled_at >= SAMPLE_SECONDS

    def sample(self, figures: Mapping[str, int]) -> None:
        """Take what is held now, as `PoolRun.figures` has it."""
        with self._lock:
            if not self.is_due:  # another thread was faster
                return
            self._sampled_at = self._clock()
            held = FootprintSample(
                process_bytes=figures["process_bytes"],
                decoder_bytes=figures["decoder_bytes"] or None,
                weights_bytes=figures["weights_bytes"],
                state_bytes=figures["state_bytes"],
                num_clips=figures["clips_done"],
            )
            self._footprint.add(held)

    def restart_trend(self, text: str) -> None:
        """Begin the warm-up anew: a stream joined, or left, as `text` says."""
        # An event of this kind is what makes a slope begin anew.
        self._footprint.mark("l_mem", text)
        with self._lock:
            self._trend, self._trend_at = SETTLING, float("-inf")

    def record(self) -> FootprintRecord:
        """The timeline so far."""
        return self._footprint.timeline.record()

    @property
    def trend_text(self) -> str:
        """Whether the process grows, in words; see `app.run.results.costs.trend`."""
        with self._lock:
            if self._clock() - self._trend_at >= TREND_SECONDS:
                self._trend_at = self._clock()
                self._trend = trend(self.record())
            return self._trend
