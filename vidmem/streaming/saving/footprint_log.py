"""A memory timeline as a file that grows while the run goes on: a line per sample or event."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vidmem.errors import SettingError, StorageError
from vidmem.profiling import FootprintEvent, FootprintSample
from vidmem.streaming.saving.outputs import keep_previous, open_locked

logger = logging.getLogger(__name__)

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")
COLUMNS = ("seconds", *FootprintSample.__dataclass_fields__, "event", "text")


class FootprintLog:
    """Writes at most a sample per `every_seconds`, the last one, and every event.

    Where streams have names, each row also has the sizes of their states: a column `state_bytes
    of NAME` each in a CSV file, a field `streams` with the bytes by name in JSON lines.

    A disk that is full ends the log with a warning, and not the run.
    """

    def __init__(
        self, path: Path, *, every_seconds: float = 1.0, streams: Sequence[str] = ()
    ) -> None:
        """Begin the file; one that is already there is kept as `<name>.previous`.

        Args:
            path: Its name says how it is written.
            every_seconds: Between two samples, at least.
            streams: The names that a CSV file gets columns for.

        Raises:
            SettingError: If its name does not say how to write it.
            StorageError: If it cannot be written, is no file, or another run writes to it.
        """
        if path.suffix.lower() not in SUFFIXES:
            raise SettingError(
                f"a memory log is written as JSON lines (.jsonl) or CSV (.csv), got {path.name}"
            )
        self.path, self._every_seconds = path, every_seconds
        self._is_csv = path.suffix.lower() == ".csv"
        self._due = 0.0
        self._waiting: dict[str, Any] | None = None
        try:
            # newline="": `csv` ends lines itself.
            self._file = os.fdopen(_begin(path), "w", encoding="utf-8", newline="")
            columns = (*COLUMNS, *map(_column, streams))
            self._csv = csv.DictWriter(self._file, columns, lineterminator="\n")
            if self._is_csv:
                self._csv.writeheader()
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def sampled(
        self, seconds: float, held: FootprintSample, state_bytes: Mapping[str, int]
    ) -> None:
        """Write a sample, if it is time for one."""
        row: dict[str, Any] = {"seconds": round(seconds, 3), **asdict(held)}
        if self._is_csv:
            row |= {_column(name): count for name, count in state_bytes.items()}
        elif state_bytes:
            row["streams"] = dict(state_bytes)
        if seconds < self._due:
            self._waiting = row
            return
        self._due, self._waiting = seconds + self._every_seconds, None
        self._write(row)

    def happened(self, event: FootprintEvent) -> None:
        """Write an event."""
        seconds = round(event.seconds, 3)
        row = {"num_clips": event.clip, "event": event.kind, "text": event.text}
        self._write({"seconds": seconds, **row})

    def close(self) -> None:
        """Write the last sample, and end the file."""
        if self._waiting is not None:
            self._write(self._waiting)
            self._waiting = None
        if not self._file.closed:
            self._end()

    def _write(self, row: dict[str, Any]) -> None:
        if self._file.closed:
            return
        known = {name: value for name, value in row.items() if value is not None}
        try:
            if self._is_csv:
                self._csv.writerow(known)
            else:
                self._file.write(json.dumps(known, allow_nan=False) + "\n")
            self._file.flush()  # so that the file can be followed while the run goes on
        except OSError as error:
            logger.warning("%s is not written any more: %s", self.path, error.strerror)
            self._end()

    def _end(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # what could not be written before cannot be now
            logger.warning("%s: %s", self.path, error.strerror)


def _begin(path: Path) -> int:
    """Open the file, empty and locked, once what was there has another name."""
    descriptor = open_locked(path, os.O_RDWR | os.O_CREAT)
    if not os.fstat(descriptor).st_size:
        return descriptor
    try:
        previous = keep_previous(path)
        newer = open_locked(path, os.O_RDWR | os.O_CREAT)
    finally:
        os.close(descriptor)
    name = previous.name if previous else ""
    logger.warning("%s was there already and is now %s", path, name)
    return newer


def _column(stream: str) -> str:
    return f"state_bytes of {stream}"
