"""Many streams through one set of weights, judged together, each as if it were alone.

    a.mp4 ── decoder ── reading thread ─┐
    b.mp4 ── decoder ── reading thread ─┼─ clips that wait ── a batch ── model ── (id, prediction)
    c.mp4 ── decoder ── reading thread ─┘      (one each)

Each stream has its own place, settings, `l_mem`, age and files, and joins, leaves, pauses, falls
behind and breaks on its own.

    StreamPool
      ├─ PoolMembers       which streams there are
      │   └─ PooledStream  one of them: its run, its thread, and the clip that waits
      ├─ BatchSteps        when which clips are judged together
      └─ DonePredictions   what comes out of that, until it is taken
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from vidmem.errors import VidmemError
from vidmem.models.interface import StreamModel
from vidmem.streaming.feeds.feed import FeedOpener
from vidmem.streaming.pool.done import DonePredictions
from vidmem.streaming.pool.figures import PoolFigures, StreamFigures
from vidmem.streaming.pool.judging import BatchSteps
from vidmem.streaming.pool.members import PoolMembers
from vidmem.streaming.pool.stream import PooledStream
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.run import VideoRun
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.settings import SettingsChange, StreamSettings
from vidmem.streaming.source import open_source


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
    frames with its decoder, which waits until they are taken.
    """

    def __init__(
        self, model: StreamModel, *, max_batch: int = 8, max_wait_seconds: float = 0.05
    ) -> None:
        """A pool without streams.

        Args:
            model: For all of them; it keeps nothing of a stream.
            max_batch: Clips judged together at most; of four streams and more at most half, so that
                the clips of the others are read meanwhile.
            max_wait_seconds: How long a decoded clip waits at most for others to share a batch
                with, while the model has nothing to do.
        """
        if max_batch < 1:
            raise ValueError(f"max_batch must be at least 1, got {max_batch}")
        if not max_wait_seconds >= 0:
            raise ValueError(f"max_wait_seconds must be at least 0, got {max_wait_seconds}")
        self.model = model
        self.max_batch, self.max_wait_seconds = max_batch, max_wait_seconds
        self._changed = threading.Condition()
        self._members = PoolMembers(self._changed)
        self._done = DonePredictions()
        self._steps = BatchSteps(
            model, max_batch=max_batch, max_wait_seconds=max_wait_seconds, changed=self._changed
        )
        self._is_closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[str, Prediction]:
        """The next prediction of any stream; those of one stream come in their order."""
        while True:
            with self._changed:
                batch = self._steps.wait_for_batch(
                    self._members.streams, is_over=lambda: bool(self._done) or self._is_closed
                )
                if self._done:
                    return self._done.pop()
                clips = self._steps.begin(batch)
            if not batch:
                raise StopIteration
            # Without the lock, so that streams are read while the model computes.
            self._steps.step(batch, clips)

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
            return tuple(self._members.streams)

    @property
    def errors(self) -> dict[str, VidmemError]:
        """Why streams failed."""
        with self._changed:
            errors = {name: stream.error for name, stream in self._members.streams.items()}
        return {name: error for name, error in errors.items() if error is not None}

    def add(
        self,
        stream_id: str,
        source: str | Path,
        settings: StreamSettings | None = None,
        *,
        start_seconds: float = 0.0,
        reader: str = "auto",
        files: RunFiles | None = None,
        open_feed: FeedOpener = open_source,
    ) -> VideoRun:
        """Add a video; it is opened here, while others go on.

        Args:
            stream_id: Any name that no other stream of the pool has.
            source: See `Engine`, as for all that follows.
            settings: Its own.
            start_seconds: Where to begin.
            reader: "auto" (PyAV), "pyav" or "decord".
            files: Its own.
            open_feed: Where sampled frames come from.

        Returns:
            Its run, to read from; changes are made through the pool.

        Raises:
            VidmemError: As `Engine` does; the pool is then as it was.
        """
        with self._changed:
            self._check_open()
        with self._members.reserving(stream_id):
            run = VideoRun(
                source,
                self.model,
                settings,
                start_seconds=start_seconds,
                reader=reader,
                files=files,
                open_feed=open_feed,
            )
            self._join(stream_id, run)
        return run

    def remove(self, stream_id: str) -> tuple[Prediction, ...]:
        """Remove a stream: its state is saved and its decoder freed.

        Returns:
            Predictions that were not given out as final, in order, as they were judged last.
        """
        with self._changed:
            stream = self._members.get(stream_id)
            stream.wait_until_judged()
            self._members.leave(stream)
            waiting = self._done.withdraw(stream_id)
            self._changed.notify_all()
        stream.close()
        settled = (one for prediction in waiting for one in prediction.settled)
        return (*settled, *stream.run.take_left())

    def update(self, stream_id: str, **changes: float | None) -> SettingsChange:
        """Change a stream's settings from its next clip on; see `Engine.update`.

        One that is decoded already but not judged is read anew.
        """
        if "model" in changes:
            raise ValueError("all streams of a pool share its model; make a pool for another one")
        with self._changed:
            return self._members.get(stream_id).run.update(model=None, **changes)

    def seek(self, stream_id: str, seconds: float) -> str:
        """Go on elsewhere with a stream, also after its end; see `Engine.seek`."""
        with self._changed:
            sentence = self._members.get(stream_id).seek(seconds)
            self._changed.notify_all()
            return sentence

    def finish(self, stream_id: str) -> None:
        """Take no more of a live stream: what came is judged, then it ends."""
        with self._changed:
            stream = self._members.get(stream_id)
        stream.run.finish()

    def pause(self, stream_id: str) -> None:
        """Judge no more of a stream until `resume`; its decoder waits."""
        with self._changed:
            self._members.get(stream_id).pause()
            self._changed.notify_all()

    def resume(self, stream_id: str) -> None:
        """Go on with a paused stream."""
        with self._changed:
            self._members.get(stream_id).resume()
            self._changed.notify_all()

    def take_left(self, stream_id: str) -> tuple[Prediction, ...]:
        """Predictions of a stream that has ended that were never given out as final.

        See `Engine.take_left`.
        """
        with self._changed:
            stream = self._members.get(stream_id)
        return stream.run.take_left()

    def figures(self) -> PoolFigures:
        """How all streams are now."""
        with self._changed:
            return PoolFigures(
                streams=tuple(stream.figures() for stream in self._members.streams.values()),
                batch_counts=dict(sorted(self._steps.batch_counts.items())),
                judging_seconds=self._steps.judging_seconds,
            )

    def stream_figures(self, stream_id: str) -> StreamFigures:
        """How one stream is now."""
        with self._changed:
            return self._members.get(stream_id).figures()

    def close(self) -> None:
        """Remove all streams; from any thread. A batch that is being judged is finished first.

        Raises:
            StorageError: If a state cannot be saved; all are closed nevertheless.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            streams = list(self._members.streams.values())
            for stream in streams:
                stream.wait_until_judged()
            for stream in streams:
                self._members.leave(stream)
        with contextlib.ExitStack() as closing:  # closes all, even where one of them raises
            for stream in streams:
                closing.callback(stream.close)

    def _join(self, stream_id: str, run: VideoRun) -> None:
        with self._changed:
            if not self._is_closed:
                turn = next(self._steps.turns)
                self._members.join(
                    PooledStream(
                        stream_id, run, turn=turn, changed=self._changed, give=self._done.put
                    )
                )
                self._changed.notify_all()
                return
        run.close()  # the pool was closed while the video was opened
        self._check_open()  # raises

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("the pool is closed; make another one")
