"""A run of the project on a page again: what its files have, and where it can go on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from app.run import wording as run_wording
from app.run.board import Board
from app.run.kept.downloads import PlayFiles
from app.run.kept.play import prediction_files
from app.run.model import RunModel
from app.run.source import OpenSource
from app.run.view import RunView
from app.tools import Tools
from vidmem.errors import SettingError, VidmemError
from vidmem.labels import LabelledVideo
from vidmem.projects import KeptRun
from vidmem.streaming import (
    SavedPlace,
    StreamSettings,
    read_axes,
    read_class_names,
    read_predictions,
)


def settings_of(kept: KeptRun, otherwise: StreamSettings | None = None) -> StreamSettings:
    """The settings of a run of the project, as they were noted last.

    Args:
        kept: The run.
        otherwise: Where it has none that this version allows; `None`: the defaults.
    """
    names = {field.name for field in dataclasses.fields(StreamSettings)}
    given: dict[str, Any] = {k: v for k, v in kept.settings.items() if k in names}
    try:
        return StreamSettings(**given)
    except (SettingError, TypeError):
        return otherwise or StreamSettings()


def bouts_csv_of(kept: KeptRun, video: LabelledVideo) -> bytes:
    """The bouts of a run of the project, as the page that plays it gives them.

    Args:
        kept: The run.
        video: What is known of its video.

    Raises:
        StorageError: If its predictions cannot be read.
    """
    path, settings = prediction_files(kept.folder)[-1], settings_of(kept)
    view = RunView(Board(), read_class_names(path), axes=read_axes(path))
    view.read_back(read_predictions(path, settings), (), settings)
    return view.bouts_csv(video)


class PastPlay:
    """A play of earlier, read back from its files.

    Args:
        kept: The run of the project.
        files: Of the run.
        tools: Read its state.
    """

    def __init__(self, kept: KeptRun, files: PlayFiles, tools: Tools) -> None:
        self.kept = kept
        self.place: SavedPlace | None = None
        """Where it can go on; `None`: nowhere."""

        self.reached_seconds = 0.0
        """Where the newest prediction of it ends."""

        self._files, self._tools = files, tools

    def show(self, chosen: RunModel, source: OpenSource) -> str:
        """Take its model and its settings, and show what it predicted of a source.

        Returns:
            Why it cannot go on, in a sentence; empty where it can, or has come to its end.
        """
        trouble = ""
        try:
            self._take_model(chosen)
            self.place = self._find_place(chosen, source)
            settings = (
                self.place.settings
                if self.place is not None
                else settings_of(self.kept, chosen.settings)
            )
            chosen.update(**settings.changeable())
        except VidmemError as error:
            trouble, settings = (
                run_wording.past_only(error),
                settings_of(self.kept, chosen.settings),
            )
        try:
            self._show_predictions(chosen, source, settings)
        except VidmemError as error:
            self.place = None
            source.begin_view(chosen)
            trouble = run_wording.past_only(error)
        return trouble

    def _take_model(self, chosen: RunModel) -> None:
        if chosen.name != self.kept.model:
            chosen.change_model(self.kept.model)
        chosen.load()

    def _find_place(self, chosen: RunModel, source: OpenSource) -> SavedPlace | None:
        """Where it can go on; `None` where nothing was saved, or nothing is left to do.

        Raises:
            VidmemError: If what was saved is damaged, or of another model or video.
        """
        state = self._files.state
        if self.kept.state == "finished" or state is None or not source.can_play:
            return None
        place = self._tools.read_place(state, chosen.model, source.video.path)
        return None if place.is_finished or place.next_index == 0 else place

    def _show_predictions(
        self, chosen: RunModel, source: OpenSource, settings: StreamSettings
    ) -> None:
        path = self._path()
        if path is None:  # nothing was written
            source.begin_view(chosen)
            return
        view = source.begin_view(chosen, class_names=read_class_names(path), axes=read_axes(path))
        place, first_index = self.place, 0
        if place is not None:
            first_index = max(0, place.next_index - len(place.pending) - place.num_rows)
        rows = read_predictions(
            path,
            settings,
            # What stands behind is made again when it goes on.
            num_bytes=place.num_bytes if place is not None else None,
            first_index=first_index,
        )
        view.read_back(rows, place.pending if place is not None else (), settings)
        self.reached_seconds = view.newest.end_seconds if view.newest is not None else 0.0

    def _path(self) -> Path | None:
        if self.place is not None and self.place.file_name is not None:
            return self.kept.folder / self.place.file_name
        written = prediction_files(self.kept.folder)
        return written[-1] if written else None
