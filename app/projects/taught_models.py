"""The models that were taught in a project: listed, named, deleted and given away.

    models/sows v1/     config.json, model.safetensors, report.json, report.md, taught.json
    models/.teaching-…  one that is being written; renamed once it is whole

On the pages a model is called `models/sows v1`, wherever the project lies.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.projects.without_paths import without_paths
from app.sources.kept import KeptOfFiles
from app.sources.names import clean_stem
from vidmem.errors import SettingError
from vidmem.files import read_json
from vidmem.models.presets import bundled_models, list_models
from vidmem.teaching import WarmStart, read_report

PREFIX = "models/"
CONFIG, TAUGHT = "config.json", "taught.json"
UNFINISHED, DELETED = ".teaching-", ".deleted-"
MAX_TITLE, MAX_LISTED, PIECE_BYTES = 60, 200, 1 << 18

GONE = "The model {name} is not in the project any more."
NO_NAME = "Give the model a name."
LONG_NAME = f"The name of a model has at most {MAX_TITLE} characters on one line."
TAKEN = "There is a model {name} already. Give the new one another name."
BUNDLED = "{name} is the name of a model that comes with vidmem. Give yours another name."
IN_USE = "{name} is being used by a run. Stop it on the Runs or the Streams page first."


@dataclass(frozen=True, kw_only=True)
class TaughtModel:
    """A model of a project."""

    name: str
    """On the pages, `models/` and its folder's name."""

    title: str
    """What people call it."""

    folder: Path
    taught_at: datetime
    about: dict[str, Any]
    """What was written beside it when it was taught here; empty: by another program."""


class TaughtModels:
    """The models of a project; safe to use from all threads, and beside other programs.

    Args:
        folder: `Project.models_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._titles: KeptOfFiles[str] = KeptOfFiles(MAX_LISTED)
        self._reports: KeptOfFiles[dict[str, Any]] = KeptOfFiles(MAX_LISTED)
        self._abouts: KeptOfFiles[dict[str, Any]] = KeptOfFiles(MAX_LISTED)
        self._earlier: KeptOfFiles[WarmStart] = KeptOfFiles(1)

    def list(self) -> list[TaughtModel]:
        """All that are whole, the newest first."""
        found = []
        for path in _folders(self.folder):
            try:
                found.append(self._read(path))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # no model of vidmem's, or one that was deleted just now
        return sorted(found, key=lambda one: one.taught_at, reverse=True)[:MAX_LISTED]

    def find(self, name: str) -> TaughtModel:
        """The model of a name as the pages have it.

        Raises:
            SettingError: If there is none (any more).
        """
        for one in self.list():
            if one.name == name:
                return one
        raise SettingError(GONE.format(name=name.removeprefix(PREFIX)[:MAX_TITLE]))

    def of_job(self, job_id: str) -> TaughtModel | None:
        """The model that a job has written whole, whether or not it came to say so."""
        return next((one for one in self.list() if one.about.get("job") == job_id), None)

    def report_of(self, model: TaughtModel) -> dict[str, Any]:
        """Its report as plain values; empty where it has none."""
        path = model.folder / "report.json"
        return self._reports.get(path, lambda _: read_report(model.folder) or {})

    def to_correct(self, model: TaughtModel) -> WarmStart:
        """What a correction takes over from it; read once for all who look ahead.

        Raises:
            CheckpointError: If it, or its report, cannot be read.
        """
        with without_paths(model.title, model.folder):
            path = model.folder / "report.json"
            return self._earlier.get(path, lambda _: WarmStart.of(model.folder))

    def check_name(self, title: str, others: Iterable[str] = ()) -> str:
        """See that a new model may be called so.

        Args:
            title: As it was typed.
            others: Names that are taken besides, such as of models that are being taught.

        Returns:
            It, without spaces around it.

        Raises:
            SettingError: If it is no name, or taken.
        """
        title = " ".join(title.split())
        if not title:
            raise SettingError(NO_NAME)
        if len(title) > MAX_TITLE or not title.isprintable():
            raise SettingError(LONG_NAME)
        if title in {*bundled_models(), *(one.name for one in list_models())}:
            raise SettingError(BUNDLED.format(name=title))
        known = {name for one in self.list() for name in (one.title, one.folder.name)}
        taken = {one.casefold() for one in (*known, *others)}
        if title.casefold() in taken or (self.folder / clean_stem(title)).exists():
            raise SettingError(TAKEN.format(name=title))
        return title

    def next_name(self, project_name: str, others: Iterable[str] = ()) -> str:
        """A name for the next model: `sows v3` after `sows v2`, or `PROJECT v1`."""
        models = self.list()
        stem = project_name
        if models:
            begin, _, end = models[0].title.rpartition(" v")
            stem = begin if begin and end.isdecimal() else models[0].title
        stem = " ".join(stem.split())[: MAX_TITLE - 6] or "model"
        for number in range(1, MAX_LISTED + len(models) + 2):
            try:
                return self.check_name(f"{stem} v{number}", others)
            except SettingError:
                continue
        return f"{stem} {uuid.uuid4().hex[:6]}"

    def rename(self, name: str, title: str) -> TaughtModel:
        """Call a model something else; its folder stays, so runs that used it can go on.

        Raises:
            SettingError: If there is none, or the name cannot be its.
            OSError: If it cannot be written.
        """
        model = self.find(name)
        if (title := " ".join(title.split())) == model.title:
            return model
        title = self.check_name(title)
        path = model.folder / CONFIG
        document = read_json(path)
        document["card"]["title"] = title
        part = model.folder / f".{CONFIG}.part"
        part.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
        return self.find(name)

    def delete(self, name: str) -> None:
        """Delete a model with its report, for good; of a link, the link alone.

        Raises:
            SettingError: If there is none (any more).
            OSError: If it cannot be deleted.
        """
        folder = self.find(name).folder
        if folder.is_symlink():
            folder.unlink()
            return
        # Renamed first: killed in between, a whole model is listed, or none.
        aside = folder.with_name(f"{DELETED}{uuid.uuid4().hex}")
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def zipped(self, name: str) -> tuple[str, Iterator[bytes]]:
        """A model's folder as a ZIP file: its name, and its content in pieces.

        Raises:
            SettingError: If there is no such model (any more).
            OSError: If it cannot be read.
        """
        model = self.find(name)
        stem = clean_stem(model.title)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it
        with zipfile.ZipFile(file, "w") as archive:
            for path in sorted(model.folder.iterdir()):
                if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                    archive.write(path, f"{stem}/{path.name}")
        file.seek(0)

        def pieces() -> Iterator[bytes]:
            with file:
                while piece := file.read(PIECE_BYTES):
                    yield piece

        return f"{stem}.zip", pieces()

    def new_folder(self, title: str) -> Path:
        """Where a new model of a name goes; of a name that was taken meanwhile, beside it."""
        stem = clean_stem(title)
        number = 1
        while (path := self.folder / (stem if number == 1 else f"{stem} ({number})")).exists():
            number += 1
        return path

    def unfinished(self, job_id: str) -> Path:
        """Where the model of a job is written until it is whole."""
        return self.folder / f"{UNFINISHED}{job_id}"

    def sweep(self, kept: Iterable[str] = ()) -> None:
        """Delete what is left of jobs and deletions that were cut off.

        Args:
            kept: Ids of jobs that still write.
        """
        names = {f"{UNFINISHED}{one}" for one in kept}
        for path in self.folder.glob(".*"):
            is_ours = path.name.startswith((UNFINISHED, DELETED))
            if is_ours and path.name not in names and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)

    def _read(self, folder: Path) -> TaughtModel:
        path = folder / CONFIG
        title = self._titles.get(path, lambda _: str(read_json(path)["card"]["title"]))
        about = self._abouts.get(folder / TAUGHT, _read_about)
        at = about.get("taught_at")
        when = (
            datetime.fromisoformat(at)
            if isinstance(at, str)
            else datetime.fromtimestamp(path.stat().st_mtime, UTC)
        )
        return TaughtModel(
            name=f"{PREFIX}{folder.name}",
            title=title,
            folder=folder,
            taught_at=when.astimezone(),
            about=about,
        )


def _folders(folder: Path) -> list[Path]:
    try:
        entries = [Path(one.path) for one in os.scandir(folder) if one.is_dir()]
    except OSError:
        return []
    return [path for path in entries if not path.name.startswith(".")]


def _read_about(path: Path) -> dict[str, Any]:
    try:
        about = read_json(path)
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}
