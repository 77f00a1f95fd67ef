"""An engine in its own thread: a pacer decides when it goes on, a listener gets its events."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from app.run.pacing import Pacer
from app.tools import EngineLike
from vidmem.errors import VidmemError
from vidmem.streaming import Prediction

logger = logging.getLogger(__name__)

LEAD_SECONDS = 0.4
"""In real time, how long before it is due a clip is taken, so that it is judged in time."""


class EngineListener(Protocol):
    """Opens the engine and gets its events; all calls come from the engine's thread."""

    def open_engine(self) -> EngineLike:
        """Open the video; this may take seconds."""
        ...

    def on_opened(self, engine: EngineLike) -> None:
        """The video is open."""
        ...

    def around_step(self) -> AbstractContextManager[None]:
        """Entered for each step of the engine."""
        ...

    def on_prediction(self, engine: EngineLike, prediction: Prediction) -> None:
        """A clip was judged."""
        ...

    def on_finished(self, error: Exception | None) -> None:
        """The end of the video, or of what can be read of it; a jump may go on from here."""
        ...

    def on_closed(self, error: Exception | None) -> None:
        """The engine is closed; with the error that ended it, if one did."""
        ...


class EngineThread:
    """Runs from `start` until `stop`; at the end of the video it waits for a jump."""

    def __init__(
        self,
        pacer: Pacer,
        listener: EngineListener,
        fit_threads: Callable[[Any], None],
    ) -> None:
        self.pacer = pacer
        self.engine: EngineLike | None = None
        self._listener = listener
        self._fit_threads, self._fitted = fit_threads, None
        self._is_abandoned = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, join_seconds: float = 10.0) -> None:
        """End, whatever it is doing: a decoder that hangs is ended with its process.

        A clip that is being judged is judged to its end and still reported, as it is still written.
        """
        self.pacer.stop()
        self._close_engine()
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(join_seconds)
        # It may still be in a step that does not end: what that gives is of an earlier play.
        self._is_abandoned = True

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self.engine = self._listener.open_engine()
            if not self.pacer.is_stopped:
                self._fit(self.engine)
                self._listener.on_opened(self.engine)
                self._drive(self.engine)
        except VidmemError as problem:
            error = problem
        except Exception as problem:
            logger.exception("an engine's thread failed")
            error = problem
        finally:
            self._close_engine()
            self._listener.on_closed(None if self.pacer.is_stopped else error)

    def _drive(self, engine: EngineLike) -> None:
        # No `for` over the engine: after the end of the video, a jump makes it go on.
        while self.pacer.wait_for_turn(LEAD_SECONDS):
            error: Exception | None = None
            prediction: Prediction | None = None
            try:
                with self._listener.around_step():
                    prediction = engine.__next__()
            except StopIteration:
                pass
            except VidmemError as problem:
                error = problem
            if self._is_abandoned or (prediction is None and self.pacer.is_stopped):
                return
            if prediction is None:
                if self.pacer.finish():  # else a jump came during the step
                    self._listener.on_finished(error)
            else:
                self._fit(engine)
                self.pacer.add_clip(prediction.end_seconds)
                self._listener.on_prediction(engine, prediction)

    def _fit(self, engine: EngineLike) -> None:
        # torch keeps its number of threads per calling thread: so it is set in this one.
        if engine.model is not self._fitted:
            self._fitted = engine.model
            self._fit_threads(engine.model)

    def _close_engine(self) -> None:
        if self.engine is not None:
            # The play is over: an error while closing changes nothing about it.
            with contextlib.suppress(VidmemError, OSError):
                self.engine.close()


class StoppedError(VidmemError):
    """The run was stopped while its engine was opening; that is no error to show."""


@contextlib.contextmanager
def engine_turn(commands: threading.RLock, pacer: Pacer) -> Iterator[None]:
    """Hold the lock of commands in the engine's thread.

    Raises:
        StoppedError: If the thread is to end.
    """
    # Tried again and again: the command that holds the lock may be `stop`, which waits for this
    # thread to end and would wait for ever.
    while not commands.acquire(timeout=0.05):
        if pacer.is_stopped:
            raise StoppedError
    try:
        if pacer.is_stopped:  # by the command that had the lock before
            raise StoppedError
        yield
    finally:
        commands.release()
