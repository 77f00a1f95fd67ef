"""One video's run: where it is, its settings, what it writes; its owner steps the model.

    read      applies what other threads requested, and gives the next window's pixels
    (a step)  of the model: `Engine` makes one for its run, `StreamPool` one for many
    take      the stream advances, and the prediction is recorded

In this order, so that a failure loses nothing.

    VideoRun
      ├─ RunSource        the source, the feed open on it, and the windows cut out of that
      ├─ PendingChanges   what other threads requested since the last clip
      └─ RunProgress      how far it is
          ├─ Stream       the model's state from clip to clip
          └─ Recorder     the files, and the place to resume from
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from vidmem.errors import StorageError, VidmemError
from vidmem.models.interface import StreamModel
from vidmem.streaming.batching import StepResult
from vidmem.streaming.feeds.feed import FeedOpener
from vidmem.streaming.feeds.live_figures import LiveFigures
from vidmem.streaming.history import Moment, StateHistory
from vidmem.streaming.pending_changes import PendingChanges
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.progress import RunProgress
from vidmem.streaming.recorder import Recorder
from vidmem.streaming.saved_run import SavedRun
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.settings import SettingsChange, StreamSettings, settings_for
from vidmem.streaming.source import RunSource, open_source
from vidmem.streaming.stream import Stream
from vidmem.streaming.windows import Position, ReadWindow, frame_at
from vidmem.video.probe import VideoInfo


class RunFacts:
    """What can be read of a run at any time and from any thread; nothing here changes it.

    Args:
        source: What is read.
        recorder: Of its files.
        progress: How far it is.
        pending_changes: What waits for the next clip.
    """

    resumed: str | None = None
    """How the run goes on with an earlier one, as a sentence; `None`: it is a new one."""

    is_closed: bool = False

    def __init__(
        self,
        source: RunSource,
        recorder: Recorder,
        progress: RunProgress,
        pending_changes: PendingChanges,
    ) -> None:
        self.source = source.path
        self.pending_changes = pending_changes
        self._source, self._recorder, self._progress = source, recorder, progress

    @property
    def stream(self) -> Stream:
        """The model's state from clip to clip; another one after a change of model."""
        return self._progress.stream

    @property
    def model(self) -> StreamModel:
        """The model in use."""
        return self.stream.model

    @property
    def settings(self) -> StreamSettings:
        """Those of the newest clip."""
        return self.stream.settings

    @property
    def next_settings(self) -> StreamSettings:
        """Those of the next clip."""
        return self.pending_changes.settings

    @property
    def last_moment(self) -> Moment | None:
        """The newest window that was judged; `None` before the first."""
        return self._progress.last_moment

    @property
    def last_clip_pixels(self) -> Tensor | None:
        """The newest window's pixels."""
        return self.last_moment.pixels if self.last_moment is not None else None

    @property
    def info(self) -> VideoInfo:
        """Size, rate and length of the source."""
        return self._source.info

    @property
    def reader_name(self) -> str:
        """Which reader decodes it: "decord" or "pyav"."""
        return self._source.reader_name

    @property
    def reader_reason(self) -> str:
        """Why that one."""
        return self._source.reader_reason

    @property
    def position_seconds(self) -> float:
        """Source time at which the next window starts."""
        return self._recorder.checkpoint.position_seconds

    @property
    def out(self) -> Path | None:
        """The predictions file being written; `None` if there is none, or none any more."""
        return self._recorder.out

    @property
    def storage_error(self) -> StorageError | None:
        """Why nothing is written any more, if so."""
        return self._recorder.error

    def live_figures(self) -> LiveFigures | None:
        """How a live source is now; or was at its end; `None` for a file."""
        return self._source.live_figures()


class VideoRun(RunFacts):
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
        open_feed: FeedOpener = open_source,
    ) -> None:
        """Open the video, and the files of the run.

        Args:
            source: A video file; or live, an address (`rtsp://...`) or a camera (`/dev/video0`).
            model: May be shared with other engines: it keeps nothing of a stream.
            settings: `None`: what the model was trained with, or those of the run resumed.
            start_seconds: Where to begin; a resumed run goes on where it was instead.
            reader: "auto" (PyAV), "pyav" or "decord"; a resumed run goes on with the one it had.
            files: Where predictions and state are written; `None`: nowhere.
            open_feed: Where sampled frames come from.

        Raises:
            UnreadableVideoError: If the source cannot be read.
            SettingError: If a setting does not suit the model or the video.
            StateError: If the saved stream is of another model, video or settings.
            StorageError: If the files cannot be written.
        """
        files = files or RunFiles()
        run_source = RunSource(source, open_feed, files)
        identity = run_source.identity()
        saved = SavedRun.find(files, model, identity, settings)
        settings = settings_for(model, saved.settings if saved else settings)
        stream = Stream(model, settings, saved.stream_state(model) if saved else None)
        recorder = Recorder(files, identity, model)
        progress = RunProgress(stream, run_source, recorder)
        super().__init__(run_source, recorder, progress, PendingChanges(settings, model))
        self._reader_wanted = saved.check_reader(reader, files.state_path) if saved else reader
        self._running = threading.RLock()  # held while a clip is worked on
        self._is_ended = False
        start = Position(next_frame=frame_at(start_seconds, settings.fps))
        try:
            position = saved.position if saved else start
            run_source.open_windows(position, settings, model.card, self._reader_wanted)
            run_source.check_start(start_seconds)
            progress.begin(saved)
        except BaseException:
            run_source.close()
            recorder.close()
            raise
        if saved is not None:
            self.resumed = saved.how_it_goes_on()
            if saved.is_finished:
                self._is_ended = True
                run_source.close()

    def update(
        self, *, model: StreamModel | None = None, **changes: float | None
    ) -> SettingsChange:
        """Change settings from the next clip on; from any thread.

        Args:
            model: Another model.
            **changes: Fields of `StreamSettings`; `None` leaves one as it is.

        Returns:
            The change: the settings as they will be, and why this empties the memory where it does
            (clip length, model).

        Raises:
            SettingError: If a value is not allowed; it names the allowed ones, and nothing changes.
        """
        if model is not None:
            self._source.check_card(model.card)
        return self.pending_changes.change(model, changes)

    def seek(self, seconds: float) -> str:
        """Go on elsewhere from the next clip on; from any thread, also after the end.

        What the model remembers would not be the past of where it goes, so its memory is emptied.

        Returns:
            A sentence that says so.

        Raises:
            SettingError: If the time is not in the video, or the video is live.
        """
        self._source.check_time("seconds", seconds)
        return self.pending_changes.seek(seconds)

    def take_left(self) -> tuple[Prediction, ...]:
        """Predictions that were never given out as final, as they were judged last.

        For a caller that takes no more predictions: the video broke off, or was left in the middle.
        """
        return self._progress.take_left()

    def keep_history(self, history: StateHistory) -> None:
        """Keep states from here on from time to time, so that `revisit` can come back to them."""
        with self._running:
            self._progress.keep_history(history)

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
            self._progress.close()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around `read` and `take`: no other thread changes the run meanwhile.

        An error ends the run, with all that was predicted safely written.
        """
        with self._running:
            try:
                yield
            except VidmemError:
                if not self.is_closed:  # else it is our own closing that the feed complains about
                    self._end(is_finished=False)
                raise

    def read(self, *, instead_of: ReadWindow | None = None) -> ReadWindow | None:
        """The next window, as settings are now; `None` at the end of the video.

        Args:
            instead_of: The newest window read, where it was not judged: it is read again.

        Raises:
            DecoderError: If the video cannot be decoded any further.
        """
        if instead_of is not None:
            self._source.windows.put_back(instead_of)
        if self.is_closed or (self._is_ended and not self.pending_changes.has_jump):
            return None
        self._apply_changes()
        read = self._source.windows.read()
        if self.is_closed:  # while waiting: what was read may be cut short
            return None
        if read is None:
            self._end(is_finished=True)
        return read

    def take(self, read: ReadWindow, result: StepResult) -> Prediction:
        """Advance by a window that the model has judged, and record its prediction.

        Raises:
            StorageError: If a prediction cannot be written, and `on_storage_error` is "stop".
        """
        return self._progress.take(read, result)

    def _apply_changes(self) -> None:
        if self.pending_changes.is_empty:
            return
        change = self.pending_changes.begin()
        source = self._source
        position = source.windows.position.under(self.settings, change.settings)
        if change.seek_seconds is not None:
            position = position.moved(frame_at(change.seek_seconds, change.settings.fps))
        needs_feed = change.model is not self.model or not source.is_open
        if needs_feed:  # may fail, so it comes before anything is changed
            source.open_windows(position, change.settings, change.model.card, self._reader_wanted)
        self._progress.change(change, position.next_index)
        if not needs_feed:
            source.windows.change(change.settings, position)
        self.pending_changes.end(change)
        self._is_ended = False
        self._progress.commit_change()

    def _end(self, *, is_finished: bool) -> None:
        """Stop reading; what was predicted is safe before this returns."""
        self._is_ended = True
        self._source.close()
        if is_finished:
            self._progress.finish()
        else:
            self._progress.save()
        self._recorder.release()  # until a jump goes on: another run may take up what is there
