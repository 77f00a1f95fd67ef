"""Many streams through one set of weights, judged together, each as if it were alone.

    a.mp4 ── decoder ── reading thread ─┐
    b.mp4 ── decoder ── reading thread ─┼─ clips that wait ── a batch ── model ── (id, prediction)
    c.mp4 ── decoder ── reading thread ─┘      (one each)

Each stream has its own place, settings, `l_mem`, age and files, and joins, leaves, pauses, falls
behind and breaks on its own.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from vidmem.errors import VidmemError
from vidmem.models.interface import StreamModel
from vidmem.streaming.batching import ClipToJudge, judge
from vidmem.streaming.feed import Feed, FeedRequest
from vidmem.streaming.opening import open_source
from vidmem.streaming.pool_figures import PoolFigures, StreamFigures
from vidmem.streaming.pool_schedule import batch_limit, next_batch, next_look_seconds
from vidmem.streaming.pooled_stream import PooledStream
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.recorder import RunFiles
from vidmem.streaming.settings import StreamSettings
from vidmem.streaming.video_run import VideoRun


class StreamPool:
    """An iterator of `(stream_id, prediction)` over many videos.

    ```python
    with StreamPool(model) as pool:
        for name in ("a.mp4", "b.mp4"):
            pool.add(name, name)
        for name, prediction in pool:
            print(name, prediction.start_seconds, prediction.label)
    ```

    Iterate in one thread; all else may be called from any. Iterating ends when no stream has a clip
    to come (all have ended, failed, are paused, or have left), and goes on after `add`, `resume` or
    `seek`.

    A stream's predictions are those that an `Engine` gives, with memories of any `l_mem` and age in
    one batch. On the CPU in fp32 they are so bit for bit, as long as torch sums its products in an
    order that does not depend on how many streams share a batch: it does for products of many rows
    (the bundled models; Swin-T at 224 pixels), not for those of a few. Elsewhere they agree to
    within the rounding of the number format. `max_batch=1` is bit for bit everywhere.

    A video that breaks off, or a file that cannot be written, ends its own stream: `errors` has
    them. So does a bug in its thread, which is also raised where one iterates, once; the others go
    on with the next iteration. What is decoded ahead is bounded: one clip of each stream here, some
    frames with its decoder, which waits when nobody takes them.
    """

    def __init__(
        self, model: StreamModel, *, max_batch: int = 8, max_wait_seconds: float = 0.05
    ) -> None:
        """A pool without streams.

        Args:
            model: For all of them; it keeps nothing of a stream.
            max_batch: Clips judged together at most; of four streams and more at most half, so that
                the clips of the others are read meanwhile.
            max_wait_seconds: So long a decoded clip waits at most for others to share a batch
                with, while the model has nothing to do.
        """
        if max_batch < 1:
            raise ValueError(f"max_batch must be at least 1, got {max_batch}")
        if not max_wait_seconds >= 0:
            raise ValueError(f"max_wait_seconds must be at least 0, got {max_wait_seconds}")
        self.model = model
        self.max_batch, self.max_wait_seconds = max_batch, max_wait_seconds
        self._changed = threading.Condition()
        self._streams: dict[str, PooledStream] = {}
        self._opening: set[str] = set()
        self._done: deque[tuple[str, Prediction]] = deque()  # of two batches at most
        self._batch_counts: Counter[int] = Counter()
        self._judging_seconds = 0.0
        self._turns = itertools.count()
        self._is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[str, Prediction]:
        """The next prediction of any stream; those of one stream come in their order."""
        while True:
            with self._changed:
                batch = self._wait_for_batch()
                if self._done:
                    return self._done.popleft()
                clips = [stream.begin_judging(next(self._turns)) for stream in batch]
            if not batch:
                raise StopIteration
            self._judge(batch, clips)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """The streams in the pool, in the order in which they joined."""
        with self._changed:
            return tuple(self._streams)

    @property
    def errors(self) -> dict[str, VidmemError]:
        """Why streams failed."""
        with self._changed:
            found = {name: stream.error for name, stream in self._streams.items()}
        return {name: error for name, error in found.items() if error is not None}

    def add(
        self,
        stream_id: str,
        source: str | Path,
        settings: StreamSettings | None = None,
        *,
        start_seconds: float = 0.0,
        reader: str = "auto",
        files: RunFiles | None = None,
        open_feed: Callable[[FeedRequest], Feed] = open_source,
    ) -> VideoRun:
        """Let a video join; it is opened here, while others go on.

        Args:
            stream_id: Any name that no other stream of the pool has.
            source: See `Engine`, as for all that follows.
            settings: Its own.
            start_seconds: Where to begin.
            reader: "auto", "decord" or "pyav".
            files: Its own.
            open_feed: Where sampled frames come from.

        Returns:
            Its run, to look at: change nothing by it, but by the pool.

        Raises:
            VidmemError: As `Engine` does; the pool is then as it was.
        """
        with self._changed:
            self._check_open()
            if stream_id in self._streams or stream_id in self._opening:
                raise ValueError(f"there is a stream {stream_id!r} already; give another stream_id")
            self._opening.add(stream_id)
        try:
            run = VideoRun(
                source,
                self.model,
                settings,
                start_seconds=start_seconds,
                reader=reader,
                files=files,
                open_feed=open_feed,
            )
        finally:
            with self._changed:
                self._opening.discard(stream_id)
        return self._join(stream_id, run)

    def remove(self, stream_id: str) -> tuple[Prediction, ...]:
        """Let a stream leave: its state is saved and its decoder freed.

        Returns:
            What was judged and not given out as final, in order, as it was judged last.
        """
        with self._changed:
            stream = self._stream(stream_id)
            self._wait_until_judged(stream)
            self._streams.pop(stream_id, None)
            waiting = [one for name, one in self._done if name == stream_id]
            others = [pair for pair in self._done if pair[0] != stream_id]
            self._done = deque(others)
            self._changed.notify_all()
        stream.close()
        settled = (one for prediction in waiting for one in prediction.settled)
        return (*settled, *stream.run.take_left())

    def update(self, stream_id: str, **changes: float | None) -> str | None:
        """Change a stream's settings from its next clip on; see `Engine.update`.

        One that is decoded already but not judged is read anew.
        """
        if "model" in changes:
            raise ValueError("all streams of a pool share its model; make a pool for another one")
        with self._changed:
            return self._stream(stream_id).run.update(model=None, **changes)

    def seek(self, stream_id: str, seconds: float) -> str:
        """Let a stream go on elsewhere, also after its end; see `Engine.seek`."""
        with self._changed:
            said = self._stream(stream_id).seek(seconds)
            self._changed.notify_all()
            return said

    def finish(self, stream_id: str) -> None:
        """Take no more of a live stream: what came is judged, then it ends."""
        with self._changed:
            stream = self._stream(stream_id)
        stream.run.finish()

    def pause(self, stream_id: str) -> None:
        """Judge no more of a stream until `resume`; its decoder waits."""
        with self._changed:
            self._stream(stream_id).pause()
            self._changed.notify_all()

    def resume(self, stream_id: str) -> None:
        """Let a paused stream go on."""
        with self._changed:
            self._stream(stream_id).resume()
            self._changed.notify_all()

    def take_left(self, stream_id: str) -> tuple[Prediction, ...]:
        """What was judged of a stream that has ended, and never given out as final.

        See `Engine.take_left`.
        """
        with self._changed:
            stream = self._stream(stream_id)
        return stream.run.take_left()

    def figures(self) -> PoolFigures:
        """How all streams are now."""
        with self._changed:
            return PoolFigures(
                streams=tuple(stream.figures() for stream in self._streams.values()),
                batch_counts=dict(sorted(self._batch_counts.items())),
                judging_seconds=self._judging_seconds,
            )

    def stream_figures(self, stream_id: str) -> StreamFigures:
        """How one stream is now."""
        with self._changed:
            return self._stream(stream_id).figures()

    def close(self) -> None:
        """Let all streams leave; from any thread. A batch that is being judged is finished first.

        Raises:
            StorageError: If a state cannot be saved; all are closed nevertheless.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            streams = list(self._streams.values())
            for stream in streams:
                self._wait_until_judged(stream)
            self._streams.clear()
        with contextlib.ExitStack() as closing:
            for stream in streams:
                closing.callback(stream.close)

    def _join(self, stream_id: str, run: VideoRun) -> VideoRun:
        with self._changed:
            if not self._is_closed:
                self._streams[stream_id] = PooledStream(
                    stream_id, run, turn=next(self._turns), changed=self._changed, give=self._give
                )
                self._changed.notify_all()
                return run
        run.close()
        self._check_open()
        return run

    def _wait_for_batch(self) -> Sequence[PooledStream]:
        """Streams whose clips are to be judged now, waiting for them.

        None if none will come, or a prediction came first.
        """
        while not self._done and not self._is_closed:
            self._raise_bugs()
            streams = self._streams.values()
            waiting = [one.waiting_clip(self.max_wait_seconds) for one in streams if one.is_ready]
            busy = [one.since_seconds for one in streams if one.is_busy]
            if not waiting and not busy:
                break
            # A decoder that is silent for longer is not waited for.
            coming_until = max(busy, default=float("-inf")) + self.max_wait_seconds
            now = time.monotonic()
            picked = next_batch(
                waiting,
                now_seconds=now,
                coming_until_seconds=coming_until,
                max_batch=batch_limit(len(waiting) + len(busy), self.max_batch),
            )
            batch = [self._streams[clip.stream_id] for clip in picked]
            if [stream for stream in batch if stream.read_again_if_wished()]:
                continue
            if batch:
                return batch
            pause = next_look_seconds(waiting, coming_until) - now
            self._changed.wait(pause if waiting else None)
        return ()

    def _judge(self, batch: Sequence[PooledStream], clips: Sequence[ClipToJudge]) -> None:
        """One step of the model; the streams' threads write down what it said."""
        try:
            judged = judge(self.model, clips)
            with self._changed:
                self._batch_counts[len(batch)] += 1
                self._judging_seconds += sum(one.seconds for one in judged)
                for stream, one in zip(batch, judged, strict=True):
                    stream.hand_over(one, len(batch))
        finally:
            with self._changed:
                for stream in batch:
                    stream.give_back()
                self._changed.notify_all()

    def _give(self, stream_id: str, prediction: Prediction) -> None:
        self._done.append((stream_id, prediction))

    def _wait_until_judged(self, stream: PooledStream) -> None:
        while stream.status == "judging":
            self._changed.wait()

    def _raise_bugs(self) -> None:
        for stream in self._streams.values():
            bug, stream.bug = stream.bug, None
            if bug is not None:
                raise bug

    def _stream(self, stream_id: str) -> PooledStream:
        if stream_id not in self._streams:
            there = ", ".join(map(repr, self._streams)) or "none"
            raise ValueError(f"the pool has no stream {stream_id!r}; it has {there}")
        return self._streams[stream_id]

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("the pool is closed; make another one")
