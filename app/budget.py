"""How much work the app does at once: so many places in the process for each kind, a share per run.

One visitor must not be able to stop the app for all others. So what takes long (a plan, a figure,
a past moment) begins only with a place here:

    lease = budget.take("plan", run_id)       None: no place is free now
    with lease: ...

Nobody waits here: who gets no place asks again (`app.pages.api` answers 202, and the page's
scripts ask anew), so no thread of the server's pool is ever held by waiting.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Work = Literal[
    "probe",
    "picture",
    "clip",
    "replay",
    "test",
    "figure",
    "plan",
    "upload",
    "command",
    "media",
    "times",
    "exchange",
    "lesson",
]

CONTENDED_SECONDS = 5.0
"""For so long after somebody got no place, who holds one without need should give it back."""


@dataclass(frozen=True)
class WorkLimit:
    """How many of a kind may be under way at once."""

    in_process: int
    per_run: int


WORK_LIMITS: Mapping[Work, WorkLimit] = {
    # A decoder each: to say what a file is, for pictures as long as somebody looks at them (the one
    # on view, those of past clips), for the way back to a past moment.
    "probe": WorkLimit(6, 1),
    "picture": WorkLimit(8, 2),
    "replay": WorkLimit(2, 1),
    # A decoder at first, then many steps of a model, in a thread of its own.
    "test": WorkLimit(2, 1),
    # A thread of the server each.
    "figure": WorkLimit(4, 2),
    "clip": WorkLimit(4, 2),
    "plan": WorkLimit(2, 1),
    "upload": WorkLimit(4, 1),
    # A connection and an open file each, for as long as a browser takes parts of a video.
    "media": WorkLimit(64, 64),
    # A process that reads a file through, and a thread that waits for it.
    "times": WorkLimit(3, 3),
    # A file of labels: up to 64 MiB while it arrives, and all of its bouts while it is read. Or a
    # saved mask or two: up to 64 MiB, and as much again while its pairs are looked over.
    "exchange": WorkLimit(2, 1),
    # A picture through an image encoder, or a fit to all that was shown: a core each.
    "lesson": WorkLimit(2, 1),
    # A thread of Gradio's, of which there are forty: commands of one run are carried out one after
    # the other, and one that opens a damaged video may take long.
    "command": WorkLimit(30, 6),
}


class WaitingError(Exception):
    """What was asked for is not done yet, or has no place yet: whoever wants it asks again."""

    def __init__(self, done: int = 0, total: int = 0) -> None:
        super().__init__(f"{done} of {total} clips")
        self.done, self.total = done, total


class Lease:
    """A place that is held until it is released; as a context, until its end."""

    def __init__(self, budget: Budget, work: Work, run_id: str) -> None:
        self._budget, self._run_id = budget, run_id
        self._work: Work = work
        self._is_held = True

    def release(self) -> None:
        """Give the place back; later calls do nothing."""
        if self._is_held:
            self._is_held = False
            self._budget._release(self._work, self._run_id)

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


class Budget:
    """The places of a process; safe to use from all threads."""

    def __init__(self, places: Mapping[Work, WorkLimit] = WORK_LIMITS) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._held: Counter[tuple[Work, str]] = Counter()
        self._refused_at: dict[Work, float] = {}

    def take(self, work: Work, run_id: str = "") -> Lease | None:
        """A place for a kind of work, or `None` where there is none now.

        Args:
            work: Its kind.
            run_id: Of the run that it is for; work for no run shares one share.
        """
        places = self._places[work]
        with self._lock:
            is_own_full = self._held[work, run_id] >= places.per_run
            if self._num_held(work) >= places.in_process:
                self._refused_at[work] = time.monotonic()
                return None
            if is_own_full:
                return None
            self._held[work, run_id] += 1
        return Lease(self, work, run_id)

    def num_held(self, work: Work) -> int:
        """Places of a kind that are held now."""
        with self._lock:
            return self._num_held(work)

    def is_contended(self, work: Work) -> bool:
        """Whether somebody got no place a moment ago, since the process had no more."""
        refused_at = self._refused_at.get(work)
        return refused_at is not None and time.monotonic() - refused_at < CONTENDED_SECONDS

    def _num_held(self, work: Work) -> int:
        return sum(count for (kind, _), count in self._held.items() if kind == work)

    def _release(self, work: Work, run_id: str) -> None:
        with self._lock:
            self._held[work, run_id] -= 1
            if self._held[work, run_id] <= 0:
                del self._held[work, run_id]  # runs come and go


process_budget = Budget()
"""The one of this process."""
