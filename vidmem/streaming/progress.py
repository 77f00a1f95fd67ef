"""How far a run is: what its stream has judged, which rows stand for that, where to resume."""

from __future__ import annotations

from dataclasses import replace

from vidmem.streaming.batching import StepResult
from vidmem.streaming.history import Moment, Snapshot, StateHistory
from vidmem.streaming.pending_changes import Change
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.recorder import Recorder
from vidmem.streaming.saved_run import SavedRun
from vidmem.streaming.source import RunSource
from vidmem.streaming.stream import Stream
from vidmem.streaming.windows import ReadWindow


class RunProgress:
    """A run's stream, kept in step with its files and with the place to resume from.

    Rows are written before the checkpoint that counts them, and the state is saved after both. The
    methods belong to the thread that works on the run.

    Args:
        stream: As the run begins, or as it was saved.
        source: Says where reading is.
        recorder: Writes the run's files.
    """

    def __init__(self, stream: Stream, source: RunSource, recorder: Recorder) -> None:
        self.stream = stream
        """Another one after a change of model."""

        self.last_moment: Moment | None = None
        """The newest window that was judged; `None` before the first."""

        self._source, self._recorder = source, recorder
        self._history: StateHistory | None = None
        self._restart = Restart()

    def begin(self, saved: SavedRun | None) -> None:
        """Begin the files of a new run, or take up those of a saved one.

        Raises:
            StateError: If the files of the saved run are not as it left them.
            StorageError: If a file cannot be written, and `on_storage_error` is "stop".
        """
        self._recorder.begin(self.stream.settings, saved)
        self._commit(is_finished=saved is not None and saved.is_finished)
        if saved is None:
            self.save()  # at once: a path that cannot be written to shows before any work

    def keep_history(self, history: StateHistory) -> None:
        """Offer it each state from here on, the one now included."""
        self._history = history
        history.offer(self._recorder.checkpoint.snapshot)

    def take(self, read: ReadWindow, result: StepResult) -> Prediction:
        """Advance by a window that the model has judged, and record its prediction.

        Raises:
            StorageError: If a row cannot be written, and `on_storage_error` is "stop".
        """
        state_before = self.stream.state
        prediction = self.stream.take(read.window, result)
        self.last_moment = Moment(
            window=read.window,
            pixels=read.pixels,
            state=state_before,
            settings=self.stream.settings,
            prediction=prediction,
        )
        prediction = self._source.with_reading_costs(prediction, read)
        # Rows first: the checkpoint made below counts those that were written.
        self._recorder.append(prediction.settled)
        prediction = self._restart.added_to(prediction)
        self._restart = Restart()
        self._commit()
        self._recorder.save_if_due()
        return prediction

    def change(self, change: Change, next_index: int) -> None:
        """Go on with other settings, elsewhere, or with another model; `commit_change` follows.

        Args:
            change: How to go on.
            next_index: Of the next window.
        """
        reason = change.restart_reason(self.stream.settings, self.stream.model)
        self._restart.reason = reason or self._restart.reason
        if reason is not None:
            self._settle()  # what is provisional stays as it is: its future will not be seen
        if change.model is self.stream.model:
            self.stream.change(change.settings)
        else:
            self._change_model(change)
        if reason is not None:
            self.stream.clear(first_index=next_index)

    def _change_model(self, change: Change) -> None:
        if self._history is not None:
            self._history.clear()  # its states are of the model before
        self._recorder.change_model(change.model)
        self.stream = Stream(change.model, change.settings)

    def commit_change(self) -> None:
        """Make the place after `change`, once the source is there too, the one to resume from."""
        self._commit()
        self.save()

    def finish(self) -> None:
        """The video is at its end: nothing is provisional any more, and nothing left to do."""
        self._settle()
        self._commit(is_finished=True)
        self.save()

    def save(self) -> None:
        """Save the state now."""
        self._recorder.save()

    def take_left(self) -> tuple[Prediction, ...]:
        """See `VideoRun.take_left`."""
        left, self._restart.settled = self._restart.settled, ()
        return left + tuple(replace(one, is_final=True) for one in self.stream.state.pending)

    def close(self) -> None:
        """Save the state, write what is provisional as it is, and close the files."""
        try:
            self.save()
            # After saving: the saved state does not count these rows, and a resumed run, which
            # sees what comes after them, writes them again.
            self._settle()
        finally:
            self._recorder.close()

    def _settle(self) -> None:
        settled = self.stream.settle()
        self._restart.settled += settled
        self._recorder.append(settled)

    def _commit(self, *, is_finished: bool = False) -> None:
        """Make where we are now the place to resume from."""
        windows, stream = self._source.windows, self.stream
        now = Snapshot(stream.state, stream.settings, windows.position, windows.feed.reader_name)
        self._recorder.commit(now, is_finished=is_finished)
        if self._history is not None:
            self._history.offer(now)


class Restart:
    """What the next prediction reports after the stream's memory was emptied."""

    def __init__(self) -> None:
        self.reason: str | None = None
        """As a sentence; `None`: it was not emptied."""

        self.settled: tuple[Prediction, ...] = ()
        """Those that were provisional then, as they stay."""

    def added_to(self, prediction: Prediction) -> Prediction:
        """The first prediction since, with this."""
        return replace(prediction, restarted=self.reason, revised=self.settled + prediction.revised)
