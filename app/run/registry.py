"""All runs of this process: which pages show which, how many may play, and when one is freed."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from app.run.run import Run

logger = logging.getLogger(__name__)

GRACE_SECONDS = 20.0
SILENT_SECONDS = 60.0
"""A page on view polls every second; one silent for so long was closed without notice."""
HIDDEN_SECONDS = 12 * 3600.0
"""A browser may let a hidden page sleep: it is open until its connection ends, or for so long."""
MAX_HELD = 200
"""Runs that are kept at once, most of which play nothing: a page that is opened makes one."""

LATE_SECONDS = 3.0
"""What a page sent just before it was closed may arrive after that: it is ignored."""


@dataclass
class _Page:
    heard_at: float
    is_hidden: bool

    def is_lost(self, now: float) -> bool:
        return now - self.heard_at >= (HIDDEN_SECONDS if self.is_hidden else SILENT_SECONDS)


@dataclass
class _Entry:
    run: Run
    pages: dict[str, _Page] = field(default_factory=dict)
    without_page_since: float | None = None
    heard_at: float = 0.0
    """When a page of it was heard of last."""

    closed_at: dict[str, float] = field(default_factory=dict)
    """When its pages were closed, by page."""

    def was_just_closed(self, page: str, now: float) -> bool:
        self.closed_at = {one: at for one, at in self.closed_at.items() if now - at < LATE_SECONDS}
        return page in self.closed_at

    def remove_page(self, page: str, now: float) -> None:
        # The grace begins when the last page is gone.
        if self.pages.pop(page, None) is not None and not self.pages:
            self.without_page_since = now


class RunRegistry:
    """Runs by id. A run without a page is freed after a grace, so that a reload finds it again.

    One that plays goes on without a page, until it has come to its end or is stopped, unless
    somebody wanted it to end with its page.

    Args:
        make_run: From an id.
        on_freed: Called with the id of a run that was freed.
        max_runs: Runs that may hold an engine at once.
        grace_seconds: How long a run without a page is kept.
        max_held: Runs that may be there at once; to make room, one that plays nothing is freed.
        clock: In seconds. That of the server does not go on while it cannot answer (see
            `app.serving.clock`): a page that cannot be heard is not silent.
    """

    def __init__(
        self,
        make_run: Callable[[str], Run],
        *,
        max_runs: int,
        on_freed: Callable[[str], None] = lambda run_id: None,
        grace_seconds: float = GRACE_SECONDS,
        max_held: int = MAX_HELD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_runs = max_runs
        self._make_run, self._on_freed = make_run, on_freed
        self._grace_seconds, self._clock = grace_seconds, clock
        self._max_held = max_held
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        # Which run a page has, where it was given another one than it may still ask about.
        self._moved: dict[str, str] = {}
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

    @property
    def models_in_use(self) -> set[str]:
        """Of runs that hold an engine now, by name."""
        with self._lock:
            return {one.run.chosen.name for one in self._entries.values() if one.run.is_active}

    def open(self, run_id: str, page: str) -> tuple[Run, bool]:
        """The run of an id that a page brought along, or a new one; and whether it is new.

        A page that asks a second time gets the run that it has: its first question may still be
        on the way, or its answer was lost.
        """
        with self._lock:
            entry = self._entries.get(run_id) or self._entry_of(page)
            is_new = entry is None
            surplus = self._take_surplus() if entry is None else []
            if entry is None:
                # Not the unknown id that came: an id gives access to the files of its run, so only
                # the server makes one.
                new_id = uuid.uuid4().hex
                entry = self._entries[new_id] = _Entry(self._make_run(new_id))
            self._add_page(entry, page)
        self._free_later(surplus)
        return entry.run, is_new

    def _take_surplus(self) -> list[Run]:
        """Runs that have to go for one more; never one that plays."""
        surplus = []
        while len(self._entries) >= self._max_held:
            idle = [entry for entry in self._entries.values() if not entry.run.is_active]
            if not idle:  # `max_runs` is less than `max_held`, so there is one
                break
            # Those that no page shows first, then those that never played, the longest unheard.
            entry = min(
                idle,
                key=lambda one: (bool(one.pages), one.run.has_played, one.heard_at),
            )
            surplus.append(self._entries.pop(entry.run.run_id).run)
        return surplus

    def _free_later(self, runs: list[Run]) -> None:
        """Free runs in a thread, since that may take seconds, and a page waits."""
        for run in runs:
            threading.Thread(target=self._free, args=[run], name="free a run", daemon=True).start()

    def _entry_of(self, page: str) -> _Entry | None:
        # Browsers that name no page are not one page.
        shown = (entry for entry in self._entries.values() if page and page in entry.pages)
        return next(shown, None)

    def find(self, run_id: str) -> Run | None:
        """The run of an id."""
        with self._lock:
            entry = self._entries.get(run_id)
            return entry.run if entry else None

    def find_playing(self, kept_id: str) -> Run | None:
        """The run that plays a run of the project now; `None`: none does here."""
        return next((run for run in self.showing(kept_id) if run.is_active), None)

    def showing(self, kept_id: str) -> list[Run]:
        """The runs whose newest play is a run of the project; an empty id is that of none."""
        with self._lock:
            runs = [entry.run for entry in self._entries.values()]
        return [run for run in runs if kept_id and run.kept_id == kept_id]

    def has_page(self, run_id: str) -> bool:
        """Whether a page shows the run."""
        with self._lock:
            entry = self._entries.get(run_id)
            return entry is not None and bool(entry.pages)

    def move_page(self, page: str, run_id: str) -> bool:
        """Give a page another run; False: it is not there any more."""
        with self._lock:
            entry = self._entries.get(run_id)
            if entry is None:
                return False
            for other in self._entries.values():
                if other is not entry:
                    other.remove_page(page, self._clock())
            self._add_page(entry, page)
            if page:  # browsers that name no page are not one page
                self._moved[page] = run_id
            return True

    def find_for_page(self, run_id: str, page: str, *, is_hidden: bool) -> Run | None:
        """The run of an id that a page asks about; hidden, it may not ask again for long.

        A page that was given another run gets that: it asked before it knew.
        """
        with self._lock:
            entry = self._entries.get(self._moved.get(page, run_id)) or self._entries.get(run_id)
            # A late request of a closed page must not keep the run.
            if entry is not None and not entry.was_just_closed(page, self._clock()):
                self._add_page(entry, page, is_hidden=is_hidden)
            return entry.run if entry else None

    def _add_page(self, entry: _Entry, page: str, *, is_hidden: bool = False) -> None:
        entry.heard_at = self._clock()
        entry.pages[page] = _Page(entry.heard_at, is_hidden)
        entry.without_page_since = None

    def close_page(self, page: str) -> None:
        """A page was closed or is being reloaded."""
        with self._lock:
            self._moved.pop(page, None)
            for entry in self._entries.values():
                if page in entry.pages:
                    entry.closed_at[page] = self._clock()
                entry.remove_page(page, self._clock())

    def may_begin(self, run: Run) -> bool:
        """Whether one more engine may start; the caller asks and starts it under one lock."""
        with self._lock:
            others = [e.run for e in self._entries.values() if e.run is not run]
            return sum(other.is_active for other in others) < self.max_runs

    def sweep(self) -> list[str]:
        """Free the runs that no page shows any more; returns their ids."""
        now = self._clock()
        with self._lock:
            for entry in self._entries.values():
                for page in [name for name, one in entry.pages.items() if one.is_lost(now)]:
                    entry.remove_page(page, now)
            gone = [
                run_id
                for run_id, entry in self._entries.items()
                if entry.without_page_since is not None
                and now - entry.without_page_since >= self._grace_seconds
                and not entry.run.goes_on_alone
            ]
            runs = [self._entries.pop(run_id).run for run_id in gone]
            there = {page for entry in self._entries.values() for page in entry.pages}
            self._moved = {page: run_id for page, run_id in self._moved.items() if page in there}
        # Without the lock: to close a run takes seconds, since it waits for its threads.
        for run in runs:
            self._free(run)
        return gone

    def _free(self, run: Run, *, is_interrupted: bool = False) -> None:
        try:
            run.close(is_interrupted=is_interrupted)
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
        """Free all runs and stop sweeping, at the end of the process: what plays is interrupted."""
        self._stop.set()
        for run in self._take_all():
            self._free(run, is_interrupted=True)

    def clear(self) -> None:
        """Free all runs; what plays is stopped."""
        for run in self._take_all():
            self._free(run)

    def _take_all(self) -> list[Run]:
        with self._lock:
            runs = [entry.run for entry in self._entries.values()]
            self._entries.clear()
            self._moved.clear()
        return runs
