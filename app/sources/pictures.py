"""Pictures for people: the newest request only, at a bounded share of the processor."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.budget import Budget, Lease, process_budget
from app.sources.kept import KeptOfFiles
from app.sources.shelf import Video
from vidmem.errors import VidmemError

logger = logging.getLogger(__name__)

MIN_INTERVAL_SECONDS = 0.25
"""Between pictures that follow the playhead."""

SHARE_OF_TIME = 0.15
"""Of the time, spent on pictures while the model needs the processor."""

MAX_PAUSE_SECONDS = 1.5
"""Between two pictures, however long one takes: what is on view must not be of long ago."""

IDLE_SECONDS = 30.0
REST_AFTER_ERROR_SECONDS = 8.0
CONTENDED_LOOK_SECONDS = 1.0
NO_PLACE_SECONDS = 0.25
"""Until the next try, where no place for a reader was free."""

numbers = itertools.count()
"""Of the pictures of the process."""


class PictureLike(Protocol):
    """A JPEG with its own time."""

    @property
    def jpeg(self) -> bytes:
        """The file."""
        ...

    @property
    def pts_seconds(self) -> float:
        """When its frame is shown."""
        ...


class PictureSource(Protocol):
    """What `vidmem.video.PictureReader` offers."""

    def picture(self, seconds: float) -> PictureLike:
        """The picture on display at a time."""
        ...

    def close(self) -> None:
        """Give the reader back."""
        ...


@dataclass(frozen=True)
class Shown:
    """A picture as the page gets it."""

    number: int
    """Rises with every picture of the process."""

    seconds: float
    jpeg: bytes


first_pictures: KeptOfFiles[PictureLike] = KeptOfFiles(64)
"""Of the videos opened last, what is on view before anything is played; some 50 kB each."""


class _NoPlaceError(Exception):
    """There is no place for another reader now."""


class PictureWorker:
    """Fetches the picture last requested, in a thread that runs while there are requests.

    The reader (a child process) is opened with the first request and closed after a while without
    one, or soon where others wait for its place in the budget. An urgent request (somebody drags
    along the timeline) is served at once, and so is another while no model runs, but for a rest
    after an error; the others keep decoding below `SHARE_OF_TIME` of the time. The first picture of
    a video that was opened before is there without either.
    """

    def __init__(
        self,
        video: Video,
        open_source: Callable[[Path], PictureSource],
        on_error: Callable[[Exception], None],
        *,
        run_id: str = "",
        budget: Budget = process_budget,
    ) -> None:
        self.video = video
        self._open, self._on_error = open_source, on_error
        # Without a run, a share of its own.
        self._owner, self._budget = run_id or f"pictures {id(self)}", budget
        self._changed = threading.Condition()
        self._wanted: float | None = None
        self._is_urgent = False
        self._is_model_idle = False
        self._is_closed = False
        self._not_before = 0.0  # after an error, or where no place was free
        self._model_first_until = 0.0
        self._shown: Shown | None = None
        self._served: float | None = None  # the request it answers: a frame's own time is earlier
        self._serving: float | None = None  # the request under way
        self._thread: threading.Thread | None = None
        self._is_working = False
        self._reader: tuple[PictureSource, Lease] | None = None  # of the thread alone

    @property
    def shown(self) -> Shown | None:
        """The newest picture."""
        return self._shown

    def want(self, seconds: float, *, is_urgent: bool = False, is_model_idle: bool = False) -> None:
        """Request the picture at a time in the video, in place of the request before.

        Args:
            seconds: The time.
            is_urgent: Somebody waits for it.
            is_model_idle: The processor is not needed for a model: nothing keeps it waiting.
        """
        with self._changed:
            # What somebody drags to comes before what the playhead asks for.
            if self._wanted is not None and self._is_urgent and not is_urgent:
                return
            is_next = self._serving if self._serving is not None else self._served
            # Within half a frame at 25 fps it is the same picture.
            if not is_urgent and is_next is not None and abs(is_next - seconds) < 0.02:
                self._wanted = None  # of before, and no more wanted
                return
            if seconds == 0.0 and self._show_first():
                return
            self._wanted, self._is_urgent = seconds, is_urgent
            self._is_model_idle = is_model_idle
            if not self._is_working and not self._is_closed:
                self._is_working = True
                self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread and its reader."""
        with self._changed:
            self._is_closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(timeout=5)

    def _show_first(self) -> bool:
        picture = first_pictures.find(self.video.path)
        if picture is None:
            return False
        self._wanted = None  # an older request, which this one replaces
        self._show(picture, 0.0)
        return True

    def _next_request(self) -> float | None:
        """The request to serve next; `None` at the end, or after a while without one.

        Then the thread ends: the next request starts another one.
        """
        idle_since = time.monotonic()
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                wait = IDLE_SECONDS - (now - idle_since)
                if self._wanted is not None:
                    wait = self._wait_seconds(now)
                    if wait <= 0:
                        self._serving, self._wanted, self._is_urgent = self._wanted, None, False
                        return self._serving
                elif wait <= 0 or self._reader is None or self._budget.is_contended("picture"):
                    break
                # A look from time to time: others may need the place of this reader.
                self._changed.wait(min(wait, CONTENDED_LOOK_SECONDS))
            self._is_working = False
        return None

    def _wait_seconds(self, now: float) -> float:
        """Until the request may be served."""
        if self._is_urgent:
            return 0.0
        model_first = 0.0 if self._is_model_idle else self._model_first_until
        return max(self._not_before, model_first) - now

    def _work(self) -> None:
        try:
            while (wanted := self._next_request()) is not None:
                started = time.monotonic()
                try:
                    self._show(self._picture(wanted), wanted)
                except _NoPlaceError:
                    self._put_back(wanted)
                except (VidmemError, OSError, EOFError) as error:  # EOF: its process is gone
                    self._close_reader()
                    self._rest(error)
                else:
                    now = time.monotonic()
                    cost = now - started
                    # The pause makes `cost` the allowed share of the time.
                    pause = max(MIN_INTERVAL_SECONDS - cost, cost * (1 / SHARE_OF_TIME - 1))
                    self._model_first_until = now + min(pause, MAX_PAUSE_SECONDS)
                self._serving = None
        finally:
            self._close_reader()

    def _picture(self, wanted: float) -> PictureLike:
        if wanted == 0.0:
            # Whoever else wants it meanwhile waits for this one, without a decoder.
            return first_pictures.get(self.video.path, lambda path: self._source().picture(0.0))
        return self._source().picture(wanted)

    def _source(self) -> PictureSource:
        if self._reader is None:
            lease = self._budget.take("picture", self._owner)
            if lease is None:
                raise _NoPlaceError
            try:
                self._reader = self._open(self.video.path), lease
            except BaseException:
                lease.release()
                raise
        return self._reader[0]

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            source, lease = reader
            with lease:
                source.close()

    def _put_back(self, wanted: float) -> None:
        """Try again in a moment, unless something else was requested meanwhile."""
        with self._changed:
            if self._wanted is None:
                self._wanted, self._is_urgent = wanted, False
            self._not_before = time.monotonic() + NO_PLACE_SECONDS

    def _show(self, picture: PictureLike, wanted: float) -> None:
        self._shown = Shown(next(numbers), picture.pts_seconds, picture.jpeg)
        self._served = wanted

    def _rest(self, error: Exception) -> None:
        logger.warning("no picture of %s: %s", self.video.path.name, error)
        self._not_before = time.monotonic() + REST_AFTER_ERROR_SECONDS
        self._on_error(error)
