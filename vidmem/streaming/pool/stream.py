"""A stream of a pool: what it is doing, from when its clip is read to when it has been judged.

reading ──> waiting ──> judging ──> reading ...
│           └─(other settings, a jump)─> reading
└──> ended, failed ──(a jump)──> reading
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

from vidmem.errors import VidmemError
from vidmem.streaming.batching import StepInput, StepResult
from vidmem.streaming.pool.figures import StreamFigures, StreamMeter
from vidmem.streaming.pool.reading import ReadClip, ReadingThread
from vidmem.streaming.pool.schedule import WaitingClip
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.run import VideoRun

logger = logging.getLogger(__name__)


class PooledStream:
    """A stream's status, and the clip that waits or is being judged.

    Its fields change under the pool's lock, `changed`, alone; `run` has a lock of its own. The
    methods `on_...` are for its reading thread, and take that lock; all others are called under it.
    """

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
            give: Called under that lock with each prediction, once it is recorded.
        """
        self.stream_id = stream_id
        self.turn = turn
        self.run = run
        self.status: Literal["reading", "waiting", "judging", "ended", "failed"] = "reading"
        self.is_paused = False
        self.error: VidmemError | None = None
        self.bug: BaseException | None = None
        self.since_seconds = time.monotonic()  # when the status became what it is
        self._give = give
        self._changed = changed
        self._clip: StepInput | None = None
        self._is_reread = False
        self._is_with_model = False
        self._meter = StreamMeter()
        self._reading = ReadingThread(stream_id, run, self)  # last: it calls `on_clip` right away

    @property
    def is_ready(self) -> bool:
        """Whether a clip waits that may be judged."""
        return self.status == "waiting" and not self.is_paused

    @property
    def is_busy(self) -> bool:
        """Whether a prediction or a clip is on its way."""
        return self.status == "judging" or (self.status == "reading" and not self.is_paused)

    def waiting_clip(self, max_wait_seconds: float) -> WaitingClip:
        """The clip that waits, as the schedule needs it."""
        assert self._clip is not None, "only a waiting stream has one"
        return WaitingClip(
            stream_id=self.stream_id,
            batch_key=self._clip.batch_key,
            turn=self.turn,
            due_seconds=self.since_seconds + max_wait_seconds,
        )

    def read_again_if_changed(self) -> bool:
        """Read the clip that waits anew where settings or place have changed since."""
        # Once per clip, or a slider that is dragged without end would keep it from being judged.
        if self._is_reread or self.run.pending_changes.is_empty:
            return False
        self._is_reread = True
        self._begin_reading()
        return True

    def begin_judging(self, turn: int) -> StepInput:
        """Hand the clip to the model: it is the stream's turn."""
        assert self._clip is not None, "only a waiting stream has one"
        self.turn, self._is_with_model = turn, True
        self._meter.add_wait(time.monotonic() - self.since_seconds)
        self.status = "judging"  # the time that it became ready stays, in case it goes back
        return self._clip

    def hand_over(self, result: StepResult, batch_size: int) -> None:
        """Give the model's result to the thread, which records it and reads on."""
        self._is_with_model, self._clip = False, None
        self.since_seconds = time.monotonic()
        self._reading.read_on(result, batch_size)

    def fail(self, error: VidmemError) -> None:
        """The model could not judge its clip: the thread ends the run, as at a broken video."""
        self._is_with_model, self._clip = False, None
        self._reading.fail(error)

    def give_back(self) -> None:
        """The model was interrupted: what it did not judge waits again."""
        if self._is_with_model:
            self._is_with_model, self.status = False, "waiting"

    def pause(self) -> None:
        """Judge no more clips until `resume`."""
        self.is_paused, self._is_reread = True, False
        self._meter.lag.stop(time.monotonic())

    def resume(self) -> None:
        """Go on; the clip that waited starts to wait anew."""
        if not self.is_paused:
            return
        self.is_paused, self.since_seconds = False, time.monotonic()
        if self.status not in ("ended", "failed"):
            self._meter.lag.go_on(self.since_seconds)

    def seek(self, seconds: float) -> str:
        """See `VideoRun.seek`; a stream that has ended or failed goes on."""
        sentence = self.run.seek(seconds)
        self._meter.lag.begin_anew()
        if self.status in ("ended", "failed"):
            self.error = None
            if not self.is_paused:
                self._meter.lag.go_on(time.monotonic())
            self._begin_reading()
        return sentence

    def wait_until_judged(self) -> None:
        """Return when the model does not have its clip any more."""
        while self.status == "judging":
            self._changed.wait()  # sets the lock free meanwhile

    def figures(self) -> StreamFigures:
        """How it is now."""
        now_seconds = time.monotonic()
        position_seconds = self.run.position_seconds
        is_shown_paused = self.is_paused and self.status in ("reading", "waiting")
        is_waiting = self.status == "waiting"
        meter = self._meter
        return StreamFigures(
            stream_id=self.stream_id,
            status="paused" if is_shown_paused else self.status,
            clips_done=meter.clips_done,
            position_seconds=position_seconds,
            lag_seconds=meter.lag.lag_seconds(position_seconds, now_seconds),
            num_waiting=int(is_waiting),
            wait_seconds=now_seconds - self.since_seconds if is_waiting else 0.0,
            longest_wait_seconds=meter.longest_wait_seconds,
            last_batch_size=meter.last_batch_size,
            mean_batch_size=meter.mean_batch_size,
            state_bytes=self.run.stream.state.memory.num_bytes,
            error=self.error,
        )

    def close(self) -> None:
        """Save the state and free the decoder; without the lock, and not while it is judged."""
        self._reading.close()

    def on_prediction(self, prediction: Prediction, batch_size: int) -> None:
        """A clip was judged and its prediction recorded: the next one is being read."""
        with self._changed:
            self._is_reread = False
            self._meter.add_clip(batch_size)
            self.status, self.since_seconds = "reading", time.monotonic()
            self._give(self.stream_id, prediction)
            self._changed.notify_all()

    def on_clip(self, clip: ReadClip) -> None:
        """The next clip is there, and waits."""
        with self._changed:
            self._clip = clip.step_input
            self.status, self.since_seconds = "waiting", time.monotonic()
            self._meter.lag.begin_if_due(clip.start_seconds, self.since_seconds)
            self._changed.notify_all()

    def on_end(self) -> None:
        """The video has no more."""
        self._stop(None, None)

    def on_error(self, error: VidmemError, bug: BaseException | None) -> None:
        """Nothing more can be read."""
        self._stop(error, bug)

    def _stop(self, error: VidmemError | None, bug: BaseException | None) -> None:
        with self._changed:
            self._clip, self.bug = None, bug or self.bug
            if self.run.pending_changes.has_jump and not self.run.is_closed:
                self._begin_reading()  # `seek` came while the thread was at its end
            else:
                self.status = "ended" if error is None else "failed"
                self.error, self.since_seconds = error, time.monotonic()
                self._meter.lag.stop(self.since_seconds)
                if error is not None and not self.run.is_closed:
                    logger.warning("stream %s stops, the others go on: %s", self.stream_id, error)
            self._changed.notify_all()

    def _begin_reading(self) -> None:
        self.status, self.since_seconds = "reading", time.monotonic()
        self._reading.read_on()
