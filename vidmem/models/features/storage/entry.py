"""A folder of the store: the arrays of one video, and a file that says what is in them.

    4f0c.../about.json     which video, made with what, rows of each array, notes, complete or not
    4f0c.../tokens.npy     and other arrays
    4f0c.../lock           held by whoever writes

`about.json` is replaced once rows are on the disk, so it never promises what is not there.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from vidmem.files import read_json
from vidmem.holding import HeldFile, try_lock
from vidmem.models.features.storage.array_file import ENDING, StoredRows

_ABOUT, _LOCK = "about.json", "lock"
_UNFINISHED = ".part"
_FORMAT = 1
_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")
_ARRAY_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EntryRecord:
    """What `about.json` says."""

    key: Mapping[str, Any]
    """`FeatureKey.to_json`."""

    arrays: Mapping[str, StoredRows] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What its writer has to know beside the arrays, as JSON holds it."""

    is_complete: bool = False
    """Nothing is to be added any more."""

    def __post_init__(self) -> None:
        for name in self.arrays:
            check_array_name(name)

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """The inverse of `to_json`; `ValueError`, `KeyError` or `TypeError` if it is no record."""
        if values["format"] != _FORMAT:
            raise ValueError(f"it is of format {values['format']}, and {_FORMAT} is known")
        if not isinstance(values["key"], dict) or not isinstance(values["notes"], dict):
            raise TypeError("its key and notes must be objects")
        return cls(
            key=values["key"],
            arrays={name: StoredRows.from_json(one) for name, one in values["arrays"].items()},
            notes=values["notes"],
            is_complete=values["is_complete"] is True,
        )

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "format": _FORMAT,
            "key": self.key,
            "is_complete": self.is_complete,
            "arrays": {name: one.to_json() for name, one in self.arrays.items()},
            "notes": self.notes,
        }


@dataclass(frozen=True)
class StoreEntry:
    """One folder of the store, there or not."""

    folder: Path

    @classmethod
    def all_in(cls, folder: Path) -> list[StoreEntry]:
        """Those in a store's folder; other things in it are left alone."""
        return [
            cls(path)
            for path in folder.glob("*")
            if _FOLDER_NAME.fullmatch(path.name) and path.is_dir()
        ]

    def array(self, name: str) -> Path:
        """An array's file."""
        return self.folder / f"{name}{ENDING}"

    @property
    def num_bytes(self) -> int:
        """Of all its files."""
        return sum(_size(path) for path in self.folder.glob("*"))

    @property
    def used_ns(self) -> int:
        """When it was last written or looked up."""
        for path in (self.folder / _ABOUT, self.folder / _LOCK, self.folder):
            try:
                return path.stat().st_mtime_ns
            except OSError:
                continue
        return 0

    def mark_used(self) -> None:
        """It is deleted last from now on."""
        try:
            os.utime(self.folder / _ABOUT)
        except OSError:
            _log.debug("%s could not be marked as used", self.folder)

    def read(self) -> EntryRecord | None:
        """What it says of itself; `None`: nothing, or nothing that can be understood."""
        try:
            return EntryRecord.from_json(read_json(self.folder / _ABOUT))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("features in %s are not used, they are damaged: %s", self.folder, error)
            return None

    def write(self, record: EntryRecord) -> None:
        """Say it from now on; `OSError` if that fails, and then what was said before stands."""
        part = self.folder / f"{_ABOUT}{_UNFINISHED}"
        text = json.dumps(record.to_json(), indent=1, allow_nan=False)
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # the bytes must be on the disk before the name is
        part.replace(self.folder / _ABOUT)
        _sync_folder(self.folder)

    def hold(self) -> HeldFile | None:
        """Keep others from writing or deleting it; `None`: somebody does.

        Raises:
            OSError: If its folder cannot be made.
        """
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                held = HeldFile.take(self.folder / _LOCK, tries=1)
            except FileNotFoundError:  # it is being deleted this moment
                continue
            if held is None or held.is_at(self.folder / _LOCK):
                return held
            held.release()  # of a folder that was deleted while this waited

    def clear(self) -> None:
        """Delete all but the lock, which the caller holds."""
        # What says what is there goes first: without it, nothing of the rest is believed.
        (self.folder / _ABOUT).unlink(missing_ok=True)
        (self.folder / f"{_ABOUT}{_UNFINISHED}").unlink(missing_ok=True)
        for path in self.folder.glob(f"*{ENDING}"):
            path.unlink(missing_ok=True)

    def is_in_use(self) -> bool:
        """Whether somebody writes it or has mapped its arrays."""
        with ExitStack() as stack:
            return not self._take(stack)

    def delete_unless_in_use(self) -> bool:
        """Whether it is gone."""
        with ExitStack() as stack:
            if not self._take(stack):
                return False
            try:
                self.clear()
                (self.folder / _LOCK).unlink(missing_ok=True)
                self.folder.rmdir()
            except OSError as error:
                _log.warning("features in %s could not be deleted: %s", self.folder, error)
                return False
        return True

    def _take(self, stack: ExitStack) -> bool:
        """Hold it, and the arrays against being mapped; whether that was possible."""
        try:
            held = self.hold()
            if held is None:
                return False
            stack.callback(held.release)
            files = [stack.enter_context(path.open("rb")) for path in self._arrays()]
        except OSError:
            return False
        return all(try_lock(file.fileno()) for file in files)

    def _arrays(self) -> list[Path]:
        return list(self.folder.glob(f"*{ENDING}"))


def check_array_name(name: str) -> None:
    """Raise `ValueError` for what could not be the name of its file."""
    if not _ARRAY_NAME.fullmatch(name):
        raise ValueError(f"an array's name must be small letters, digits and _, got {name!r}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # another process has just deleted it
        return 0


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
