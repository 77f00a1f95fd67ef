"""One video's run: where it is, its settings, what it writes; whoever has it steps the model.

    read      grants what other threads asked for, and gives the next window's pixels
    (a step)  of the model: `Engine` makes one for its run, `StreamPool` one for many
    take      the stream goes on, and the prediction is written down

In this order, so that a failure loses nothing.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from vidmem.errors import StorageError, VidmemError
from vidmem.models.interface import StreamModel
from vidmem.profiling import ProcessGauge
from vidmem.streaming.batching import Judged
from vidmem.streaming.feed import Feed, FeedRequest
from vidmem.streaming.history import Moment, Snapshot, StateHistory
from vidmem.streaming.live_buffer import LiveFigures
from vidmem.streaming.opening import RunSource, open_source
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.recorder import Checkpoint, Recorder, RunFiles, SavedRun
from vidmem.streaming.settings import StreamSettings, settings_for
from vidmem.streaming.stream import Stream
from vidmem.streaming.windows import Position, ReadWindow, frame_at, num_windows
from vidmem.streaming.wishes import Wish, Wishes
from vidmem.video.probe import VideoInfo


class VideoRun:
    """A video, its stream and its files; the base of `Engine`, and what a `StreamPool` has many of.

    The feed decodes ahead in its own process. `read` and `take` belong to one thread at a time,
    inside `working`; `update`, `seek` and `close` may be called from any. However long the video,
    nothing is held but the newest window's pixels, and the stream's memory before and after it.
    """

    def __init__(
        self,
        source: str | Path,
        model: StreamModel,
        settings: StreamSettings | None = None,
        *,
        start_seconds: float = 0.0,
        reader: str = "auto",
        files: RunFiles | None = None,
        open_feed: Callable[[FeedRequest], Feed] = open_source,
    ) -> None:
        """Open the video, and the files of the run.

        Args:
            source: A video file; or live, an address (`rtsp://...`) or a camera (`/dev/video0`).
            model: Shared with other engines if need be; it keeps nothing of a stream.
            settings: `None`: what the model was trained with, or those of the run resumed.
            start_seconds: Where to begin; a resumed run goes on where it was instead.
            reader: "auto", "decord" or "pyav"; a resumed run goes on with the one it had.
            files: Where predictions and state are written; `None`: nowhere.
            open_feed: Where sampled frames come from.

        Raises:
            UnreadableVideoError: If the source cannot be read.
            SettingError: If a setting does not suit the model or the video.
            StateError: If the saved stream is of another model, video or settings.
            StorageError: If the files cannot be written.
        """
        files = files or RunFiles()
        self._source = RunSource(source, open_feed, files)
        self.source = self._source.path
        self._history: StateHistory | None = None
        self.last_moment: Moment | None = None
        self.resumed: str | None = None
        identity = self._source.identity()
        saved = SavedRun.find(files, model, identity, settings)
        self.settings = settings_for(model, saved.settings if saved else settings)
        self._wishes = Wishes(self.settings, model)
        self.stream = Stream(model, self.settings, saved.stream_state(model) if saved else None)
        self._reader_wanted = saved.check_reader(reader, files.state_path) if saved else reader
        self._running = threading.RLock()  # held while a clip is worked on
        self._restarted: str | None = None
        self._settled: tuple[Prediction, ...] = ()  # of a stream that was begun anew
        self._is_ended = self.is_closed = False
        self._gauge = ProcessGauge()
        self._recorder = Recorder(files, identity, model)
        start = Position(next_frame=frame_at(start_seconds, self.settings.fps))
        try:
            position = saved.position if saved else start
            self._windows = self._source.open_windows(
                position, self.settings, model.card, self._reader_wanted
            )
            self._source.check_start(start_seconds)
            self._begin_files(saved)
        except BaseException:
            self._source.close()
            self._recorder.close()
            raise

    @property
    def model(self) -> StreamModel:
        """The model in use."""
        return self.stream.model

    @property
    def info(self) -> VideoInfo:
        """What the source says of itself."""
        return self._source.info

    @property
    def reader_name(self) -> str:
        """Who reads it: "decord" or "pyav"."""
        return self._source.reader_name

    @property
    def reader_reason(self) -> str:
        """Why that one."""
        return self._source.reader_reason

    @property
    def last_clip_pixels(self) -> Tensor | None:
        """The newest window's pixels."""
        return self.last_moment.pixels if self.last_moment is not None else None

    @property
    def _feed(self) -> Feed | None:
        return self._source.feed

    @property
    def has_wishes(self) -> bool:
        """Whether something was asked for that the next `read` will grant."""
        return self._wishes.differ_from(self.settings, self.model)

    @property
    def has_jump(self) -> bool:
        """Whether the next `read` goes on elsewhere."""
        return self._wishes.has_jump

    @property
    def position_seconds(self) -> float:
        """Source time at which the next window starts."""
        return self._checkpoint.position.next_frame / self._checkpoint.settings.fps

    @property
    def num_windows_left(self) -> int:
        """Predictions still to come, as far as the container's duration can tell.

        Of a live source nobody knows: `sys.maxsize`.
        """
        if self._is_ended:
            return 0
        if self._source.is_live:
            return sys.maxsize
        num_frames = math.ceil(self.info.duration_seconds * self.settings.fps)
        return num_windows(num_frames, self._checkpoint.position, self.settings)

    @property
    def out(self) -> Path | None:
        """The predictions file being written; `None` if there is none, or none any more."""
        return self._recorder.out if self.storage_error is None else None

    @property
    def storage_error(self) -> StorageError | None:
        """Why nothing is written any more, if so."""
        return self._recorder.error

    def update(self, *, model: StreamModel | None = None, **changes: float | None) -> str | None:
        """Change settings from the next clip on; from any thread.

        Args:
            model: Another model.
            **changes: Fields of `StreamSettings`; `None` leaves one as it is.

        Returns:
            A sentence where this empties the memory (clip length, model), else `None`.

        Raises:
            SettingError: If a value is not allowed; it names the allowed ones, and nothing changes.
        """
        return self._wishes.change(model, changes)

    def seek(self, seconds: float) -> str:
        """Go on elsewhere from the next clip on; from any thread, also after the end.

        What the model remembers would not be the past of where it goes, so its memory is emptied.

        Returns:
            A sentence that says so.

        Raises:
            SettingError: If the time is not in the video, or the video is live.
        """
        self._source.check_time("seconds", seconds)
        return self._wishes.seek(seconds)

    def take_left(self) -> tuple[Prediction, ...]:
        """What was judged and never given out as final, as it was judged last.

        For who takes no more predictions: the video broke off, or was left in the middle.
        """
        pending = self.stream.state.pending
        left = self._settled + tuple(replace(one, is_final=True) for one in pending)
        self._settled = ()
        return left

    def keep_history(self, history: StateHistory) -> None:
        """Keep states from here on from time to time, so that `revisit` can come back to them."""
        with self._running:
            self._history = history
            self._offer_snapshot()

    def live_figures(self) -> LiveFigures | None:
        """How a live source is now; or was at its end; `None` for a file."""
        return self._source.live_figures()

    def finish(self) -> None:
        """Take no more of a live source, from any thread: what came is judged, then it ends."""
        self._source.finish()

    def close(self) -> None:
        """Stop, save the state and free the decoder; from any thread.

        A clip that is being worked on in another thread is finished first, and still recorded.
        """
        self.is_closed = True
        self._source.close()  # wakes a thread that waits for frames
        with self._running:
            self._source.close()  # one that was opened meanwhile
            try:
                self._recorder.save(self._checkpoint)
                # Beyond what the saved state counts: a run that goes on writes them again.
                self._settle()
            finally:
                self._recorder.close()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around `read` and `take`: nothing else happens to the run meanwhile.

        Trouble ends the run, with all that was predicted safely written.
        """
        with self._running:
            try:
                yield
            except VidmemError:
                if not self.is_closed:  # else it is our own closing that the feed complains about
                    self._end(is_finished=False)
                raise

    def read(self) -> ReadWindow | None:
        """The next window, as settings are now; `None` at the end of the video.

        Raises:
            DecoderError: If the video cannot be decoded any further.
        """
        if self.is_closed or (self._is_ended and not self._wishes.has_jump):
            return None
        self._grant_wishes()
        read = self._windows.read()
        if self.is_closed:  # while waiting: what was read may be cut short
            return None
        if read is None:
            self._end(is_finished=True)
        return read

    def put_back(self, read: ReadWindow) -> None:
        """Let the newest window read, which nobody judged, be read again."""
        self._windows.put_back(read)

    def take(self, read: ReadWindow, judged: Judged) -> Prediction:
        """Go on by a window that the model has judged, and write down what it said.

        Raises:
            StorageError: If a prediction cannot be written, and `on_storage_error` is "stop".
        """
        met = self.stream.state
        prediction = self.stream.take(read.window, judged)
        self.last_moment = Moment(
            window=read.window,
            pixels=read.pixels,
            state=met,
            settings=self.settings,
            prediction=prediction,
        )
        prediction = self._completed(prediction, read)
        self._recorder.append(prediction.settled[len(self._settled) :])
        self._recorder.count_clip()
        self._restarted, self._settled = None, ()
        self._commit()
        self._recorder.save_if_due(self._checkpoint)
        return prediction

    def _completed(self, prediction: Prediction, read: ReadWindow) -> Prediction:
        """The prediction with what the run knows beside the model."""
        feed = self._windows.feed
        self._source.note_reader(feed)
        self._source.warn_of_gaps(read)
        return replace(
            prediction,
            decode_seconds=self._gauge.processor_seconds(feed.child_pid),
            wait_seconds=read.wait_seconds,
            process_bytes=self._gauge.resident_bytes(feed.child_pid),
            decoder_bytes=self._gauge.child_bytes(feed.child_pid),
            gaps=read.gaps,
            restarted=self._restarted,
            revised=self._settled + prediction.revised,
        )

    def _grant_wishes(self) -> None:
        """Take over what other threads asked for since the last clip."""
        wish = self._wishes.take()
        if wish == Wish(settings=self.settings, model=self.model):
            return
        is_other_model = wish.model is not self.model
        reason = wish.restart_reason(self.settings, self.model)
        position = self._windows.position.under(self.settings, wish.settings)
        if wish.seek_seconds is not None:
            position = position.moved(frame_at(wish.seek_seconds, wish.settings.fps))
        opened = None
        if is_other_model or self._source.feed is None:  # may fail: before anything is changed
            opened = self._source.open_windows(
                position, wish.settings, wish.model.card, self._reader_wanted
            )
        self._restarted = reason or self._restarted
        self.settings = wish.settings
        if reason is not None:
            self._settle()
        if is_other_model:
            self._change_model(wish.model)
        else:
            self.stream.change(wish.settings)
        if reason is not None:
            self.stream.clear(first_index=position.next_index)
        if opened is not None:
            self._windows = opened
        else:
            self._windows.change(wish.settings, position)
        self._is_ended = False
        self._commit()
        self._recorder.save(self._checkpoint)

    def _change_model(self, model: StreamModel) -> None:
        if self._history is not None:
            self._history.clear()
        self._recorder.change_model(model)
        self.stream = Stream(model, self.settings)

    def _settle(self) -> None:
        """What is provisional stays as it is, since its future will not be seen."""
        settled = self.stream.settle()
        self._settled += settled
        self._recorder.append(settled)

    def _begin_files(self, saved: SavedRun | None) -> None:
        """Take up the files of the saved run, or begin new ones."""
        if saved is None:
            self._recorder.start(self.settings)
            self._commit()
            self._recorder.save(self._checkpoint)
            return
        self._recorder.resume(saved)
        self._commit(is_finished=saved.is_finished)
        num_done = saved.position.next_index
        self.resumed = f"Resumed after {num_done} predictions, at {self.position_seconds:.2f} s."
        if saved.is_finished:
            self.resumed = f"Nothing left to do: all {num_done} predictions were made already."
            self._is_ended = True
            self._source.close()

    def _commit(self, *, is_finished: bool = False) -> None:
        """Make where we are now the place to resume from, in one assignment."""
        self._checkpoint = Checkpoint(
            state=self.stream.state,
            settings=self.settings,
            position=self._windows.position,
            mark=self._recorder.mark,
            reader=self._windows.feed.reader_name,
            is_finished=is_finished,
        )
        self._offer_snapshot()

    def _offer_snapshot(self) -> None:
        if self._history is not None:
            now = self._checkpoint
            self._history.offer(Snapshot(now.state, now.settings, now.position, now.reader))

    def _end(self, *, is_finished: bool) -> None:
        """Stop reading; what was predicted is safe before this returns."""
        self._is_ended = True
        self._source.close()
        if is_finished:
            self._settle()
            self._commit(is_finished=True)
        self._recorder.save(self._checkpoint)
