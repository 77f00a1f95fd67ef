"""What a run's model saw at a moment: at the newest clip, or at one that is come to again.

The engine's thread hands over what attention is computed from, and only while a page looks. A
moment that is past is recomputed from the nearest saved state, in a thread of its own. Views are
made of either when a page asks, in the thread that asks.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app import live_text, text
from app.clip_frames import ClipFrames, Frame
from app.live import LivePictures
from app.mattered import Mattered
from app.places import Places
from app.tools import Engine, Tools
from vidmem.errors import SettingError, VidmemError
from vidmem.evaluation import RecordedMoment, record_replay
from vidmem.inspection import Capture, capture
from vidmem.streaming import Moment, StateHistory, Stream, revisit

logger = logging.getLogger(__name__)

NEWEST = "newest"
LEASE_SECONDS = 5.0
"""A page that looks asks more often than this; the engine's steps are watched for so long."""

MAX_PACE_SECONDS = 60.0
"""From clip to clip, as far as the lease goes along with it."""

MAX_LOOKS = 3
"""Past moments held for who moves between them."""

MAX_VIEWS = 8
"""Of one look: regions that were asked about."""

MAX_SNAPSHOTS, MAX_SNAPSHOT_BYTES = 64, 256 << 20

Progress = Callable[[int, int], None]
"""Called with clips done and clips in all; raise in it to stop."""

_numbers = itertools.count()


@dataclass(frozen=True, eq=False)
class Look:
    """A window of the stream, and what attention over its past was computed from."""

    moment: Moment
    seen: Capture
    model: Any
    is_newest: bool
    number: int = field(default_factory=_numbers.__next__)
    """Of all looks of the process."""

    views: dict[Any, Any] = field(default_factory=dict)
    """Made of it so far; see `view`."""

    @property
    def index(self) -> int:
        """Of the window."""
        return self.moment.window.index

    def view(self, asked: Any, make: Callable[[], Any]) -> Any:
        """What was made for the same question before, or now."""
        if asked not in self.views:
            if len(self.views) >= MAX_VIEWS:
                self.views.clear()
            self.views[asked] = make()
        return self.views[asked]


class WaitingError(Exception):
    """A moment is being come to: ask again."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done} of {total} clips")
        self.done, self.total = done, total


class _UnwantedError(Exception):
    """Stops the way to a moment that nobody waits for any more."""


class _Visit:
    """The way back to a past window, in a thread."""

    def __init__(self, index: int, work: Callable[[Progress], None]) -> None:
        self.index = index
        self.done, self.total = 0, 0
        self.error: Exception | None = None
        self._is_wanted = True
        self._work = work
        self._thread = threading.Thread(target=self._run, name="inside", daemon=True)
        self._thread.start()

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self._is_wanted = False

    def wait(self, seconds: float) -> bool:
        """Whether it ended within a while."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _progress(self, done: int, total: int) -> None:
        if not self._is_wanted:
            raise _UnwantedError
        self.done, self.total = done, total

    def _run(self) -> None:
        try:
            self._work(self._progress)
        except _UnwantedError:
            pass
        except (VidmemError, OSError) as error:
            self.error = error
        except Exception as error:
            logger.exception("a past moment could not be come to")
            self.error = error


class Inside:
    """Looks into one run."""

    def __init__(self, tools: Tools) -> None:
        self._fit_threads, self._open_pictures = tools.fit_threads, tools.open_pictures
        self._clips: ClipFrames | LivePictures | None = None
        self.info: Any = None
        self._lock = threading.RLock()
        self._watched_until, self._pace_seconds, self._took_at = 0.0, 0.0, time.monotonic()
        self._visit: _Visit | None = None
        self._seen: Capture | None = None
        self.mattered = Mattered(self, tools.fit_threads)
        self._forget(None, None)

    def _forget(self, path: Path | None, model: Any) -> None:
        self.path, self.model = path, model
        self._history = StateHistory(max_snapshots=MAX_SNAPSHOTS, max_bytes=MAX_SNAPSHOT_BYTES)
        self._places = Places()
        self._newest: Look | None = None
        self._moment: Moment | None = None
        self._past: OrderedDict[int, Look] = OrderedDict()
        self._leave()
        self.mattered.forget()

    def choose(self, path: Path, info: Any, kept: LivePictures | None = None) -> None:
        """Another video: its clips can be seen before anything is judged.

        Args:
            path: Where it is.
            info: What it says of itself.
            kept: Pictures of what is past, where there is no file to read them from.
        """
        self.close()
        self.info, self._clips = info, kept or ClipFrames(path, self._open_pictures)

    def frames(self, start: float, end: float, count: int) -> list[Frame]:
        """Pictures of the video between two times; see `ClipFrames.frames`.

        Raises:
            SettingError: If there is no video, or no such pictures.
            VidmemError: If it cannot be read.
        """
        clips = self._clips
        if clips is None:
            raise SettingError(text.NOTHING_JUDGED)
        return clips.frames(start, end, count)

    def forget(self) -> None:
        """Another play is about to begin: what was seen in the one before cannot be asked for."""
        with self._lock:
            self._forget(None, None)

    # What the engine's thread tells

    def begin(self, engine: Engine, path: Path | None) -> None:
        """Another play begins: nothing of the one before can be looked at.

        Args:
            engine: That plays.
            path: The file to watch again for what is past; `None`: it is live, and gone.
        """
        with self._lock:
            self._forget(path, engine.model)
        if path is not None:
            engine.keep_history(self._history)

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Around a step of the engine: watch it, if a page looks."""
        self._seen = None
        if time.monotonic() > self._watched_until:
            yield
            return
        with capture() as seen:
            yield
        self._seen = seen

    def took(self, engine: Engine) -> None:
        """A window was judged."""
        moment, seen, now = engine.last_moment, self._seen, time.monotonic()
        self._seen = None
        self._pace_seconds, self._took_at = min(now - self._took_at, MAX_PACE_SECONDS), now
        if moment is None:
            return
        with self._lock:
            if engine.model is not self.model:
                history = self._history
                self._forget(self.path, engine.model)
                self._history = history  # the engine cleared it, and goes on with it
            self._places.add(moment.window, moment.settings)
            self._past.pop(moment.window.index, None)
            self._moment, self._newest = moment, None
            if seen is not None:
                self._newest = Look(moment, seen, engine.model, is_newest=True)

    def close(self) -> None:
        """Let everything go."""
        self.forget()
        clips, self._clips = self._clips, None
        if clips is not None:
            clips.close()

    # What pages ask

    def find(self, at: str | float) -> Look:
        """The look at a moment: `newest`, or a time in seconds.

        Raises:
            SettingError: If nothing was judged there.
            WaitingError: If it is still being come to.
        """
        with self._lock:
            index, newest, model = self._index(at), self._moment, self.model
            is_newest = newest is not None and index == newest.window.index
            if is_newest:
                self._leave()
                if self._newest is not None:
                    return self._newest
            elif index in self._past:
                self._leave()
                self._past.move_to_end(index)
                return self._past[index]
            visit = None if is_newest else self._visit_to(index)
        if newest is not None and visit is None:
            return self._look_at_newest(newest, model)
        assert visit is not None, "the moment is a past one"
        if visit.wait(0.15):
            with self._lock:
                if visit.error is not None:
                    self._leave()
                    raise visit.error
                if index in self._past:
                    return self._past[index]
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
            raise SettingError(live_text.NO_REPLAY)
        self._fit_threads(model)
        return record_replay(path, model, history, index, progress=progress)

    def _index(self, at: str | float) -> int:
        if self._moment is None:
            raise SettingError(text.NOTHING_JUDGED)
        if at == NEWEST:
            self._watched_until = time.monotonic() + max(LEASE_SECONDS, 3 * self._pace_seconds)
            return self._moment.window.index
        index = self._places.at(float(at))
        if index is None:
            raise SettingError(text.not_judged(float(at)))
        return index

    def _look_at_newest(self, moment: Moment, model: Any) -> Look:
        """Nobody looked when it was judged: the step is done again, and the engine goes on."""
        look = self._see(moment, model, is_newest=True)
        with self._lock:
            if self._moment is moment and self._newest is None:
                self._newest = look
        return look

    def _see(self, moment: Moment, model: Any, *, is_newest: bool) -> Look:
        self._fit_threads(model)
        with capture() as seen:
            Stream(model, moment.settings, moment.state).step(moment.window, moment.pixels)
        return Look(moment, seen, model, is_newest=is_newest)

    def _visit_to(self, index: int) -> _Visit:
        """The way to a window that is being gone, or a new one."""
        visit = self._visit
        if visit is None or visit.index != index:
            self._leave()
            path, model, history = self.path, self.model, self._history
            if path is None:
                raise SettingError(live_text.NO_PAST)

            def come(progress: Progress) -> None:
                self._fit_threads(model)
                moment = revisit(path, model, history.before(index), index, progress=progress)
                self._keep(self._see(moment, model, is_newest=False), history)

            self._visit = visit = _Visit(index, come)
        return visit

    def _keep(self, look: Look, history: StateHistory) -> None:
        with self._lock:
            if history is not self._history or look.model is not self.model:
                return  # of a play that is over
            self._past[look.index] = look
            while len(self._past) > MAX_LOOKS:
                self._past.popitem(last=False)

    def _leave(self) -> None:
        """Where the page looks now, nobody waits for another moment."""
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.drop()
