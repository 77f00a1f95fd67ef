"""Predictions on disk as they come: one append-only CSV file per run."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import StateError, StorageError
from vidmem.streaming.prediction import Prediction

FIRST_COLUMNS = ("start_seconds", "end_seconds", "label", "probability", "remembered")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileMark:
    """How far a predictions file is written: all up to here belongs to a saved state."""

    name: str | None = None
    """The file's name; its folder may have been moved since. `None`: no file is written."""

    num_rows: int = 0
    num_bytes: int = 0


class PredictionFile:
    """A predictions.csv, open at its end.

    Each row is one write to the operating system, so that a crash of this process loses none; a row
    that could not be written whole is taken back, and what stood before it stays.
    """

    def __init__(self, path: Path, class_names: tuple[str, ...], mark: FileMark) -> None:
        self.path = path
        self.num_rows = mark.num_rows
        self.num_bytes = mark.num_bytes
        self.class_names = class_names
        self._descriptor: int | None = None
        with storage_errors(path):
            self._descriptor = os.open(path, _WRITE_FLAGS, 0o666)
            if os.fstat(self._descriptor).st_size > self.num_bytes:
                os.ftruncate(self._descriptor, self.num_bytes)
            os.lseek(self._descriptor, 0, os.SEEK_END)

    @classmethod
    def create(cls, path: Path, class_names: tuple[str, ...]) -> PredictionFile:
        """Start a new file; one with rows that is already there is kept as `<name>.previous`.

        Further ones are `<name>.previous-2` and so on: they are for people to delete, not for us.

        Raises:
            StorageError: If the folder is missing or cannot be written to.
        """
        if has_rows(path):
            previous = _free_name(path.with_name(f"{path.name}.previous"))
            with storage_errors(path):
                path.replace(previous)
            logger.warning("%s was there already and is now %s", path, previous.name)
        file = cls(path, class_names, FileMark())
        try:
            file._write(csv_line([*FIRST_COLUMNS, *class_names]))
        except StorageError:
            file.close()
            raise
        return file

    @classmethod
    def reopen(cls, path: Path, class_names: tuple[str, ...], mark: FileMark) -> PredictionFile:
        """Go on after `mark`; rows behind it, which the saved stream will make again, are cut off.

        Raises:
            StateError: If the file is missing, shorter than the mark, or has other columns.
        """
        header = csv_line([*FIRST_COLUMNS, *class_names])
        try:
            num_bytes = path.stat().st_size
            with path.open("rb") as file:
                start = file.read(len(header))
        except OSError as error:
            raise StateError(
                f"the saved stream wrote {mark.num_rows} predictions to {path}, which cannot be "
                f"read now: {error.strerror}"
            ) from error
        if num_bytes < mark.num_bytes:
            raise StateError(
                f"{path} has {num_bytes} bytes, the saved stream had written {mark.num_bytes}: "
                "it is another file, or was changed since"
            )
        if start != header:
            raise StateError(f"{path} has other columns than the saved stream wrote")
        return cls(path, class_names, mark)

    @property
    def mark(self) -> FileMark:
        """How far the file is written."""
        return FileMark(self.path.name, self.num_rows, self.num_bytes)

    def append(self, prediction: Prediction) -> None:
        """Write one row.

        Raises:
            StorageError: If it cannot be written; all earlier rows are still there.
        """
        self._write(csv_line(prediction_row(prediction)))
        self.num_rows += 1

    def sync(self) -> None:
        """Return when all rows are on the disk itself."""
        if self._descriptor is not None:
            with storage_errors(self.path):
                os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; it stays as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None, "the file is closed"
        with storage_errors(self.path):
            # On POSIX a deleted file can be written to, and is gone with its last handle.
            if os.fstat(self._descriptor).st_nlink == 0:
                raise OSError(errno.ENOENT, "it was removed while it was being written")
            try:
                _write_all(self._descriptor, data)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self.num_bytes)
                raise
        self.num_bytes += len(data)


def write_predictions(path: str | Path, predictions: Sequence[Prediction]) -> None:
    """Write a predictions.csv of one run at once; a file that is there already is kept beside it.

    Raises:
        StorageError: If it cannot be written.
        ValueError: If there are no predictions, so no columns either.
    """
    if not predictions:
        raise ValueError("there are no predictions to write")
    file = PredictionFile.create(Path(path), predictions[0].class_names)
    try:
        for prediction in predictions:
            file.append(prediction)
        file.sync()
    finally:
        file.close()


def prediction_row(prediction: Prediction) -> list[str]:
    """A prediction as the cells of its row: seconds to the millisecond, probabilities to 1e-6."""
    return [
        f"{prediction.start_seconds:.3f}",
        f"{prediction.end_seconds:.3f}",
        prediction.label,
        f"{prediction.probability:.6f}",
        str(prediction.num_remembered),
        *(f"{probability:.6f}" for probability in prediction.probabilities),
    ]


def csv_line(cells: list[str]) -> bytes:
    """One line of CSV in UTF-8; cells with commas, quotes or line breaks are quoted."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Trouble with a file of results is a `StorageError` that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; what was written before is kept"
        ) from error


_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _free_name(path: Path) -> Path:
    """The path, or with `-2`, `-3` and so on where files of that name are there."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def has_rows(path: Path) -> bool:
    """Whether a predictions file holds more than its header."""
    try:
        with path.open("rb") as file:
            file.readline()
            return bool(file.readline())
    except OSError:
        return False
