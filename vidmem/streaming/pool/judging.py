"""Batches of a pool: waiting for clips to judge together, and the model's step for them."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from vidmem.errors import ModelError, ModelMemoryError
from vidmem.models.interface import StreamModel
from vidmem.streaming.batching import StepInput, step_batch
from vidmem.streaming.pool.schedule import batch_limit, next_batch, next_look_seconds
from vidmem.streaming.pool.stream import PooledStream


class BatchSteps:
    """Makes the steps of a pool's model, in the one thread that iterates over the pool.

    `wait_for_batch` and `begin` are called under the pool's lock, `step` without it.
    """

    def __init__(
        self,
        model: StreamModel,
        *,
        max_batch: int,
        max_wait_seconds: float,
        changed: threading.Condition,
    ) -> None:
        """No step yet.

        Args:
            model: Of all streams.
            max_batch: Clips judged together at most.
            max_wait_seconds: How long a decoded clip waits at most for others.
            changed: The pool's lock; notified when anything happens to a stream.
        """
        self.turns = itertools.count()
        """Numbers of turns: of streams that join, and of clips that are judged."""

        self.batch_counts: Counter[int] = Counter()
        """Steps made, by how many clips they judged."""

        self.judging_seconds = 0.0
        """Spent in them."""

        self._model, self._max_batch = model, max_batch
        self._max_wait_seconds = max_wait_seconds
        self._changed = changed

    def wait_for_batch(
        self, streams: Mapping[str, PooledStream], is_over: Callable[[], bool]
    ) -> Sequence[PooledStream]:
        """Streams whose clips are to be judged now, waiting for them.

        Returns:
            Those streams; `()` where no clip will come, or it `is_over` before one does.
        """
        while not is_over():
            _raise_bugs(streams)
            ready = [one for one in streams.values() if one.is_ready]
            waiting = [one.waiting_clip(self._max_wait_seconds) for one in ready]
            busy = [one.since_seconds for one in streams.values() if one.is_busy]
            if not waiting and not busy:
                break
            # A decoder that is silent for longer is not waited for.
            coming_until = max(busy, default=float("-inf")) + self._max_wait_seconds
            now = time.monotonic()
            clips = next_batch(
                waiting,
                now_seconds=now,
                coming_until_seconds=coming_until,
                max_batch=batch_limit(len(waiting) + len(busy), self._max_batch),
            )
            batch = [streams[clip.stream_id] for clip in clips]
            # A list, since each stream of the batch has to be looked at: `any` stops at the first.
            if [stream for stream in batch if stream.read_again_if_changed()]:
                continue
            if batch:
                return batch
            pause = next_look_seconds(waiting, coming_until) - now
            self._changed.wait(pause if waiting else None)
        return ()

    def begin(self, batch: Sequence[PooledStream]) -> list[StepInput]:
        """Take the clips of a batch, for `step`."""
        return [stream.begin_judging(next(self.turns)) for stream in batch]

    def step(self, batch: Sequence[PooledStream], clips: Sequence[StepInput]) -> None:
        """One step of the model; the streams' threads record the results.

        Where it fails, each clip is judged alone: one stream's trouble is no other's.

        Raises:
            ModelMemoryError: If there is too little memory even for one; the clips wait again.
        """
        try:
            try:
                self._step(batch, clips)
            except ModelError:
                for stream, clip in zip(batch, clips, strict=True):
                    self._step_alone(stream, clip)
        finally:  # also after an interruption (Ctrl-C): clips without a result wait again
            with self._changed:
                for stream in batch:
                    stream.give_back()
                self._changed.notify_all()

    def _step(self, batch: Sequence[PooledStream], clips: Sequence[StepInput]) -> None:
        results = step_batch(self._model, clips)
        with self._changed:
            self.batch_counts[len(batch)] += 1
            self.judging_seconds += sum(one.seconds for one in results)
            for stream, result in zip(batch, results, strict=True):
                stream.hand_over(result, len(batch))

    def _step_alone(self, stream: PooledStream, clip: StepInput) -> None:
        try:
            self._step([stream], [clip])
        except ModelMemoryError:
            raise
        except ModelError as error:
            with self._changed:
                stream.fail(error)


def _raise_bugs(streams: Mapping[str, PooledStream]) -> None:
    for stream in streams.values():
        bug, stream.bug = stream.bug, None
        if bug is not None:
            raise bug
