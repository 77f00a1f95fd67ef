"""A clock that stands still while the server cannot answer.

A page that shows a run asks every second. It is taken for closed when it was silent for a while;
but where the server is what did not answer (it computes, its threads are taken, it has no file
descriptor left for another connection), the silence is its own. So silence is measured with this.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import anyio.to_thread

BEAT_SECONDS = 0.5
LATE_SECONDS = 2.0
"""A beat that takes longer than this is late; the time beyond it does not count."""


class AnsweringClock:
    """Seconds in which the server was able to answer; before `beat` runs, all seconds.

    Args:
        clock: The real one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted = 0.0  # up to the last beat
        self._beat_at: float | None = None
        self._is_refusing_until = 0.0

    def __call__(self) -> float:
        """The time in seconds; only differences mean something."""
        if self._beat_at is None:
            return self._clock()
        return self._counted + self._credit(self._clock())

    def _credit(self, now: float) -> float:
        assert self._beat_at is not None, "it beats"
        if self._beat_at < self._is_refusing_until:
            return 0.0
        return min(now - self._beat_at, LATE_SECONDS)

    def on_refused(self) -> None:
        """Take note that a connection was refused or could not be accepted.

        A page may have been behind it, and tries again in a second or so.
        """
        self._is_refusing_until = self._clock() + LATE_SECONDS

    def on_beat(self) -> None:
        """The server answers now: count the time since the beat before, as far as it did."""
        now = self._clock()
        if self._beat_at is None:
            self._counted = now
        else:
            self._counted += self._credit(now)
        self._beat_at = now

    async def beat(self) -> None:
        """Beat as long as the server runs, through what an answer to a page goes through."""
        while True:
            # Commands of pages are carried out in these threads; when all are taken, none is.
            await anyio.to_thread.run_sync(self.on_beat)
            await asyncio.sleep(BEAT_SECONDS)
