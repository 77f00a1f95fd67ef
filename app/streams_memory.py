"""Whether the process grows while many streams run: its memory over time, and that in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from vidmem.profiling import Held, MemoryRecord, MemoryTimeline

SAMPLE_SECONDS = 0.5
SAY_SECONDS = 2.0
SETTLING = "settling"


class PoolMemory:
    """Samples of what a pool holds; each stream that joins or leaves begins the warm-up anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._timeline = MemoryTimeline()
        self._lock = threading.Lock()
        self._sampled, self._told_at = float("-inf"), float("-inf")
        self._told = SETTLING

    @property
    def is_due(self) -> bool:
        """Whether the newest sample is old."""
        return self._clock() - self._sampled >= SAMPLE_SECONDS

    def sample(self, figures: Mapping[str, int]) -> None:
        """Take what is held now, as `PoolRun.figures` has it."""
        with self._lock:
            if not self.is_due:
                return
            self._sampled = self._clock()
            held = Held(
                process_bytes=figures["process_bytes"],
                decoder_bytes=figures["decoder_bytes"] or None,
                weights_bytes=figures["weights_bytes"],
                state_bytes=figures["state_bytes"],
                num_clips=figures["clips_done"],
            )
            self._timeline.add(self._sampled - self._began, held)

    def changed(self, text: str) -> None:
        """What is held is not what it was: a stream joined, or left."""
        self._timeline.mark(self._clock() - self._began, "l_mem", text)
        with self._lock:
            self._told, self._told_at = SETTLING, float("-inf")

    def record(self) -> MemoryRecord:
        """What there is."""
        return self._timeline.record()

    @property
    def said(self) -> str:
        """`settling`, or how fast the process grows: `flat: 0.2 MiB per hour`."""
        with self._lock:
            if self._clock() - self._told_at >= SAY_SECONDS:
                self._told_at = self._clock()
                slope = self.record().slope()
                self._told = SETTLING if slope is None else str(slope)
            return self._told
