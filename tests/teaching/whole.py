"""What is damaged in a project, after its programs were killed."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import vidmem
from app.projects.taught_models import UNFINISHED, TaughtModels
from vidmem.errors import VidmemError
from vidmem.models.features.storage.array_file import map_rows
from vidmem.models.features.storage.entry import StoreEntry
from vidmem.projects import Project
from vidmem.projects.storage.copies import check_whole
from vidmem.projects.storage.places import DATABASE


class Inspector:
    """Looks through a project again and again; of models, at those that it has not seen whole.

    Args:
        folder: The project's. It may be open elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole_models: set[str] = set()

    def damage(self, *, is_teaching: bool) -> dict[str, list[str]]:
        """What is damaged, in words, of labels, features and models.

        Args:
            is_teaching: A job may be writing a model.
        """
        return {
            "labels": self._of_labels(),
            "features": self._of_features(),
            "models": self._of_models(is_teaching=is_teaching),
        }

    def _of_labels(self) -> list[str]:
        try:
            with contextlib.closing(sqlite3.connect(self._folder / DATABASE)) as connection:
                check_whole(connection)
            with Project.open(self._folder) as project:
                project.labels.all()
        except (sqlite3.Error, VidmemError) as error:
            return [str(error)]
        return []

    def _of_features(self) -> list[str]:
        found = []
        with Project.open(self._folder) as project:
            entries = StoreEntry.all_in(project.features_folder)
        for entry in entries:
            record = entry.read()
            if record is None:
                continue  # nothing is promised yet
            for name, rows in record.arrays.items():
                try:
                    map_rows(entry.array(name), rows)
                except (OSError, ValueError) as error:
                    found.append(f"{entry.folder.name}/{name}: {error}")
        return found

    def _of_models(self, *, is_teaching: bool) -> list[str]:
        found = []
        with Project.open(self._folder) as project:
            models = TaughtModels(project.models_folder)
        for model in models.list():
            if model.name in self._whole_models:
                continue
            try:
                vidmem.load(str(model.folder))
            except VidmemError as error:
                found.append(f"{model.title}: {error}")
                continue
            if not models.report_of(model) or not model.about:
                found.append(f"{model.title}: without its report")
                continue
            self._whole_models.add(model.name)
        if not is_teaching:
            left = models.folder.glob(f"{UNFINISHED}*")
            found += [f"{path.name} is left over" for path in left]
        return found
