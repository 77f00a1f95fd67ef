"""Files of labels that a visitor brought to compare with: read, held in memory, never stored."""

from __future__ import annotations

import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from app.sources.names import clean_stem
from vidmem.errors import LabelError, SettingError
from vidmem.labels import LabelledVideo, Labels, import_file
from vidmem.labels.formats import About, ReadOptions

MAX_FILES = 12
"""In the process; the one that was looked at least lately goes first."""

MAX_BOUTS = 300_000
"""Of all files together; a single one may have as many as a format allows."""

MAX_BYTES = 8 << 20
MAX_PROBLEMS = 20
"""That are said one by one."""

MAX_ENDING = 12
GONE = "This file is not held any more. Choose it again."


@dataclass(frozen=True)
class BroughtFile:
    """What a file says."""

    key: str
    """Who knows it may look at the file."""

    name: str
    labels: Labels
    about: About
    problems: tuple[str, ...]
    notes: tuple[str, ...]


class BroughtFiles:
    """The files of all visitors."""

    def __init__(self, max_files: int = MAX_FILES) -> None:
        self._max_files = max_files
        self._lock = threading.Lock()
        self._files: OrderedDict[str, BroughtFile] = OrderedDict()

    def add(
        self,
        name: str,
        data: bytes,
        videos: Iterable[LabelledVideo],
        behaviours: Iterable[str] = (),
    ) -> BroughtFile:
        """Read a file, of any format that vidmem reads.

        Args:
            name: Of the file on the visitor's machine: its ending tells some formats apart.
            data: Its bytes.
            videos: Of the project: what it says is of these where it means them.
            behaviours: Names of the project's: one that is written in another way is that one.

        Raises:
            LabelError: If it cannot be read as labels.
        """
        plain = _plain(name)
        options = ReadOptions(
            videos=tuple(videos), has_other_videos=True, behaviours=tuple(behaviours)
        )
        with tempfile.TemporaryDirectory(prefix="vidmem-labels-") as folder:
            path = Path(folder) / plain
            path.write_bytes(data)
            try:
                imported = import_file(path, options)
            except LabelError as error:  # names the file where it lies for a moment
                raise LabelError(str(error).replace(str(path), plain)) from error
        problems = [str(one) for one in imported.problems]
        file = BroughtFile(
            secrets.token_hex(16),
            plain,
            imported.labels,
            imported.about,
            (
                *problems[:MAX_PROBLEMS],
                *([f"and {len(problems) - MAX_PROBLEMS} more"] * (len(problems) > MAX_PROBLEMS)),
            ),
            imported.notes,
        )
        with self._lock:
            self._files[file.key] = file
            while len(self._files) > 1 and self._is_full():
                self._files.popitem(last=False)
        return file

    def _is_full(self) -> bool:
        num_bouts = sum(len(one.labels.bouts) for one in self._files.values())
        return len(self._files) > self._max_files or num_bouts > MAX_BOUTS

    def find(self, key: str) -> BroughtFile:
        """A file by its key.

        Raises:
            SettingError: If it is not held (any more).
        """
        with self._lock:
            if key not in self._files:
                raise SettingError(GONE)
            self._files.move_to_end(key)
            return self._files[key]


def _plain(name: str) -> str:
    """A name that is one in a folder, whatever a browser sent."""
    stem, _, ending = PureWindowsPath(name).name.rpartition(".")  # knows both kinds of slashes
    ending = "".join(one for one in ending if one.isascii() and one.isalnum())[:MAX_ENDING]
    return f"{clean_stem(stem or ending)}.{ending or 'csv'}"
