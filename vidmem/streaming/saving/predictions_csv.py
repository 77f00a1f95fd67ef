"""Predictions on disk as they come: one append-only CSV file per run."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidmem.errors import StateError, StorageError
from vidmem.files import axes_cell, guarded, open_regular
from vidmem.models.interface import CardAxis
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.saving.outputs import (
    keep_previous,
    lock,
    open_locked,
    sync_folder,
    unlock,
)

PIECE_BYTES = 1 << 20
"""Read at a time; the header of a file is shorter."""

FIRST_COLUMNS = ("start_seconds", "end_seconds", "label", "probability", "remembered")
LAST_COLUMNS = ("gap", "unlikeness", "model", "settings")
"""Behind the classes, where older readers do not look."""
AXES_COLUMN = "axes"
"""The last one in files of models of several axes: which classes are of which axis."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileMark:
    """How far a predictions file is written: all up to here belongs to a saved state."""

    name: str | None = None
    """The file's name when it was written; it may have another now. `None`: no file is written."""

    num_rows: int = 0
    num_bytes: int = 0

    sha256: str = ""
    """Of these bytes; empty in states of earlier versions."""

    number: int = 1
    """Of the file in its run: a model with other classes begins another one; 0: not known, as in
    states of earlier versions."""

    def check(self) -> None:
        """Raise `ValueError` where these can be of no file."""
        is_path = self.name is not None and (
            self.name != Path(self.name).name or self.name in ("", ".", "..") or "\0" in self.name
        )
        if is_path or min(self.num_rows, self.num_bytes, self.number) < 0:
            raise ValueError(f"mark is of no predictions file: {self!r:.200}")


class PredictionFile:
    """A predictions.csv, open at its end, and locked against other runs.

    Each row is one write to the operating system, so that a crash of this process loses none; a row
    that could not be written whole is taken back, and what stood before it stays.
    """

    def __init__(
        self,
        path: Path,
        class_names: tuple[str, ...],
        descriptor: int,
        axes: tuple[CardAxis, ...] = (),
    ) -> None:
        """Take over an open file, empty; `create` and `reopen` make one."""
        self.path = path
        self.num_rows = self.num_bytes = 0
        self.class_names = class_names
        self._last_columns = last_columns(axes)
        self._descriptor: int | None = descriptor
        self._digest = hashlib.sha256()
        self._is_name_synced = False
        self._is_locked = True

    @classmethod
    def create(
        cls, path: Path, class_names: tuple[str, ...], axes: tuple[CardAxis, ...] = ()
    ) -> PredictionFile:
        """Start a new file; one that is already there is kept as `<name>.previous`.

        Further ones are `<name>.previous-2` and so on: they are for people to delete, not for us.
        A file with nothing but the header of predictions is not kept.

        Raises:
            StorageError: If the folder is missing or cannot be written to, if what is there is no
                file, or if another run writes to it.
        """
        with storage_errors(path):
            file = cls(path, class_names, open_locked(path, os.O_RDWR | os.O_CREAT), axes)
        try:
            file._begin()
        except BaseException:
            file.close()
            raise
        return file

    def _begin(self) -> None:
        assert self._descriptor is not None
        with storage_errors(self.path):
            if not _is_blank(self._descriptor):
                previous = keep_previous(self.path)
                # The older one stays locked until its name is taken again.
                older = self._descriptor
                self._descriptor = open_locked(self.path, os.O_RDWR | os.O_CREAT)
                os.close(older)
                name = previous.name if previous else ""
                logger.warning("%s was there already and is now %s", self.path, name)
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._write(header_line(self.class_names, self._last_columns))

    @classmethod
    def reopen(
        cls,
        path: Path,
        class_names: tuple[str, ...],
        mark: FileMark,
        axes: tuple[CardAxis, ...] = (),
    ) -> PredictionFile:
        """Go on after `mark`; rows behind it, which the saved stream will make again, are cut off.

        Raises:
            StateError: If the file is missing, or its part up to the mark is not what the saved
                stream wrote.
            StorageError: If another run writes to it, or it cannot be written.
        """
        try:
            file = cls(path, class_names, open_locked(path, os.O_RDWR), axes)
        except OSError as error:
            raise StateError(
                f"the saved stream wrote {mark.num_rows} predictions to {mark.name}, and {path} "
                f"cannot be read now: {error.strerror}"
            ) from error
        try:
            file._take_up(mark)
        except BaseException:
            file.close()
            raise
        return file

    def _take_up(self, mark: FileMark) -> None:
        """Check that the file begins as the mark says, and cut off what is behind."""
        assert self._descriptor is not None
        path = self.path
        num_bytes = os.fstat(self._descriptor).st_size
        if num_bytes < mark.num_bytes:
            raise StateError(
                f"{path} has {num_bytes} bytes, the saved stream had written {mark.num_bytes}: "
                "it is another file, or was changed since"
            )
        start = b""
        for piece in _pieces(self._descriptor, mark.num_bytes):
            start = start or piece
            self._digest.update(piece)
        if not start.startswith(header_line(self.class_names, self._last_columns)):
            # Earlier versions wrote no last columns, or names as they are: such a file may be gone
            # on with, and goes on as it began.
            raw = csv_line([*FIRST_COLUMNS, *self.class_names])
            if not start.startswith((header_line(self.class_names, ()), raw)):
                raise StateError(f"{path} has other columns than the saved stream wrote")
            self._last_columns = ()
        if mark.sha256:
            is_same = self._digest.hexdigest() == mark.sha256
        else:
            columns = (*FIRST_COLUMNS, *self.class_names, *self._last_columns)
            is_same = _has_rows(self._descriptor, mark, len(columns))
        if not is_same:
            raise StateError(
                f"the first {mark.num_rows} rows of {path} are not those that the saved stream "
                "wrote: it is another file, or was changed since; give the file as it was, or "
                "start again without resume"
            )
        with storage_errors(path):
            os.ftruncate(self._descriptor, mark.num_bytes)
            os.lseek(self._descriptor, 0, os.SEEK_END)
        self.num_rows, self.num_bytes = mark.num_rows, mark.num_bytes

    @property
    def mark(self) -> FileMark:
        """How far the file is written."""
        return FileMark(self.path.name, self.num_rows, self.num_bytes, self._digest.hexdigest())

    def append(self, prediction: Prediction) -> None:
        """Write one row.

        Raises:
            StorageError: If it cannot be written; all earlier rows are still there.
        """
        last = _last_cells(prediction)
        cells = [*prediction_row(prediction), *(last[name] for name in self._last_columns)]
        self._write(csv_line(cells))
        self.num_rows += 1

    def sync(self) -> None:
        """Return when all rows are on the disk itself, and the file's name with them."""
        if self._descriptor is not None:
            with storage_errors(self.path):
                os.fsync(self._descriptor)
                if not self._is_name_synced:
                    sync_folder(self.path.parent)
                    self._is_name_synced = True

    def release(self) -> None:
        """Let other runs write the file, until the next row is written."""
        if self._descriptor is not None and self._is_locked:
            unlock(self._descriptor)
            self._is_locked = False

    def close(self) -> None:
        """Close the file; it stays as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:  # a descriptor, unlike a file object, is not closed by itself
        self.close()

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None, "the file is closed"
        with storage_errors(self.path):
            self._lock_again()
            # On POSIX a deleted file can be written to, and is gone with its last handle.
            if os.fstat(self._descriptor).st_nlink == 0:
                raise OSError(errno.ENOENT, "it was removed while it was being written")
            try:
                _write_all(self._descriptor, data)
            except OSError:
                with contextlib.suppress(OSError):  # the first error says what is wrong
                    os.ftruncate(self._descriptor, self.num_bytes)
                raise
        self._digest.update(data)
        self.num_bytes += len(data)

    def _lock_again(self) -> None:
        assert self._descriptor is not None
        if self._is_locked:
            return
        lock(self._descriptor, self.path)
        self._is_locked = True
        if os.fstat(self._descriptor).st_size != self.num_bytes:
            raise OSError(errno.ESTALE, "another run has written to it since this one ended")


def write_predictions(path: str | Path, predictions: Sequence[Prediction]) -> None:
    """Write a predictions.csv of one run at once; a file that is there already is kept beside it.

    Raises:
        StorageError: If it cannot be written.
        ValueError: If there are no predictions, so no columns either.
    """
    if not predictions:
        raise ValueError("there are no predictions to write")
    first = predictions[0]
    file = PredictionFile.create(Path(path), first.class_names, first.axes)
    try:
        for prediction in predictions:
            file.append(prediction)
        file.sync()
    finally:
        file.close()


def last_columns(axes: Sequence[CardAxis]) -> tuple[str, ...]:
    """The columns behind the classes of a model of such axes (`ModelCard.several_axes`)."""
    return (*LAST_COLUMNS, AXES_COLUMN) if axes else LAST_COLUMNS


def header_line(class_names: Iterable[str], last_columns: tuple[str, ...] = LAST_COLUMNS) -> bytes:
    """The first line: the names of the columns, those of classes `guarded`."""
    return csv_line([*FIRST_COLUMNS, *map(guarded, class_names), *last_columns])


def _last_cells(prediction: Prediction) -> dict[str, str]:
    unlikeness = prediction.unlikeness
    return {
        "gap": ";".join(
            f"{gap.start_seconds:.3f}-{gap.end_seconds:.3f}" for gap in prediction.gaps
        ),
        "unlikeness": "" if unlikeness is None else f"{unlikeness:.2f}",
        "model": guarded(prediction.model_name),
        "settings": prediction.settings,
        AXES_COLUMN: axes_cell((axis.name, axis.class_names) for axis in prediction.axes),
    }


def prediction_row(prediction: Prediction) -> list[str]:
    """A prediction as the cells of its row, up to the classes.

    Seconds are to the millisecond, probabilities to 1e-6.
    """
    return [
        f"{prediction.start_seconds:.3f}",
        f"{prediction.end_seconds:.3f}",
        guarded(prediction.label),
        f"{prediction.probability:.6f}",
        str(prediction.num_remembered),
        *(f"{probability:.6f}" for probability in prediction.probabilities),
    ]


def csv_line(cells: list[str]) -> bytes:
    """One line of CSV in UTF-8; cells with commas, quotes or line breaks are quoted."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    # A name from JSON may hold half a surrogate pair, which is no text.
    return text.getvalue().encode(errors="backslashreplace")


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Trouble with a file of results is a `StorageError` that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; what was written before is kept"
        ) from error


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # one call may write a part only
        rest = rest[os.write(descriptor, rest) :]


def _pieces(descriptor: int, num_bytes: int) -> Iterator[bytes]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    while num_bytes > 0 and (piece := os.read(descriptor, min(num_bytes, PIECE_BYTES))):
        num_bytes -= len(piece)
        yield piece


def _has_rows(descriptor: int, mark: FileMark, num_cells: int) -> bool:
    """Whether the part up to a mark is a header and so many whole rows."""
    data = b"".join(_pieces(descriptor, mark.num_bytes))
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError):
        return False
    is_whole = data.endswith(b"\n") and len(rows) == mark.num_rows + 1
    return is_whole and all(len(row) == num_cells for row in rows)


def _is_blank(descriptor: int) -> bool:
    """Whether a file holds nothing that anybody may want: it is empty, or a header and no row."""
    if os.fstat(descriptor).st_size > PIECE_BYTES:
        return False
    data = b"".join(_pieces(descriptor, PIECE_BYTES))
    is_header = data.startswith(csv_line(list(FIRST_COLUMNS)).rstrip()) and data.endswith(b"\n")
    try:
        return not data or (is_header and len(list(csv.reader(io.StringIO(data.decode())))) == 1)
    except (csv.Error, UnicodeDecodeError):
        return False


def has_rows(path: Path) -> bool:
    """Whether a predictions file is there and holds more than its header."""
    try:
        descriptor = open_regular(path)
    except OSError:
        return False
    try:
        return not _is_blank(descriptor)
    finally:
        os.close(descriptor)
