"""What a run leaves on disk: predictions as they come, and now and then the state to resume from.

A saved state says how many bytes of the predictions file belong to it. Resuming cuts the file there
and makes the later rows again, so a run that was killed at any moment ends with the same file as
one that was not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from vidmem.errors import StateError, StorageError
from vidmem.models.interface import StreamModel
from vidmem.streaming.identity import ModelIdentity, SourceIdentity
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.record import FileMark, PredictionFile, has_rows
from vidmem.streaming.settings import StreamSettings, settings_for
from vidmem.streaming.state_file import SavedState, read_state_file, write_state_file
from vidmem.streaming.stream import StreamState
from vidmem.streaming.windows import Position

MAX_SAVING_SHARE = 0.01
"""Of a run's time, spent on saving its state, where `save_every_clips` is not given."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """Where a run writes, and what it does when it cannot."""

    out: str | Path | None = None
    """predictions.csv; `None`: predictions are only yielded."""

    state_path: str | Path | None = None
    """The saved stream, to resume from; `None`: none is saved."""

    resume: bool = False
    """Go on from `state_path`. With no file there yet, the run starts at the beginning."""

    save_every_clips: int | None = None
    """`None`: as often as takes 1 % of the time, at most about once a second."""

    on_storage_error: Literal["stop", "continue"] = "stop"
    """`stop`: raise. `continue`: go on without writing; `Engine.storage_error` says why."""

    def __post_init__(self) -> None:
        if self.resume and self.state_path is None:
            raise ValueError("resume needs state_path, the file that the stream was saved to")
        if self.save_every_clips is not None and self.save_every_clips < 1:
            raise ValueError(f"save_every_clips must be at least 1, got {self.save_every_clips}")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A run between two clips: all that going on from there needs."""

    state: StreamState
    settings: StreamSettings
    position: Position
    mark: FileMark
    """The rows of the predictions file that were written up to here."""

    reader: str
    """Who reads the video: readers scale pictures a little differently."""

    is_finished: bool = False


@dataclass(frozen=True, kw_only=True)
class SavedRun:
    """A run as its state file has it."""

    saved: SavedState
    settings: StreamSettings
    first_settings: StreamSettings
    """Those the run was started with; `settings` may have been changed while it ran."""

    position: Position
    is_finished: bool
    mark: FileMark
    reader: str

    @classmethod
    def find(
        cls,
        files: RunFiles,
        model: StreamModel,
        source: SourceIdentity | None,
        settings: StreamSettings | None,
    ) -> SavedRun | None:
        """The run to go on with; `None` where none is wanted, or none was saved yet.

        Raises:
            StateError: If the file is damaged, or of another model, video or settings.
        """
        if not files.resume or files.state_path is None or source is None:
            return None
        path = Path(files.state_path)
        if not path.exists():
            return None
        run = cls.read(path, model, source)
        if settings is not None:
            run.check_settings(settings_for(model, settings), path)
        return run

    @classmethod
    def read(cls, path: Path, model: StreamModel, source: SourceIdentity) -> SavedRun:
        """Read and check a state file; raises `StateError`."""
        saved = read_state_file(path)
        try:
            run = cls._parse(saved)
            model_difference = ModelIdentity.of(model).difference_from(saved.facts["model"])
            source_difference = source.difference_from(saved.facts["source"])
        except (KeyError, TypeError) as error:
            raise StateError(f"{path} holds no run of a video: {error}") from error
        if model_difference:
            raise StateError(f"{path} was saved with another model: {model_difference}")
        if source_difference:
            raise StateError(f"{path} was saved from another video: {source_difference}")
        return run

    def stream_state(self, model: StreamModel) -> StreamState:
        """The stream as it was."""
        return StreamState.from_saved(self.saved, model)

    @classmethod
    def _parse(cls, saved: SavedState) -> SavedRun:
        facts = saved.facts
        if "first_index" not in facts or "pending" not in facts:
            raise KeyError("the stream's first_index and pending predictions")
        return cls(
            saved=saved,
            settings=StreamSettings(**facts["settings"]),
            first_settings=StreamSettings(**facts["first_settings"]),
            position=Position(**facts["position"]),
            is_finished=facts["is_finished"],
            mark=FileMark(**facts["mark"]),
            reader=facts["reader"],
        )

    def check_reader(self, wanted: str, path: str | Path | None) -> str:
        """The reader to go on with; `StateError` if another one is wanted."""
        if wanted not in ("auto", self.reader):
            raise StateError(
                f"{path} was saved by a run that read with {self.reader}; go on with that, since "
                f"{wanted} gives slightly other pictures"
            )
        return self.reader

    def check_settings(self, wanted: StreamSettings, path: Path) -> None:
        """Raise `StateError` unless these are the run's settings, as it began or as it is now."""
        if wanted in (self.settings, self.first_settings):
            return
        there, here = self.settings.as_dict(), wanted.as_dict()
        differences = [
            f"{name} was {there[name]}, now {here[name]}"
            for name in there
            if there[name] != here[name]
        ]
        raise StateError(f"{path} was saved with other settings: {'; '.join(differences)}")


class Recorder:
    """Writes what a run leaves behind, and holds on to nothing but open files."""

    def __init__(self, files: RunFiles, source: SourceIdentity | None, model: StreamModel) -> None:
        self.files = files
        self.error: StorageError | None = None
        self.out = Path(files.out) if files.out is not None else None
        self._state_path = Path(files.state_path) if files.state_path is not None else None
        self._source = source
        self._file: PredictionFile | None = None
        self._first_settings: StreamSettings | None = None
        self._saved: Checkpoint | None = None
        self._clips_since_save = 0
        self._next_save_seconds = 0.0
        self._set_model(model)

    @property
    def mark(self) -> FileMark:
        """How far the predictions file is written."""
        return self._file.mark if self._file is not None else FileMark()

    def start(self, settings: StreamSettings) -> None:
        """Begin the predictions file of a new run."""
        self._first_settings = settings
        if self.files.resume and self.out is not None and has_rows(self.out):
            raise StateError(
                f"there is no saved stream at {self._state_path}, though {self.out} has "
                "predictions: give the file the stream was saved to, or start again without resume"
            )
        self._guard(self._create_file)

    def resume(self, saved: SavedRun) -> None:
        """Take up the files of an earlier run."""
        self._first_settings = saved.first_settings
        if self.out is None:
            return
        if saved.mark.name is None:
            raise StateError(
                f"{self._state_path} was saved by a run that wrote no predictions file"
            )
        self.out = self.out.with_name(saved.mark.name)
        self._file = PredictionFile.reopen(self.out, self._class_names, saved.mark)

    def append(self, predictions: Iterable[Prediction]) -> None:
        """Write a row for each."""
        for prediction in predictions:
            file = self._file
            if file is not None:
                self._guard(partial(file.append, prediction))

    def count_clip(self) -> None:
        """One more clip that is not in the saved state."""
        self._clips_since_save += 1

    def save_if_due(self, checkpoint: Checkpoint) -> None:
        """Save the state where enough clips or seconds have gone by."""
        every = self.files.save_every_clips
        if every is not None:
            is_due = self._clips_since_save >= every
        else:
            is_due = time.monotonic() >= self._next_save_seconds
        if is_due:
            self.save(checkpoint)

    def save(self, checkpoint: Checkpoint) -> None:
        """Save the state now, after the rows it counts are on the disk."""
        if self._state_path is None or self.error is not None or checkpoint is self._saved:
            return
        started = time.monotonic()
        self._guard(lambda: self._save(checkpoint))
        self._saved = checkpoint
        cost_seconds = time.monotonic() - started
        self._next_save_seconds = time.monotonic() + max(cost_seconds / MAX_SAVING_SHARE, 1.0)
        self._clips_since_save = 0

    def change_model(self, model: StreamModel) -> None:
        """Go on with another model; other classes get a file of their own, since columns differ."""
        has_same_columns = tuple(model.card.class_names) == self._class_names
        self._set_model(model)
        if self.out is not None and self.error is None and not has_same_columns:
            self.close()
            self.out = self.next_out()
            self._guard(self._create_file)

    def next_out(self) -> Path | None:
        """The file that predictions of other classes would go to."""
        if self.out is None or self.files.out is None:
            return None
        first = Path(self.files.out)
        number = 2
        while (path := first.with_name(f"{first.stem}-{number}{first.suffix}")).exists():
            number += 1
        return path

    def close(self) -> None:
        """Close the predictions file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _set_model(self, model: StreamModel) -> None:
        self._class_names = tuple(model.card.class_names)
        self._model = ModelIdentity.of(model).as_dict() if self._state_path is not None else {}

    def _create_file(self) -> None:
        if self.out is not None:
            self._file = PredictionFile.create(self.out, self._class_names)

    def _save(self, checkpoint: Checkpoint) -> None:
        assert self._state_path is not None
        assert self._source is not None
        assert self._first_settings is not None, "start or resume first"
        if self._file is not None:
            self._file.sync()
        facts = {
            "model": self._model,
            "source": self._source.as_dict(),
            "settings": checkpoint.settings.as_dict(),
            "first_settings": self._first_settings.as_dict(),
            **checkpoint.state.facts(),
            "position": asdict(checkpoint.position),
            "is_finished": checkpoint.is_finished,
            "mark": asdict(checkpoint.mark),
            "reader": checkpoint.reader,
        }
        write_state_file(self._state_path, checkpoint.state.memory.to_tensors(), facts)

    def _guard(self, write: Callable[[], object]) -> None:
        """Do some writing; what a failure means is for `on_storage_error` to say."""
        try:
            write()
        except StorageError as error:
            self.close()
            self.error = error
            if self.files.on_storage_error == "stop":
                raise
            logger.error("%s; the run goes on without writing", error)
