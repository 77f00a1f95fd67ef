"""The ways back to past moments of one run: one at a time, in the order in which they were asked.

Each belongs to those who ask for it: a page (by the name it gives itself), or a download. A page
that asks for another moment leaves the one before; nobody else can take a moment away from it. So
two who want two moments of one run both get theirs, one after the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from app.budget import Budget, WaitingError, process_budget
from vidmem.errors import VidmemError

logger = logging.getLogger(__name__)

LEASE_SECONDS = 5.0
"""A moment that nobody asked for in so long gives its place to one that waits."""

MAX_WAITING = 8
"""Moments of one run that may wait; whoever comes then asks again until there is a place."""

Progress = Callable[[int, int], None]
"""Called with clips done and clips in all; raise in it to stop."""


class _UnwantedError(Exception):
    """Ends the way back to a moment that nobody waits for any more."""


class Visit:
    """The way back to one window; once it begins, in a thread of its own."""

    def __init__(self, index: int, work: Callable[[Progress], None]) -> None:
        self.index = index
        self.done, self.total = 0, 0
        self.error: Exception | None = None
        self.askers: dict[str, float] = {}
        """When each of those who want it asked last."""

        self.is_over = False
        self.thread: threading.Thread | None = None
        self._is_wanted = True
        self._work = work

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun and is not over."""
        return self.thread is not None and not self.is_over

    def begin(self, on_end: Callable[[], None]) -> None:
        """Go back, and call `on_end` at the end whatever happens."""
        self.thread = threading.Thread(
            target=self._run, args=[on_end], name="past moment", daemon=True
        )
        self.thread.start()

    def drop(self) -> None:
        """Nobody waits for it any more: it ends with its next clip."""
        self._is_wanted = False

    def _progress(self, done: int, total: int) -> None:
        if not self._is_wanted:
            raise _UnwantedError
        self.done, self.total = done, total

    def _run(self, on_end: Callable[[], None]) -> None:
        try:
            self._work(self._progress)
        except _UnwantedError:
            pass
        except (VidmemError, OSError) as error:
            self.error = error
        except Exception as error:
            logger.exception("a past moment could not be recomputed")
            self.error = error
        finally:
            self.is_over = True
            on_end()


class Visits:
    """Those of one run.

    Args:
        budget: Whose places for replays they take.
        owner: The run, for its share of them.
    """

    def __init__(
        self,
        budget: Budget = process_budget,
        owner: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget, self._owner, self._clock = budget, owner, clock
        self._lock = threading.Lock()
        self._visits: dict[int, Visit] = {}  # by window, in the order in which they were asked

    def ask(self, index: int, asker: str, work: Callable[[Progress], None]) -> Visit:
        """The visit to a window, which begins as soon as it is its turn.

        Args:
            index: Of the window.
            asker: Who wants it, and no other one any more.
            work: Goes back, and keeps what it finds.

        Raises:
            WaitingError: If so many others wait that this one has to ask again.
            Exception: What went wrong on the way; whoever asks again begins another visit.
        """
        with self._lock:
            self._leave(asker, but=index)
            visit = self._visits.get(index)
            if visit is not None and visit.is_over:
                del self._visits[index]
                if visit.error is not None:
                    raise visit.error
                visit = None  # what it found was forgotten meanwhile
            if visit is None:
                self._drop_silent()
                if len(self._visits) >= MAX_WAITING:
                    raise WaitingError
                visit = self._visits[index] = Visit(index, work)
            visit.askers[asker] = self._clock()
            self._drop_silent()
            self._begin_next()
        return visit

    def leave(self, asker: str) -> None:
        """Somebody wants no past moment any more."""
        with self._lock:
            self._leave(asker)

    def drop_all(self) -> None:
        """Another play, model or video: end all of them."""
        with self._lock:
            for visit in self._visits.values():
                visit.drop()
            self._visits.clear()

    def _leave(self, asker: str, but: int | None = None) -> None:
        for index, visit in list(self._visits.items()):
            if index != but and visit.askers.pop(asker, None) is not None and not visit.askers:
                self._remove(visit)

    def _drop_silent(self) -> None:
        """Drop those that nobody asked for in a while, as far as others wait."""
        if len(self._visits) < 2:
            return
        now = self._clock()
        for visit in list(self._visits.values()):
            if all(now - asked_at > LEASE_SECONDS for asked_at in visit.askers.values()):
                self._remove(visit)

    def _remove(self, visit: Visit) -> None:
        visit.drop()
        del self._visits[visit.index]

    def _begin_next(self) -> None:
        # A visit that was dropped holds the one place of its run until its clip is done.
        following = next((one for one in self._visits.values() if one.thread is None), None)
        if following is None or any(one.is_under_way for one in self._visits.values()):
            return
        lease = self._budget.take("replay", self._owner)
        if lease is None:
            return  # whoever asks for it again tries again

        def on_end() -> None:
            lease.release()
            with self._lock:
                self._begin_next()

        following.begin(on_end)
