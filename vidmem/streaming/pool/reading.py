"""The thread of one stream of a pool: it reads clips and records the model's results for them.

It does all work of a stream but the model's, one clip at a time: a clip is read and handed over;
when the model has judged it, its prediction is recorded, and only then is the next one read.
What else is decoded stays in the feed's bounded queue. A video that stalls or breaks holds up its
own thread and no other.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from vidmem.errors import VidmemError
from vidmem.streaming.batching import StepInput, StepResult
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.run import VideoRun
from vidmem.streaming.windows import ReadWindow


@dataclass(frozen=True)
class ReadClip:
    """A clip that was read."""

    start_seconds: float
    """Of its window."""

    step_input: StepInput
    """What the model is to judge."""


class ReadingListener(Protocol):
    """What the thread calls, without any lock."""

    def on_prediction(self, prediction: Prediction, batch_size: int) -> None:
        """A clip was judged, and its prediction is recorded."""
        ...

    def on_clip(self, clip: ReadClip) -> None:
        """The next clip is there."""
        ...

    def on_end(self) -> None:
        """The video has no more."""
        ...

    def on_error(self, error: VidmemError, bug: BaseException | None) -> None:
        """Nothing more can be read; `bug`: the cause, where that should not be possible."""
        ...


@dataclass(frozen=True)
class _Turn:
    """What the thread does next: record a result, if there is one, and read the next clip."""

    result: StepResult | None = None
    batch_size: int = 0
    error: VidmemError | None = None
    """Why the model could not judge the clip; instead of a result."""


class ReadingThread:
    """Reads a run; `read_on` and `close` may be called from any thread."""

    def __init__(self, name: str, run: VideoRun, listener: ReadingListener) -> None:
        """Begin to read the first clip."""
        self._run, self._listener = run, listener
        self._unjudged: ReadWindow | None = None  # belongs to the thread alone
        self._turns: SimpleQueue[_Turn | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"vidmem-pool-{name}", daemon=True)
        self._thread.start()
        self.read_on()

    def read_on(self, result: StepResult | None = None, batch_size: int = 0) -> None:
        """Read the next clip; without a result, one that was read already is read again."""
        self._turns.put(_Turn(result, batch_size))

    def fail(self, error: VidmemError) -> None:
        """End the run as at an error of its own, with its state saved."""
        self._turns.put(_Turn(error=error))

    def close(self) -> None:
        """Save the state, free the decoder, and end."""
        self._turns.put(None)
        try:
            self._run.close()  # wakes the thread where it waits for frames
        finally:
            self._thread.join()

    def _work(self) -> None:
        while (turn := self._turns.get()) is not None:
            try:
                if turn.error is not None:
                    with self._run.working():
                        raise turn.error
                if turn.result is not None:
                    self._take(turn.result, turn.batch_size)
                clip = self._read_next()
            except VidmemError as error:
                self._fail(error, None)
            except BaseException as bug:  # raised again by the pool: here it would be lost
                error = VidmemError(f"something unexpected went wrong: {type(bug).__name__}: {bug}")
                error.__cause__ = bug
                self._fail(error, bug)
            else:
                self._listener.on_clip(clip) if clip is not None else self._listener.on_end()

    def _take(self, result: StepResult, batch_size: int) -> None:
        read, self._unjudged = self._unjudged, None
        assert read is not None, "only a clip that was read is judged"
        with self._run.working():
            prediction = self._run.take(read, result)
        self._listener.on_prediction(prediction, batch_size)

    def _read_next(self) -> ReadClip | None:
        with self._run.working():
            self._unjudged = self._run.read(instead_of=self._unjudged)
        read = self._unjudged
        if read is None:
            return None
        step_input = self._run.stream.to_judge(read.window, read.pixels)
        # Prepared in this thread, while the model judges clips of other streams.
        return ReadClip(read.window.start_seconds, step_input.prepare(self._run.model))

    def _fail(self, error: VidmemError, bug: BaseException | None) -> None:
        self._unjudged = None
        self._listener.on_error(error, bug)
