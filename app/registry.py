"""All runs of this process: who looks at which, how many may play, and when one is freed."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from app.runs import Run

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20.0
SILENT_SECONDS = 60.0
"""A page on view asks every second; one that does not for so long was closed unnoticed."""
HIDDEN_SECONDS = 12 * 3600.0
"""A browser may let a hidden page sleep: it is open until its connection ends, or for so long."""
LATE_SECONDS = 3.0
"""What a page asked just before it was closed may arrive after its farewell: it does not count."""


@dataclass
class _Page:
    asked_at: float
    is_hidden: bool

    def is_lost(self, now: float) -> bool:
        return now - self.asked_at >= (HIDDEN_SECONDS if self.is_hidden else SILENT_SECONDS)


@dataclass
class _Entry:
    run: Run
    pages: dict[str, _Page] = field(default_factory=dict)
    left_at: float | None = None
    farewells: dict[str, float] = field(default_factory=dict)

    def said_farewell(self, page: str, now: float) -> bool:
        """Whether a page was closed just now."""
        self.farewells = {one: at for one, at in self.farewells.items() if now - at < LATE_SECONDS}
        return page in self.farewells

    def let_go(self, page: str, now: float) -> None:
        """One page less; the last one's leaving begins the grace."""
        if self.pages.pop(page, None) is not None and not self.pages:
            self.left_at = now


class RunRegistry:
    """Runs by id. A run without a page is freed after a grace, so that a reload finds it again.

    Args:
        make_run: From an id.
        on_freed: Called with the id of a run that is gone.
        max_runs: Runs that may hold an engine at once.
    """

    def __init__(
        self,
        make_run: Callable[[str], Run],
        *,
        max_runs: int,
        on_freed: Callable[[str], None] = lambda run_id: None,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_runs = max_runs
        self._make_run, self._on_freed = make_run, on_freed
        self._grace_seconds, self._clock = grace_seconds, clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._stop = threading.Event()
        self._sweeper: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """Of all runs."""
        with self._lock:
            return tuple(self._entries)

    @property
    def num_active(self) -> int:
        """Runs that hold an engine now."""
        with self._lock:
            return sum(entry.run.is_active for entry in self._entries.values())

    def open(self, run_id: str, page: str) -> tuple[Run, bool]:
        """The run of an id that a page brought along, or a new one; and whether it is new."""
        with self._lock:
            entry = self._entries.get(run_id)
            is_new = entry is None
            if entry is None:
                new_id = uuid.uuid4().hex
                entry = self._entries[new_id] = _Entry(self._make_run(new_id))
            self._looked_at(entry, page)
            return entry.run, is_new

    def find(self, run_id: str) -> Run | None:
        """The run of an id."""
        with self._lock:
            entry = self._entries.get(run_id)
            return entry.run if entry else None

    def looked_at(self, run_id: str, page: str, *, is_hidden: bool) -> Run | None:
        """The run of an id that a page asks about; hidden, it may not ask again for long."""
        with self._lock:
            entry = self._entries.get(run_id)
            if entry is not None and not entry.said_farewell(page, self._clock()):
                self._looked_at(entry, page, is_hidden=is_hidden)
            return entry.run if entry else None

    def _looked_at(self, entry: _Entry, page: str, *, is_hidden: bool = False) -> None:
        entry.pages[page] = _Page(self._clock(), is_hidden)
        entry.left_at = None

    def left(self, page: str) -> None:
        """A page was closed or is being reloaded."""
        with self._lock:
            for entry in self._entries.values():
                if page in entry.pages:
                    entry.farewells[page] = self._clock()
                entry.let_go(page, self._clock())

    def may_begin(self, run: Run) -> bool:
        """Whether one more engine may start: call it while holding the registry's `beginning`."""
        with self._lock:
            others = [e.run for e in self._entries.values() if e.run is not run]
            return sum(other.is_active for other in others) < self.max_runs

    def sweep(self) -> list[str]:
        """Free the runs that nobody looks at; returns their ids."""
        now = self._clock()
        with self._lock:
            for entry in self._entries.values():
                for page in [name for name, one in entry.pages.items() if one.is_lost(now)]:
                    entry.let_go(page, now)
            gone = [
                run_id
                for run_id, entry in self._entries.items()
                if entry.left_at is not None and now - entry.left_at >= self._grace_seconds
            ]
            runs = [self._entries.pop(run_id).run for run_id in gone]
        for run in runs:
            self._free(run)
        return gone

    def _free(self, run: Run) -> None:
        try:
            run.close()
        finally:
            self._on_freed(run.run_id)

    def start_sweeping(
        self, every_seconds: float = 2.0, also: Callable[[], None] | None = None
    ) -> None:
        """Sweep in a thread until `close`; `also` is called with each sweep."""

        def work() -> None:
            while not self._stop.wait(every_seconds):
                try:
                    self.sweep()
                    if also is not None:
                        also()
                except Exception:
                    logger.exception("sweeping runs failed; it goes on")

        self._sweeper = threading.Thread(target=work, name="run sweeper", daemon=True)
        self._sweeper.start()

    def close(self) -> None:
        """Free all runs and stop sweeping, at the end of the process."""
        self._stop.set()
        self.clear()

    def clear(self) -> None:
        """Free all runs."""
        with self._lock:
            runs = [entry.run for entry in self._entries.values()]
            self._entries.clear()
        for run in runs:
            self._free(run)
