"""A stream of a pool: its run, and the thread that reads its next clip while others are judged.

    reading ──> waiting ──> judging ──> reading ...
       │           └─(other settings, a jump)─> reading
       └──> ended, failed ──(a jump)──> reading

The thread does all work of a stream but the model's: it reads a clip and hands it over, writes down
what the model said, and only then reads the next one. What else is decoded stays in the feed's
bounded queue. A video that stalls or breaks holds up its own thread and nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal

from vidmem.errors import VidmemError
from vidmem.streaming.batching import ClipToJudge, Judged
from vidmem.streaming.pool_figures import LagClock, StreamFigures
from vidmem.streaming.pool_schedule import WaitingClip
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.video_run import VideoRun
from vidmem.streaming.windows import ReadWindow

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Turn:
    """What the thread is to do: write down what the model said, if anything, and read on."""

    judged: Judged | None = None
    batch_size: int = 0


class PooledStream:
    """Its fields change under the pool's lock, `changed`, alone; `run` has a lock of its own."""

    def __init__(
        self,
        stream_id: str,
        run: VideoRun,
        *,
        turn: int,
        changed: threading.Condition,
        give: Callable[[str, Prediction], None],
    ) -> None:
        """Start to read.

        Args:
            stream_id: Its name.
            run: Its video.
            turn: See `WaitingClip`.
            changed: The pool's lock; notified when anything happens.
            give: Called under that lock with what the model said, safely written.
        """
        self.stream_id = stream_id
        self.turn = turn
        self._give = give
        self.run = run
        self.status: Literal["reading", "waiting", "judging", "ended", "failed"] = "reading"
        self.is_paused = False
        self.error: VidmemError | None = None
        self.bug: BaseException | None = None
        self.since_seconds = time.monotonic()  # when the status became what it is
        self._read: ReadWindow | None = None
        self._clip: ClipToJudge | None = None
        self._is_reread = False
        self._clips_done = self._last_batch_size = self._batch_sizes = 0
        self._longest_wait_seconds = 0.0
        self._lag = LagClock()
        self._is_lag_begun = False
        self._changed = changed
        self._is_with_model = False
        self._turns: SimpleQueue[_Turn | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=self._work_in_turns, name=f"vidmem-pool-{stream_id}", daemon=True
        )
        self._thread.start()
        self._turns.put(_Turn())

    @property
    def is_ready(self) -> bool:
        """Whether a clip waits that may be judged."""
        return self.status == "waiting" and not self.is_paused

    @property
    def is_busy(self) -> bool:
        """Whether a prediction or a clip is on its way."""
        return self.status == "judging" or (self.status == "reading" and not self.is_paused)

    def waiting_clip(self, max_wait_seconds: float) -> WaitingClip:
        """What the schedule has to know of the clip that waits."""
        assert self._clip is not None, "only a waiting stream has one"
        return WaitingClip(
            stream_id=self.stream_id,
            batch_key=self._clip.batch_key,
            turn=self.turn,
            due_seconds=self.since_seconds + max_wait_seconds,
        )

    def read_again_if_wished(self) -> bool:
        """Read the clip that waits anew where settings or place have changed since.

        Once: who changes them without end gets their clips judged all the same.
        """
        if self._is_reread or not self.run.has_wishes:
            return False
        self._is_reread = True
        self._begin_reading()
        return True

    def begin_judging(self, turn: int) -> ClipToJudge:
        """Hand the clip to the model: it is the stream's turn."""
        assert self._clip is not None, "only a waiting stream has one"
        self.turn, self._is_with_model = turn, True
        self._longest_wait_seconds = max(self._longest_wait_seconds, self._waited_seconds())
        self.status = "judging"  # the time that it became ready stays, in case it goes back
        return self._clip

    def hand_over(self, judged: Judged, batch_size: int) -> None:
        """Have the thread go on by what the model said."""
        self._is_with_model, self._clip = False, None
        self.since_seconds = time.monotonic()
        self._turns.put(_Turn(judged, batch_size))

    def give_back(self) -> None:
        """The model was interrupted: what it did not judge waits again."""
        if self._is_with_model:
            self._is_with_model, self.status = False, "waiting"

    def pause(self) -> None:
        """Judge no more clips until `resume`."""
        self.is_paused, self._is_reread = True, False
        self._lag.stop(time.monotonic())

    def resume(self) -> None:
        """Go on; the clip that waited starts to wait anew."""
        if not self.is_paused:
            return
        self.is_paused, self.since_seconds = False, time.monotonic()
        if self.status not in ("ended", "failed"):
            self._lag.go_on(self.since_seconds)

    def seek(self, seconds: float) -> str:
        """See `VideoRun.seek`; a stream that has ended or failed takes up again."""
        said = self.run.seek(seconds)
        self._is_lag_begun = False
        if self.status in ("ended", "failed"):
            self.error = None
            if not self.is_paused:
                self._lag.go_on(time.monotonic())
            self._begin_reading()
        return said

    def figures(self) -> StreamFigures:
        """How it is now."""
        now_seconds = time.monotonic()
        position_seconds = self.run.position_seconds
        is_shown_paused = self.is_paused and self.status in ("reading", "waiting")
        is_waiting = self.status == "waiting"
        return StreamFigures(
            stream_id=self.stream_id,
            status="paused" if is_shown_paused else self.status,
            clips_done=self._clips_done,
            position_seconds=position_seconds,
            lag_seconds=self._lag.lag_seconds(position_seconds, now_seconds),
            num_waiting=int(is_waiting),
            wait_seconds=self._waited_seconds() if is_waiting else 0.0,
            longest_wait_seconds=self._longest_wait_seconds,
            last_batch_size=self._last_batch_size,
            mean_batch_size=self._batch_sizes / max(self._clips_done, 1),
            state_bytes=self.run.stream.state.memory.num_bytes,
            error=self.error,
        )

    def close(self) -> None:
        """Save the state and free the decoder; not while the model has its clip."""
        self._turns.put(None)
        try:
            self.run.close()
        finally:
            self._thread.join()

    def _waited_seconds(self) -> float:
        return time.monotonic() - self.since_seconds

    def _begin_reading(self) -> None:
        self.status, self.since_seconds = "reading", time.monotonic()
        self._turns.put(_Turn())

    def _work_in_turns(self) -> None:
        """Thread: until the stream leaves."""
        while (turn := self._turns.get()) is not None:
            try:
                if turn.judged is not None:
                    self._take(turn.judged, turn.batch_size)
                read, clip = self._read_next()
            except VidmemError as error:
                self._report(None, None, error)
            except BaseException as bug:
                self.bug = bug
                error = VidmemError(f"something unexpected went wrong: {type(bug).__name__}: {bug}")
                error.__cause__ = bug
                self._report(None, None, error)
            else:
                self._report(read, clip, None)

    def _take(self, judged: Judged, batch_size: int) -> None:
        read, self._read = self._read, None
        assert read is not None, "only a clip that was read is judged"
        with self.run.working():
            prediction = self.run.take(read, judged)
        with self._changed:
            self._is_reread = False
            self._clips_done += 1
            self._last_batch_size = batch_size
            self._batch_sizes += batch_size
            self.status, self.since_seconds = "reading", time.monotonic()
            self._give(self.stream_id, prediction)
            self._changed.notify_all()

    def _read_next(self) -> tuple[ReadWindow | None, ClipToJudge | None]:
        with self.run.working():
            if self._read is not None:
                self.run.put_back(self._read)
            read = self.run.read()
        if read is None:
            return None, None
        return read, self.run.stream.to_judge(read.window, read.pixels).prepare(self.run.model)

    def _report(
        self, read: ReadWindow | None, clip: ClipToJudge | None, error: VidmemError | None
    ) -> None:
        with self._changed:
            self._read, self._clip = read, clip
            self.since_seconds = time.monotonic()
            if read is not None:
                self.status = "waiting"
                if not self._is_lag_begun:
                    self._is_lag_begun = True
                    self._lag.begin(read.window.start_seconds, self.since_seconds)
            elif self.run.has_jump and not self.run.is_closed:
                self._begin_reading()
            elif error is not None:
                self._fail(error)
            else:
                self._stop("ended")
            self._changed.notify_all()

    def _fail(self, error: VidmemError) -> None:
        self._stop("failed")
        self.error = error
        if not self.run.is_closed:
            logger.warning("stream %s stops, the others go on: %s", self.stream_id, error)

    def _stop(self, status: Literal["ended", "failed"]) -> None:
        self.status, self.since_seconds = status, time.monotonic()
        self._lag.stop(self.since_seconds)
