"""What a run leaves on disk: predictions as they come, and now and then the state to resume from.

Recorder
├─ PredictionFiles   predictions.csv; another one for the classes of another model
└─ StateSaver        the state file, as often as pays, after the rows that it counts
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from vidmem.errors import StateError, StorageError
from vidmem.models.interface import StreamModel
from vidmem.streaming.history import Snapshot
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.saved_run import Checkpoint, SavedRun
from vidmem.streaming.saving.identity import ModelIdentity, SourceIdentity
from vidmem.streaming.saving.predictions_csv import FileMark, PredictionFile, has_rows
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.saving.state_file import StateFile
from vidmem.streaming.settings import StreamSettings

MAX_SAVING_SHARE = 0.01
"""Of a run's time, spent on saving its state, where `save_every_clips` is not given."""

MAX_UNSAVED_SECONDS = 30.0
"""A crash costs no more work than this, whatever saving costs; as above."""

MIN_UNSAVED_SECONDS = 1.0
"""Or a small state would be written after nearly every clip."""

logger = logging.getLogger(__name__)


class Recorder:
    """A run's files, kept in step, and the place in the run that they stand for.

    A failure to write stops the run or is logged, as `RunFiles.on_storage_error` says. It holds
    nothing but open files and the newest checkpoint.
    """

    def __init__(self, files: RunFiles, source: SourceIdentity | None, model: StreamModel) -> None:
        self.error: StorageError | None = None
        """Why nothing is written any more, if so."""

        self._files = files
        self._predictions = PredictionFiles(files, model)
        self._saver = StateSaver(files, source, model)
        self._checkpoint: Checkpoint | None = None

    @property
    def out(self) -> Path | None:
        """The predictions file being written; `None` if there is none, or none any more."""
        return self._predictions.path if self.error is None else None

    @property
    def checkpoint(self) -> Checkpoint:
        """The place to resume from."""
        assert self._checkpoint is not None, "commit first"
        return self._checkpoint

    def begin(self, settings: StreamSettings, saved: SavedRun | None) -> None:
        """Begin the files of a new run, or take up those of an earlier one.

        Raises:
            StateError: If the files of the earlier run are not as it left them.
            StorageError: If a new one cannot be written, and `on_storage_error` is "stop".
        """
        if saved is not None:
            # The state first: rows behind the mark are cut off, which must not be in vain.
            self._saver.begin(saved.first_settings, saved.run_id)
            self._predictions.reopen(saved.mark)
        else:
            self._predictions.check_is_new()
            self._guard(self._predictions.create)
            self._guard(partial(self._saver.begin, settings, None))

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Write a row for each."""
        for prediction in predictions:
            self._guard(partial(self._predictions.append, prediction))

    def commit(self, snapshot: Snapshot, *, is_finished: bool = False) -> None:
        """Make this, with the rows written so far, the place to resume from."""
        # In one assignment: another thread may be closing the run, and saves what it finds.
        self._checkpoint = Checkpoint(
            snapshot=snapshot, mark=self._predictions.mark, is_finished=is_finished
        )

    def save_if_due(self) -> None:
        """One more clip is done: save the state where enough clips or seconds have gone by."""
        if self._saver.is_due_after_clip():
            self.save()

    def save(self) -> None:
        """Save the state now, after the rows it counts are on the disk."""
        if self.error is None:
            self._guard(lambda: self._saver.save(self.checkpoint, self._predictions.sync))

    def change_model(self, model: StreamModel) -> None:
        """Go on with another model; other classes get a file of their own, since columns differ."""
        self._saver.change_model(model)
        if self.error is None:
            self._guard(lambda: self._predictions.change_classes(model))

    def release(self) -> None:
        """Nothing is written until the run goes on elsewhere: another run may take the files."""
        self._predictions.release()
        self._saver.close()

    def close(self) -> None:
        """Close the files: another run may write them from here on."""
        self._predictions.close()
        self._saver.close()

    def _guard(self, write: Callable[[], object]) -> None:
        if self.error is not None:
            return
        try:
            write()
        except StorageError as error:
            # For good: if the disk has room again later, the file would lack rows in its middle.
            self.close()
            self.error = error
            if self._files.on_storage_error == "stop":
                raise
            logger.error("%s; the run goes on without writing", error)


class PredictionFiles:
    """A run's predictions.csv, and those that follow it where the classes change."""

    def __init__(self, files: RunFiles, model: StreamModel) -> None:
        self.path = Path(files.out) if files.out is not None else None
        """Of the one being written; `None`: none is."""

        self._first_path = self.path
        self._number = 1
        self._files = files
        self._class_names, self._axes = tuple(model.card.class_names), model.card.several_axes
        self._file: PredictionFile | None = None

    @property
    def mark(self) -> FileMark:
        """How far the file is written."""
        if self._file is None:
            return FileMark()
        return replace(self._file.mark, number=self._number)

    def check_is_new(self) -> None:
        """Raise `StateError` where a run is to be resumed whose state is gone."""
        if self._files.resume and self.path is not None and has_rows(self.path):
            raise StateError(
                f"there is no saved stream at {self._files.state_path}, though {self.path} has "
                "predictions: give the file the stream was saved to, or start again without resume"
            )

    def create(self) -> None:
        """Begin the file."""
        if self.path is not None:
            self._file = PredictionFile.create(self.path, self._class_names, self._axes)

    def reopen(self, mark: FileMark) -> None:
        """Go on after `mark` in the file of an earlier run.

        Its name is the one given now: a copy is gone on with as a copy, and what it was copied from
        stays as it is.
        """
        if self.path is None:
            return
        if mark.name is None:
            raise StateError(
                f"{self._files.state_path} was saved by a run that wrote no predictions file"
            )
        self._number = mark.number or _number_in(mark.name, self.path)
        self.path = self._numbered(self.path, self._number)
        self._file = PredictionFile.reopen(self.path, self._class_names, mark, self._axes)

    def append(self, prediction: Prediction) -> None:
        """Write a row."""
        if self._file is not None:
            self._file.append(prediction)

    def sync(self) -> None:
        """Return when all rows are on the disk itself."""
        if self._file is not None:
            self._file.sync()

    def release(self) -> None:
        """Unlock the file until the next row."""
        if self._file is not None:
            self._file.release()

    def change_classes(self, model: StreamModel) -> None:
        """Begin a file with the columns of this model, where they are others."""
        before = self._class_names, self._axes
        self._class_names, self._axes = tuple(model.card.class_names), model.card.several_axes
        if (self._class_names, self._axes) != before:
            self.close()
            self.path = self._next_path()
            self.create()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next_path(self) -> Path | None:
        if self._first_path is None:
            return None
        self._number += 1
        # A free name: a file of an earlier run stays as it is.
        while (path := self._numbered(self._first_path, self._number)).exists():
            self._number += 1
        return path

    @staticmethod
    def _numbered(first: Path, number: int) -> Path:
        return first if number == 1 else first.with_name(f"{first.stem}-{number}{first.suffix}")


def _number_in(name: str, first: Path) -> int:
    """The number in a name that an earlier version gave; 1 where that is none of `first`'s."""
    begin, end = f"{first.stem}-", first.suffix
    number = name.removeprefix(begin).removesuffix(end)
    is_numbered = name == f"{begin}{number}{end}" and number.isascii() and number.isdigit()
    return int(number) if is_numbered and len(number) < 6 else 1


class StateSaver:
    """Saves a run's state as often as pays; without a `state_path`, it does nothing."""

    def __init__(
        self,
        files: RunFiles,
        source: SourceIdentity | None,
        model: StreamModel,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is written before `begin`."""
        self._path = Path(files.state_path) if files.state_path is not None else None
        self._file = StateFile(self._path) if self._path is not None else None
        self._source = source
        self._every_clips = files.save_every_clips
        self._clock = clock
        self._first_settings: StreamSettings | None = None
        self._run_id = ""
        self._saved: Checkpoint | None = None
        self._clips_since_save = 0
        self._next_save_seconds = 0.0
        self.change_model(model)

    def begin(self, first_settings: StreamSettings, run_id: str | None) -> None:
        """Take the file, against other runs.

        Args:
            first_settings: Those the run was started with.
            run_id: Of the run that is resumed; `None`: it is new, and a file that is there, of an
                earlier one, is kept under another name.

        Raises:
            StorageError: If another run writes to it.
        """
        self._first_settings, self._run_id = first_settings, run_id or uuid.uuid4().hex
        if self._file is None:
            return
        if run_id is None:
            self._file.keep_older()
        else:
            self._file.take()

    def change_model(self, model: StreamModel) -> None:
        """From here on a state is of this model."""
        # Hashing reads all weights, so it is done only where a state is saved.
        self._model = ModelIdentity.of(model).as_dict() if self._path is not None else {}

    def is_due_after_clip(self) -> bool:
        """Count a clip; returns whether it is time to save."""
        self._clips_since_save += 1
        if self._every_clips is not None:
            return self._clips_since_save >= self._every_clips
        return self._clock() >= self._next_save_seconds

    def save(self, checkpoint: Checkpoint, sync_rows: Callable[[], None]) -> None:
        """Write the state, after the rows it counts are on the disk.

        Raises:
            StorageError: If it cannot be written; an older file is then untouched.
        """
        if self._file is None or checkpoint is self._saved:
            return
        assert self._source is not None
        assert self._first_settings is not None, "begin first"
        started = self._clock()
        sync_rows()  # before the state: it must not count rows that a crash could still lose
        facts = {
            "run_id": self._run_id,
            "model": self._model,
            "source": self._source.as_dict(),
            "first_settings": self._first_settings.as_dict(),
            **checkpoint.facts(),
        }
        self._file.write(checkpoint.snapshot.state.memory.to_tensors(), facts)
        now = self._clock()
        self._saved = checkpoint
        self._clips_since_save = 0
        pause = max((now - started) / MAX_SAVING_SHARE, MIN_UNSAVED_SECONDS)
        # From the start of the saving: what was done meanwhile is unsaved too.
        self._next_save_seconds = max(min(now + pause, started + MAX_UNSAVED_SECONDS), now)

    def close(self) -> None:
        """Let other runs write the file."""
        if self._file is not None:
            self._file.close()
