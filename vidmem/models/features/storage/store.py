"""A bounded folder of features: one folder in it for each video, encoder, sampling and region."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vidmem.errors import StorageError
from vidmem.holding import try_lock
from vidmem.models.download import cache_folder
from vidmem.models.features.storage.array_file import map_rows
from vidmem.models.features.storage.entry import StoreEntry
from vidmem.models.features.storage.key import FeatureKey
from vidmem.models.features.storage.writer import FeatureWriter
from vidmem.units import file_size

_OLD_ENDINGS = (".features", ".part")
"""Of the files of versions before this one: never read, and deleted with what is oldest."""

DEFAULT_BYTES = 20_000_000_000
"""Some forty hours as they are taught by default. One for all who share a folder: who may hold less
deletes what others keep."""

SPARED_BYTES = 1_000_000_000
"""Of the disk's free space, which is not ours to fill to the last byte."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFeatures:
    """All arrays of a video."""

    arrays: dict[str, Tensor]
    """Mapped, not read into memory; on disk as long as one of these tensors, or a view, lives."""

    notes: Mapping[str, Any]
    """What their writer noted."""


@dataclass(frozen=True, kw_only=True)
class FeatureStore:
    """A folder of features that never holds more than `max_bytes`."""

    folder: Path = field(default_factory=lambda: cache_folder() / "features")
    """Made when something is written."""

    max_bytes: int = DEFAULT_BYTES
    """Beyond it, the features used longest ago are deleted; never those being written or in use."""

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, got {self.max_bytes}")

    @property
    def num_bytes(self) -> int:
        """Bytes of all features in the folder, those of unfinished videos included."""
        return sum(item.num_bytes for item in self._items())

    def find(self, key: FeatureKey) -> StoredFeatures | None:
        """The features of a video, if they are there and complete.

        All bytes are read once to check them: about half a second for 1 GiB.
        """
        entry = self._entry(key)
        record = entry.read()
        if record is None or not record.is_complete or not key.is_told_by(record.key):
            return None
        arrays = {}
        for name, one in record.arrays.items():
            try:
                arrays[name] = map_rows(entry.array(name), one)
            except (OSError, ValueError) as error:
                _log.warning("features in %s are not used: %s: %s", entry.folder, name, error)
                return None
        entry.mark_used()
        return StoredFeatures(arrays, record.notes)

    def writer(self, key: FeatureKey) -> FeatureWriter | None:
        """Where to put the features of a video, piece by piece; see `FeatureWriter`.

        What an earlier writer left unfinished is taken up again, if it is undamaged.

        Returns:
            `None`: somebody else is at them.

        Raises:
            StorageError: If nothing can be written there.
        """
        entry = self._entry(key)
        try:
            held = entry.hold()
            return None if held is None else FeatureWriter(self, key, entry, held)
        except OSError as error:
            raise self.failure(key, error) from error

    def check_room(self, wanted: Iterable[tuple[FeatureKey, int]]) -> None:
        """Refuse, before long work, what will not fit; nothing is deleted for it yet.

        Args:
            wanted: Videos whose features are needed side by side, and the bytes of each. What is
                there of them counts, makes no room, and is deleted last from now on.

        Raises:
            StorageError: If there is too little room even without all that is not in use.
        """
        own = {self._entry(key): num_bytes for key, num_bytes in wanted}
        num_bytes = sum(max(each - entry.num_bytes, 0) for entry, each in own.items())
        missing = self._missing_bytes(num_bytes)
        for item in self._items():
            if missing > 0 and item not in own and not item.is_in_use():
                missing -= item.num_bytes
        if missing > 0:
            raise self._no_room(num_bytes)
        for entry in own:  # what was refused is not used, and stays as old as it was
            entry.mark_used()

    def make_room(self, num_bytes: int) -> None:
        """Delete what was used longest ago, until as much more may be written.

        Raises:
            StorageError: If what is left is all in use.
        """
        missing = self._missing_bytes(num_bytes)
        if missing <= 0:
            return
        for item in sorted(self._items(), key=lambda item: item.used_ns):
            item_bytes = item.num_bytes
            if missing > 0 and item.delete_unless_in_use():
                missing -= item_bytes
        if missing > 0:
            raise self._no_room(num_bytes)

    def failure(self, key: FeatureKey, error: OSError) -> StorageError:
        """What people are told where the disk refuses."""
        return StorageError(
            f"the features of {key.video} could not be written to {self.folder}: "
            f"{error.strerror or error}; free some space, or choose another folder"
        )

    def _entry(self, key: FeatureKey) -> StoreEntry:
        return StoreEntry(self.folder / key.folder_name)

    def _items(self) -> list[StoreEntry | _OldFile]:
        old = [_OldFile(path) for path in self.folder.glob("*") if path.suffix in _OLD_ENDINGS]
        return [*StoreEntry.all_in(self.folder), *old]

    def _missing_bytes(self, num_bytes: int) -> int:
        """What has to go before as much can be written; 0 or less: nothing."""
        return max(self.num_bytes + num_bytes - self.max_bytes, num_bytes - self._free_bytes())

    def _free_bytes(self) -> int:
        """Of the disk, that may be written."""
        folder = self.folder.absolute()
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        try:
            return max(shutil.disk_usage(folder).free - SPARED_BYTES, 0)
        except OSError:  # the writing will tell
            return self.max_bytes

    def _no_room(self, num_bytes: int) -> StorageError:
        wanted, free = file_size(num_bytes), self._free_bytes()
        if num_bytes > free:
            return StorageError(
                f"{wanted} of features have to be written to {self.folder}, and the disk has "
                f"{file_size(free)} free, but for {file_size(SPARED_BYTES)} that are left alone: "
                "free some space, or choose another folder"
            )
        return StorageError(
            f"{wanted} more of features do not fit into {self.folder}, which may hold "
            f"{file_size(self.max_bytes)} with what is in use there: let it hold more (max_bytes; "
            "--features-gb of vidmem teach), or make fewer with a lower fps or tokens_per_frame"
        )


@dataclass(frozen=True)
class _OldFile:
    """What a version before this one kept; a process of that version may have it open."""

    path: Path
    used_ns: int = 0

    @property
    def num_bytes(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def is_in_use(self) -> bool:
        try:
            with self.path.open("rb") as file:
                return not try_lock(file.fileno())
        except OSError:
            return True

    def delete_unless_in_use(self) -> bool:
        if self.is_in_use():
            return False
        self.path.unlink(missing_ok=True)
        return True
