"""A run between two clips: as a value, and as a state file holds it.

A saved state counts the bytes of the predictions file that belong to it. Resuming cuts the file
there and makes the later rows again, so a run that was killed at any moment ends with the same file
as one that was not.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vidmem.errors import StateError
from vidmem.models.interface import StreamModel
from vidmem.plain import from_plain
from vidmem.streaming.history import Snapshot
from vidmem.streaming.saving.identity import ModelIdentity, SourceIdentity
from vidmem.streaming.saving.predictions_csv import FileMark
from vidmem.streaming.saving.run_files import RunFiles
from vidmem.streaming.saving.state_file import SavedState, read_state_file
from vidmem.streaming.settings import StreamSettings, settings_for
from vidmem.streaming.stream import StreamState
from vidmem.streaming.windows import Position


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A run between two clips: all that going on from there needs."""

    snapshot: Snapshot
    """Its stream, and which reader decodes: readers scale pictures a little differently."""

    mark: FileMark
    """The rows of the predictions file that were written up to here."""

    is_finished: bool = False

    @property
    def position_seconds(self) -> float:
        """Source time at which the next window starts."""
        return self.snapshot.position.next_frame / self.snapshot.settings.fps

    def facts(self) -> dict[str, Any]:
        """What a state file says of it; `SavedRun` reads this back."""
        return {
            "settings": self.snapshot.settings.as_dict(),
            **self.snapshot.state.facts(),
            "position": asdict(self.snapshot.position),
            "is_finished": self.is_finished,
            "mark": asdict(self.mark),
            "reader": self.snapshot.reader,
        }


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
    run_id: str
    """Of the run, also through resuming; empty where an earlier version saved it."""

    grown_bytes: int = 0
    """That the video has got since."""

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
        if not os.path.lexists(path):
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
            there = saved.facts["source"]
            source_difference = source.difference_from(there)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise StateError(f"{path} holds no run of a video: {error}") from error
        if model_difference:
            raise StateError(f"{path} was saved with another model: {model_difference}")
        grown_bytes = source.growth_since(there) if source_difference else None
        if source_difference and grown_bytes is None:
            raise StateError(f"{path} was saved from another video: {source_difference}")
        if grown_bytes is not None and run.is_finished:
            raise StateError(
                f"{source.name} has grown by {grown_bytes} bytes since its run came to the end: "
                "its last clip was judged as the last one; start again without resume to watch it "
                "with what was added"
            )
        return replace(run, grown_bytes=grown_bytes or 0)

    @classmethod
    def _parse(cls, saved: SavedState) -> SavedRun:
        facts = saved.facts
        # `StreamState.from_saved` needs them later; refuse the file before anything is opened.
        if "first_index" not in facts or "pending" not in facts:
            raise KeyError("the stream's first_index and pending predictions")
        position = from_plain(Position, facts["position"], "position")
        if min(position.next_index, position.next_frame, position.covered_frame) < 0:
            raise ValueError(f"position is of no video: {position!r}")
        # Earlier versions did not number files.
        mark_values = facts["mark"] if saved.has_checksum else {"number": 0, **facts["mark"]}
        mark = from_plain(FileMark, mark_values, "mark")
        mark.check()
        for name, kind in (("is_finished", bool), ("reader", str), ("run_id", str)):
            if not isinstance(facts.get(name, ""), kind):
                raise ValueError(f"{name} must be a {kind.__name__}, got {facts.get(name)!r:.60}")
        return cls(
            saved=saved,
            settings=from_plain(StreamSettings, facts["settings"], "settings"),
            first_settings=from_plain(StreamSettings, facts["first_settings"], "first_settings"),
            position=position,
            is_finished=facts["is_finished"],
            mark=mark,
            reader=facts["reader"],
            run_id=facts.get("run_id", ""),
        )

    def stream_state(self, model: StreamModel) -> StreamState:
        """The stream as it was."""
        return StreamState.from_saved(self.saved, model)

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

    def how_it_goes_on(self) -> str:
        """What resuming means, as a sentence."""
        num_done = self.position.next_index
        if self.is_finished:
            return f"Nothing left to do: all {num_done} predictions were made already."
        seconds = self.position.next_frame / self.settings.fps
        grown = f" The video has grown by {self.grown_bytes} bytes since." * bool(self.grown_bytes)
        return f"Resumed after {num_done} predictions, at {seconds:.2f} s.{grown}"
