"""The thread that takes predictions out of a pool."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from app.pages.streams import wording as streams_wording
from vidmem.streaming import Prediction, StreamPool

logger = logging.getLogger(__name__)

MAX_FAILURES = 3
"""In a row, of the pool itself: then its streams stand still."""


class PoolThread:
    """Runs until `stop`; a bug of one stream does not end it.

    Args:
        pool: Whose predictions are taken; it is closed by its owner, which lets this thread end.
        prepare: Called once in the thread.
        on_prediction: Called in the thread with each stream's id and prediction.
    """

    def __init__(
        self,
        pool: StreamPool,
        prepare: Callable[[], None],
        on_prediction: Callable[[str, Prediction], None],
    ) -> None:
        self.problem = ""
        """Why all streams stand still, in words."""

        self._pool, self._prepare, self._on_prediction = pool, prepare, on_prediction
        self._wake, self._is_stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="streams", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """A stream has clips to come again: it joined, goes on, or jumped."""
        self._wake.set()

    def stop(self) -> None:
        """Take nothing more."""
        self._is_stopped = True
        self._wake.set()

    def join(self) -> None:
        """Wait for the end, after `stop` and when the pool is closed."""
        self._thread.join()

    def _work(self) -> None:
        self._prepare()
        num_failures = 0
        while not self._is_stopped and num_failures < MAX_FAILURES:
            # Before the pool is read: a stream that joins during that must not be missed.
            self._wake.clear()
            try:
                for stream_id, prediction in self._pool:
                    num_failures = 0
                    self._on_prediction(stream_id, prediction)
            except Exception as problem:
                logger.exception("a pool's thread failed")
                # One broken stream has ended; a broken pool fails with every call.
                num_failures += not self._is_of_one_stream(problem)
                if num_failures == MAX_FAILURES:
                    self.problem = streams_wording.ENDED.format(name=type(problem).__name__)
            else:
                self._wake.wait()

    def _is_of_one_stream(self, problem: Exception) -> bool:
        return any(error.__cause__ is problem for error in self._pool.errors.values())
