"""Imports under way: files of labels that a page brought, and what they would do to the project.

Files lie in a private folder as long as their page looks at the preview, and half an hour at most.
They are read in a thread that holds a place of the budget until it ends, however long that takes;
who waits for it is told so after two minutes. Nothing of them is ever served or run.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.budget import Budget, WaitingError, process_budget
from app.projects.label_files import (
    MAX_BYTES,
    MAX_FILES,
    HowToRead,
    ReadFiles,
    read_files,
    unpacked,
)
from app.sources.uploads import PREFIX
from vidmem.errors import LabelError, SettingError, StaleEditError, VidmemError
from vidmem.labels import Ethogram, LabelledVideo, Labels, OnConflict
from vidmem.projects import Changes, ImportPreview, Project

MAX_IMPORTS = 4
"""In the process; one more takes the place of the one that was looked at the longest ago."""

KEPT_SECONDS = 1800.0
READ_SECONDS = 120.0

GONE = "The files of this import are not here any more. Choose them again."
NOT_THIS = "What this page shows of the import is not the newest. Look at it again."
TOO_SLOW = (
    "Reading these files takes longer than {seconds:g} s, so the page does not wait any more. "
    "Split them, or try `vidmem convert` on the command line."
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a page wants to know of its import."""

    how: HowToRead = field(default_factory=HowToRead)
    videos: tuple[tuple[str, str], ...] = ()
    """Names of videos in the files, and the project's name of each; empty: it is left out. One
    that is not named is recognised, or else comes in by its name."""

    number: int = 0
    """Counted by the page: another one looks anew at the project."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What files say, and what they would do."""

    files: ReadFiles
    preview: ImportPreview
    """Unknown videos are added by name when it is applied."""

    num_bouts: Mapping[str, int]
    """By the name of each video in the files, those left out too."""

    left_out: frozenset[str]
    """Names of videos in the files."""

    notes: tuple[str, ...]
    """On the videos that were chosen."""

    meant: tuple[tuple[str, str], ...]
    """Names of behaviours in the files, and the project's that each was said to mean."""


@dataclass
class _Look:
    """A thread that finds out."""

    wanted: Wanted
    found: Looked | None = None
    error: Exception | None = None
    is_done: bool = False


_ReadWith = tuple[HowToRead, Ethogram, tuple[LabelledVideo, ...]]
"""What files were read with: what was chosen, and the project as it was."""


@dataclass
class _Import:
    """The files of a page."""

    folder: Path
    used_at: float
    num_bytes: int = 0
    look: _Look | None = None
    asked: tuple[Wanted, float] | None = None
    files: tuple[_ReadWith, ReadFiles] | None = None
    """Read already: another choice of videos need not read them again."""


class LabelImports:
    """The imports that pages look at, each by the id of its page's run.

    Args:
        project: Into which they go.
        budget: Whose places reading takes.
        read_seconds: For which a page waits.
        clock: Seconds.
    """

    def __init__(
        self,
        project: Project,
        budget: Budget = process_budget,
        *,
        read_seconds: float = READ_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project, self._budget = project, budget
        self._read_seconds, self._clock = read_seconds, clock
        self._imports: dict[str, _Import] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        # At the end of the process, too.
        weakref.finalize(self, _delete_all, self._imports)

    def take_file(self, page: str, name: str, data: bytes, *, is_first: bool) -> list[str]:
        """Keep a file; the first one of an import ends the import before it.

        Returns:
            The names of all files of the import; a ZIP is unpacked.

        Raises:
            LabelError: If there is too much of it, or a ZIP cannot be unpacked.
            SettingError: If the files before it are gone.
        """
        files = unpacked(name, data)
        with self._lock:
            if is_first:
                self._begin(page)
            before = self._find(page)
            names = {one.name for one in before.folder.iterdir()} | files.keys()
            num_bytes = before.num_bytes + sum(map(len, files.values()))
            if len(names) > MAX_FILES or num_bytes > MAX_BYTES:
                self._drop(page)
                raise LabelError(
                    f"an import may have {MAX_FILES} files and {MAX_BYTES >> 20} MiB; bring less "
                    "at once"
                )
            # A thread that reads the files as they were tells it to the import as it was.
            found = self._imports[page] = _Import(before.folder, self._clock(), num_bytes)
            for one, content in files.items():
                (found.folder / one).write_bytes(content)
        return sorted(names)

    def look(self, page: str, wanted: Wanted) -> Looked:
        """What the files say and would do.

        Raises:
            WaitingError: If that is not known yet: ask again.
            LabelError: If they cannot be read, or it is not allowed.
            SettingError: If they are gone, or it takes too long.
        """
        with self._lock:
            found = self._find(page)
            if found.asked is None or found.asked[0] != wanted:
                found.asked = wanted, self._clock()
            look = found.look
            if look is None or look.wanted != wanted:
                look = self._begin_look(page, found, wanted)
            if look is not None and look.is_done:
                return _answer(look, found.folder)
            if self._clock() - found.asked[1] > self._read_seconds:
                raise SettingError(TOO_SLOW.format(seconds=self._read_seconds))
        raise WaitingError

    def apply(
        self, page: str, wanted: Wanted, on_conflict: OnConflict, *, author: str = ""
    ) -> Changes:
        """Do what was looked at, as one step that can be undone; the files go.

        Raises:
            WaitingError: If there is no place to do it now: ask again.
            SettingError: If the files are gone.
            StaleEditError: If the page looks at something else, or the project was changed since.
            LabelError: With "refuse", if there is a conflict.
            ProjectError: If the project cannot be written.
        """
        with self._lock:
            look = self._find(page).look
        if look is None or look.wanted != wanted or look.found is None:
            raise StaleEditError(NOT_THIS)
        lease = self._budget.take("exchange", page)
        if lease is None:
            raise WaitingError
        with lease:
            changes = self._project.apply_import(
                look.found.preview,
                on_conflict=on_conflict,
                add_unknown_videos=True,
                author=author,
            )
        self.forget(page)
        return changes

    def forget(self, page: str) -> None:
        """Delete the files of a page."""
        with self._lock:
            self._drop(page)

    # Inner workings; all but what a thread does are called with the lock.

    def _begin(self, page: str) -> None:
        self._drop(page)
        while len(self._imports) >= MAX_IMPORTS:
            self._drop(min(self._imports, key=lambda one: self._imports[one].used_at))
        # Readable for us alone; folders of this name that a killed process left are swept.
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}labels-"))
        self._imports[page] = _Import(folder, self._clock())
        if self._timer is None:
            self._sweep_later()

    def _sweep_later(self) -> None:
        """Sweep once all that is here now may be old, and then as long as anything is here."""
        this = weakref.ref(self)

        def sweep() -> None:
            found = this()
            if found is not None:
                with found._lock:
                    found._timer = None
                    found._sweep()
                    if found._imports:
                        found._sweep_later()

        self._timer = threading.Timer(KEPT_SECONDS + 1, sweep)
        self._timer.daemon = True
        self._timer.start()

    def _sweep(self) -> None:
        now = self._clock()
        for page, one in list(self._imports.items()):
            if now - one.used_at > KEPT_SECONDS:
                self._drop(page)

    def _drop(self, page: str) -> None:
        found = self._imports.pop(page, None)
        if found is not None:
            shutil.rmtree(found.folder, ignore_errors=True)

    def _find(self, page: str) -> _Import:
        self._sweep()
        found = self._imports.get(page)
        if found is None:
            raise SettingError(GONE)
        found.used_at = self._clock()
        return found

    def _begin_look(self, page: str, found: _Import, wanted: Wanted) -> _Look | None:
        """A thread that finds out; `None` where there is no place for it now."""
        lease = self._budget.take("exchange", page)
        if lease is None:
            return None
        look = found.look = _Look(wanted)

        def run() -> None:
            with lease:
                try:
                    look.found = self._looked(found, wanted)
                except Exception as error:
                    look.error = error
                finally:
                    look.is_done = True

        threading.Thread(target=run, name="import of labels", daemon=True).start()
        return look

    def _looked(self, found: _Import, wanted: Wanted) -> Looked:
        project = self._project
        known = tuple(one.labelled for one in project.videos.list())
        using, read = (wanted.how, project.ethogram, known), found.files
        if read is None or read[0] != using:
            read = using, read_files(list(found.folder.iterdir()), *using)
            found.files = read
        files, chosen = read[1], dict(wanted.videos)
        names = {name: to for name, to in chosen.items() if to}
        left_out = frozenset(name for name, to in chosen.items() if not to)
        labels = _of_videos(files.labels, left_out, chosen.keys())
        preview = project.preview_import(labels, names)
        return Looked(
            files=files,
            preview=preview,
            num_bouts=_num_bouts(files.labels),
            left_out=left_out,
            notes=tuple(_beyond_the_end(project, preview, names.keys())),
            meant=wanted.how.behaviours,
        )


def _answer(look: _Look, folder: Path) -> Looked:
    error = look.error
    if isinstance(error, VidmemError):
        # Where the files lie is nobody's business, and changes with every try.
        text = str(error).replace(f"{folder}/", "")
        raise LabelError(text) from error
    if isinstance(error, OSError):
        raise SettingError(GONE) from error
    if error is not None:
        raise error
    assert look.found is not None
    return look.found


def _num_bouts(labels: Labels) -> dict[str, int]:
    """Of each video of which anything is said."""
    spans = (*labels.scored, *labels.not_scored)
    counts = Counter(one.video for one in labels.bouts)
    said = {one.video for one in spans} | counts.keys()
    return {name: counts[name] for name in sorted(said)}


def _of_videos(labels: Labels, left_out: Collection[str], chosen: Collection[str]) -> Labels:
    """Without videos that are left out, and those of which nothing is said and nobody chose."""
    said = {one.video for one in (*labels.bouts, *labels.scored, *labels.not_scored)}
    kept = (said | {*chosen}) - {*left_out}
    return replace(
        labels,
        bouts=tuple(one for one in labels.bouts if one.video in kept),
        scored=tuple(one for one in labels.scored if one.video in kept),
        not_scored=tuple(one for one in labels.not_scored if one.video in kept),
        videos=tuple(one for one in labels.videos if one.name in kept),
    )


def _beyond_the_end(project: Project, preview: ImportPreview, chosen: Collection[str]) -> list[str]:
    """What does not fit into a video that was chosen by hand: the reader did not know of it."""
    notes = []
    for name in dict.fromkeys(to for one, to in preview.videos.items() if one in chosen):
        seconds = project.videos[name].facts.duration_seconds
        if seconds is None:
            continue
        late = sum(one.end_seconds > seconds + 1 for one in preview.labels.bouts_of(video=name))
        if late:
            what = "1 bout ends" if late == 1 else f"{late} bouts end"
            notes.append(f"{what} after {name} does, at {seconds:.10g} s: is it the right video?")
    return notes


def _delete_all(imports: dict[str, Any]) -> None:
    for one in imports.values():
        shutil.rmtree(one.folder, ignore_errors=True)
