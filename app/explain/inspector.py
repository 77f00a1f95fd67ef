"""What a run's model saw at a moment: at the newest clip, or at a past one that is recomputed.

The engine's thread hands over what attention is computed from, and only while a page looks. A
moment that is past is recomputed from the nearest saved state, in a thread of its own. Views are
made of either when a page asks, in the thread that asks.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.budget import WaitingError
from app.explain.jobs import ModelTests
from app.explain.visits import Progress, Visit, Visits
from app.explain.window_index import WindowIndex
from app.explain.wording import NOTHING_JUDGED, not_judged
from app.sources.clip_pictures import ClipPicture, ClipPictures
from app.sources.live import LivePictures
from app.sources.wording import NO_PAST, NO_REPLAY
from app.tools import EngineLike, Tools
from vidmem.errors import SettingError
from vidmem.evaluation import RecordedMoment, record_replay
from vidmem.inspection import Capture, capture
from vidmem.streaming import Moment, StateHistory, Stream, revisit

NEWEST = "newest"
LEASE_SECONDS = 5.0
"""Steps of the engine are watched for so long after a request; a page on view asks more often."""

MAX_PACE_SECONDS = 60.0
"""From clip to clip: where clips are slower than this, the lease does not grow any more."""

MAX_PAST = 3
"""Past moments held, for a visitor who moves between them."""

MAX_RESULTS = 8
"""Kept for one moment: each region that was requested has its own."""

MAX_SNAPSHOTS, MAX_SNAPSHOT_BYTES = 64, 256 << 20

_numbers = itertools.count()


@dataclass(frozen=True, eq=False)
class MomentView:
    """A window of the stream, and what attention over its past was computed from."""

    moment: Moment
    captured: Capture
    model: Any
    is_newest: bool
    number: int = field(default_factory=_numbers.__next__)
    """Of all such views of the process."""

    results: dict[Any, Any] = field(default_factory=dict)
    """Computed from it so far; see `made`."""

    @property
    def index(self) -> int:
        """Of the window."""
        return self.moment.window.index

    def made(self, key: Any, make: Callable[[], Any]) -> Any:
        """The result under a key; made now if there is none yet."""
        if key not in self.results:
            if len(self.results) >= MAX_RESULTS:
                self.results.clear()  # rare: few regions are looked at in one moment
            self.results[key] = make()
        return self.results[key]


class Inspector:
    """Shows what the model of one run saw, at the newest clip and at past ones."""

    def __init__(self, tools: Tools, run_id: str = "") -> None:
        self._fit_threads, self._open_pictures = tools.fit_threads, tools.open_pictures
        self._clips: ClipPictures | LivePictures | None = None
        self.info: Any = None
        self._lock = threading.RLock()
        self._watched_until, self._pace_seconds, self._stepped_at = 0.0, 0.0, time.monotonic()
        self._run_id = run_id
        # Every inspector has a share of replays of its own, also one without a run.
        self._visits = Visits(owner=run_id or f"inspector {id(self)}")
        self._captured: Capture | None = None
        self.tests = ModelTests(self, tools.fit_threads, owner=run_id)
        self._forget(None, None)

    def _forget(self, path: Path | None, model: Any) -> None:
        self.path, self.model = path, model
        self._history = StateHistory(max_snapshots=MAX_SNAPSHOTS, max_bytes=MAX_SNAPSHOT_BYTES)
        self._windows = WindowIndex()
        self._newest: MomentView | None = None
        self._moment: Moment | None = None
        self._past: OrderedDict[int, MomentView] = OrderedDict()
        self._visits.drop_all()
        self.tests.forget()

    def choose(self, path: Path, info: Any, kept: LivePictures | None = None) -> None:
        """Another video: its clips can be seen before anything is judged.

        Args:
            path: Where it is.
            info: Size and length of the video.
            kept: Pictures of what is past, where there is no file to read them from.
        """
        self.close()
        self.info, self._clips = info, kept or ClipPictures(path, self._open_pictures, self._run_id)

    def frames(self, start: float, end: float, count: int) -> list[ClipPicture]:
        """Pictures of the video between two times; see `ClipPictures.frames`.

        Raises:
            SettingError: If there is no video, or no such pictures.
            VidmemError: If it cannot be read.
        """
        clips = self._clips
        if clips is None:
            raise SettingError(NOTHING_JUDGED)
        return clips.frames(start, end, count)

    def forget(self) -> None:
        """Drop all moments: another play is about to begin."""
        with self._lock:
            self._forget(None, None)

    # Called by the engine's thread

    def begin(self, engine: EngineLike, path: Path | None) -> None:
        """Begin with another play, and drop all moments of the one before.

        Args:
            engine: That plays.
            path: The file to read again for past moments; `None`: it is live, and not kept.
        """
        with self._lock:
            self._forget(path, engine.model)
        if path is not None:
            engine.keep_history(self._history)

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Around a step of the engine: watch it, if a page looks."""
        self._captured = None
        # To capture costs time and memory at each step, so it is done only for a page.
        if time.monotonic() > self._watched_until:
            yield
            return
        with capture() as captured:
            yield
        self._captured = captured

    def on_prediction(self, engine: EngineLike) -> None:
        """A window was judged."""
        moment, captured = engine.last_moment, self._captured
        now = time.monotonic()
        self._captured = None
        self._pace_seconds, self._stepped_at = min(now - self._stepped_at, MAX_PACE_SECONDS), now
        if moment is None:
            return
        with self._lock:
            if engine.model is not self.model:
                history = self._history
                self._forget(self.path, engine.model)
                self._history = history  # the engine cleared it, and goes on with it
            self._windows.add(moment.window, moment.settings)
            self._past.pop(moment.window.index, None)
            self._moment, self._newest = moment, None
            if captured is not None:
                self._newest = MomentView(moment, captured, engine.model, is_newest=True)

    def close(self) -> None:
        """Free all of it."""
        self.forget()
        clips, self._clips = self._clips, None
        if clips is not None:
            clips.close()

    # For the pages

    def find(self, at: str | float, asker: str = "") -> MomentView:
        """The view of a moment.

        Args:
            at: `newest`, or a time in seconds.
            asker: The page that asks, by a name of its own: it wants no other moment any more.

        Raises:
            SettingError: If nothing was judged there.
            WaitingError: If the way back to it is not done.
        """
        with self._lock:
            index, newest, model = self._index(at), self._moment, self.model
            is_newest = newest is not None and index == newest.window.index
            if is_newest or index in self._past:
                self._visits.leave(asker)
            if is_newest and self._newest is not None:
                return self._newest
            if not is_newest and index in self._past:
                self._past.move_to_end(index)
                return self._past[index]
            visit = None if is_newest else self._visit_to(index, asker)
        # Without the lock, which the engine's thread takes after each clip.
        if newest is not None and visit is None:
            return self._view_newest(newest, model)
        assert visit is not None, "the moment is a past one"
        raise WaitingError(visit.done, visit.total)

    def recorded(
        self, at: str | float, progress: Progress = lambda done, total: None
    ) -> RecordedMoment:
        """The moment with the way to it, for replays; takes seconds.

        Raises:
            SettingError: If nothing was judged there.
            VidmemError: If the video cannot be read again.
        """
        with self._lock:
            index, path, model, history = self._index(at), self.path, self.model, self._history
        if path is None:
            raise SettingError(NO_REPLAY)
        self._fit_threads(model)
        return record_replay(path, model, history, index, progress=progress)

    def _index(self, at: str | float) -> int:
        if self._moment is None:
            raise SettingError(NOTHING_JUDGED)
        if at == NEWEST:
            self._watched_until = time.monotonic() + max(LEASE_SECONDS, 3 * self._pace_seconds)
            return self._moment.window.index
        index = self._windows.at(float(at))
        if index is None:
            raise SettingError(not_judged(float(at)))
        return index

    def _view_newest(self, moment: Moment, model: Any) -> MomentView:
        # No page looked when it was judged: its step is done again, while the engine goes on.
        view = self._recompute(moment, model, is_newest=True)
        with self._lock:
            if self._moment is moment and self._newest is None:  # no newer one came meanwhile
                self._newest = view
        return view

    def _recompute(self, moment: Moment, model: Any, *, is_newest: bool) -> MomentView:
        self._fit_threads(model)
        with capture() as captured:
            Stream(model, moment.settings, moment.state).step(moment.window, moment.pixels)
        return MomentView(moment, captured, model, is_newest=is_newest)

    def _visit_to(self, index: int, asker: str) -> Visit:
        path, model, history = self.path, self.model, self._history
        if path is None:
            raise SettingError(NO_PAST)

        def go_back(progress: Progress) -> None:
            self._fit_threads(model)
            moment = revisit(path, model, history.before(index), index, progress=progress)
            self._keep(self._recompute(moment, model, is_newest=False), history)

        return self._visits.ask(index, asker, go_back)

    def _keep(self, view: MomentView, history: StateHistory) -> None:
        with self._lock:
            if history is not self._history or view.model is not self.model:
                return  # of a play that is over
            self._past[view.index] = view
            while len(self._past) > MAX_PAST:
                self._past.popitem(last=False)
