"""An engine in a thread of its own, under a pacer, telling a listener what happens."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from app.pacing import Pacer
from app.tools import Engine
from vidmem.errors import VidmemError
from vidmem.streaming import Prediction

logger = logging.getLogger(__name__)

LEAD_SECONDS = 0.4


class Listener(Protocol):
    """Who is told; all calls come from the engine's thread."""

    def opened(self, engine: Engine) -> None:
        """The video is open."""
        ...

    def judging(self) -> AbstractContextManager[None]:
        """Entered for each step of the engine."""
        ...

    def took(self, engine: Engine, prediction: Prediction) -> None:
        """A clip was judged."""
        ...

    def finished(self, error: Exception | None) -> None:
        """The end of the video, or of what can be read of it; a jump may go on from here."""
        ...

    def closed(self, error: Exception | None) -> None:
        """The engine is gone; with the error that ended it, if one did."""
        ...


class EngineThread:
    """Runs from `start` until `stop`; at the end of the video it waits for a jump."""

    def __init__(
        self,
        pacer: Pacer,
        open_engine: Callable[[], Engine],
        listener: Listener,
        fit_threads: Callable[[Any], None],
    ) -> None:
        self.pacer = pacer
        self.engine: Engine | None = None
        self._open, self._listener = open_engine, listener
        self._fit_threads, self._fitted = fit_threads, None
        self._is_left = False
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

        A clip that is being judged is judged to its end and still told, as it is still written.
        """
        self.pacer.stop()
        self._close_engine()
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(join_seconds)
        self._is_left = True  # nobody waits for it any more: what it may tell is of a run gone by

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self.engine = self._open()
            if not self.pacer.is_stopped:
                self._fit(self.engine)
                self._listener.opened(self.engine)
                self._drive(self.engine)
        except VidmemError as problem:
            error = problem
        except Exception as problem:
            logger.exception("an engine's thread failed")
            error = problem
        finally:
            self._close_engine()
            self._listener.closed(None if self.pacer.is_stopped else error)

    def _drive(self, engine: Engine) -> None:
        while self.pacer.wait_for_turn(LEAD_SECONDS):
            error: Exception | None = None
            prediction: Prediction | None = None
            try:
                with self._listener.judging():
                    prediction = engine.__next__()
            except StopIteration:
                pass
            except VidmemError as problem:
                error = problem
            if self._is_left or (prediction is None and self.pacer.is_stopped):
                return
            if prediction is None:
                if self.pacer.finish():
                    self._listener.finished(error)
            else:
                self._fit(engine)
                self.pacer.took(prediction.end_seconds)
                self._listener.took(engine, prediction)

    def _fit(self, engine: Engine) -> None:
        """How many threads torch takes belongs to the thread that asks: so this one asks."""
        if engine.model is not self._fitted:
            self._fitted = engine.model
            self._fit_threads(engine.model)

    def _close_engine(self) -> None:
        if self.engine is not None:
            with contextlib.suppress(VidmemError, OSError):
                self.engine.close()
