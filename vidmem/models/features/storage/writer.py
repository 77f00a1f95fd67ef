"""Features of one video on their way to disk, piece by piece."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from vidmem.errors import StorageError
from vidmem.holding import HeldFile
from vidmem.models.features.storage.array_file import StoredRows, append_rows, restore
from vidmem.models.features.storage.entry import EntryRecord, StoreEntry, check_array_name
from vidmem.models.features.storage.key import FeatureKey
from vidmem.units import MIB

if TYPE_CHECKING:
    from vidmem.models.features.storage.store import FeatureStore

PIECE_BYTES = 4 * MIB
"""So much is collected before it is written and waited for; a process that is killed loses it."""

_log = logging.getLogger(__name__)


class FeatureWriter:
    """Arrays of one video, to which rows are added; a context manager.

    Left without `complete`, by an exception or not, it keeps what is there for the next writer.
    Killed, it keeps all pieces but the last.
    """

    def __init__(
        self, store: FeatureStore, key: FeatureKey, entry: StoreEntry, held: HeldFile
    ) -> None:
        """Take up what is there; `FeatureStore.writer` makes one."""
        self._store, self._key, self._entry, self._held = store, key, entry, held
        self._pending: dict[str, list[Tensor]] = {}
        self._pending_bytes = 0
        self._record = self._kept = self._restored() or EntryRecord(key=key.to_json())

    @property
    def is_complete(self) -> bool:
        """Whether all is there, and nothing is to be added."""
        return self._record.is_complete

    @property
    def notes(self) -> Mapping[str, Any]:
        """As they were last given; a writer that takes up what was left has those of the rows."""
        return self._record.notes

    def num_rows(self, name: str) -> int:
        """Rows of an array so far; 0 where there is none."""
        rows = sum(map(len, self._pending.get(name, [])))
        return rows + (len(self._record.arrays[name]) if name in self._record.arrays else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.sync()
            elif not issubclass(kind, StorageError):
                self._sync_quietly()
        finally:
            self.close()

    def append(self, arrays: Mapping[str, Tensor], notes: Mapping[str, Any] | None = None) -> None:
        """Add rows to some arrays, together.

        Args:
            arrays: By name, `[N, ...]` on any device, in float16, float32, float64 or int64.
            notes: From now on, once these rows are on the disk; `None`: as before.

        Raises:
            ValueError: If an array's rows have another shape or type than those before, a number
                is not finite, or all is complete.
            StorageError: If the disk is full, or the store has no room.
        """
        if self.is_complete:
            raise ValueError("these features are complete: nothing can be added")
        for name, rows in arrays.items():
            self._check(name, rows)
        for name, rows in arrays.items():
            kept = rows.detach().cpu()
            self._pending.setdefault(name, []).append(kept)
            self._pending_bytes += kept.nbytes
        if notes is not None:
            self._record = replace(self._record, notes=json.loads(json.dumps(notes)))
        if self._pending_bytes >= PIECE_BYTES:
            self.sync()

    def sync(self) -> None:
        """Have all rows so far on the disk.

        Raises:
            StorageError: If the disk is full, or the store has no room.
        """
        if not self._pending and self._record == self._kept:
            return
        # Before writing: the folder never holds more than it may.
        self._store.make_room(self._pending_bytes)
        try:
            arrays = dict(self._record.arrays)
            for name, pieces in self._pending.items():
                rows = torch.cat(pieces)
                before = arrays.get(name, StoredRows.empty_like(rows))
                arrays[name] = append_rows(self._entry.array(name), before, rows)
            self._record = replace(self._record, arrays=arrays)
            self._entry.write(self._record)
        except OSError as error:
            raise self._store.failure(self._key, error) from error
        self._kept = self._record
        self._pending, self._pending_bytes = {}, 0

    def complete(self, notes: Mapping[str, Any] | None = None) -> None:
        """All rows are there: from now on they are found.

        Raises:
            StorageError: As `sync`.
        """
        self.append({}, notes)
        before = self._record
        self._record = replace(before, is_complete=True)
        try:
            self.sync()
        except StorageError:
            self._record = before
            raise

    def clear(self) -> None:
        """Begin anew.

        Raises:
            StorageError: If what is there cannot be deleted.
        """
        try:
            self._entry.clear()
        except OSError as error:
            raise self._store.failure(self._key, error) from error
        self._pending, self._pending_bytes = {}, 0
        self._record = self._kept = EntryRecord(key=self._key.to_json())

    def close(self) -> None:
        """Let others write; what was not `sync`ed is lost."""
        self._held.release()

    def _restored(self) -> EntryRecord | None:
        """What an earlier writer left, rows that were not finished cut off."""
        record = self._entry.read()
        try:
            if record is not None and self._key.is_told_by(record.key):
                for name, one in record.arrays.items():
                    restore(self._entry.array(name), one)
                return record
        except (OSError, ValueError) as error:
            _log.warning("features in %s are made anew: %s", self._entry.folder, error)
        self._entry.clear()
        return None

    def _sync_quietly(self) -> None:
        try:
            self.sync()
        except StorageError as error:  # what is on its way up says more
            _log.warning("%s", error)

    def _check(self, name: str, rows: Tensor) -> None:
        pieces, kept = self._pending.get(name), self._record.arrays.get(name)
        before = kept or StoredRows.empty_like(pieces[0] if pieces else rows)
        check_array_name(name)
        before.check_fits(name, rows)
        if not bool(rows.isfinite().all()):
            raise ValueError(f"{name} must be finite in {before.dtype}")
