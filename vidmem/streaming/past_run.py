"""What a run left in its files, read back: its predictions, and where it can go on."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Self

from vidmem.errors import SettingError, StorageError
from vidmem.files import open_regular, read_axes_cell, unguarded
from vidmem.models.interface import CardAxis, StreamModel
from vidmem.streaming.prediction import Prediction
from vidmem.streaming.saved_run import SavedRun
from vidmem.streaming.saving.identity import SourceIdentity
from vidmem.streaming.saving.predictions_csv import AXES_COLUMN, FIRST_COLUMNS, LAST_COLUMNS
from vidmem.streaming.settings import StreamSettings
from vidmem.video.sampling import Gap, Window

MAX_LINE_BYTES = 1 << 20
"""A row is shorter."""

_GAP = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class SavedPlace:
    """Where a run can go on, as its state file has it."""

    seconds: float
    """Source time at which its next window starts."""

    next_index: int
    """Of that window."""

    is_finished: bool
    """Nothing is left to do."""

    settings: StreamSettings
    pending: tuple[Prediction, ...]
    """Predictions that were not final, oldest first; what comes after them will settle them."""

    file_name: str | None
    """Of the predictions file that it goes on with, beside the state; `None`: it wrote none."""

    num_rows: int
    """Of that file, which the state counts; rows behind them will be made again."""

    num_bytes: int
    """That these rows take, with the header."""

    @classmethod
    def read(cls, state: str | Path, model: StreamModel, video: str | Path) -> Self:
        """Read a state file.

        Args:
            state: That a run of `video` with `model` saved.
            model: As it was; see Raises.
            video: As it was, or longer, as one that is still recorded.

        Raises:
            StateError: If the file is missing or damaged, or of another model or video.
            VideoNotFoundError: If the video cannot be read.
        """
        path = Path(state)
        run = SavedRun.read(path, model, SourceIdentity.of(Path(video)))
        return cls(
            seconds=run.position.next_frame / run.settings.fps,
            next_index=run.position.next_index,
            is_finished=run.is_finished,
            settings=run.settings,
            pending=run.stream_state(model).pending,
            file_name=run.mark.name,
            num_rows=run.mark.num_rows,
            num_bytes=run.mark.num_bytes,
        )


def read_class_names(path: str | Path) -> tuple[str, ...]:
    """The classes of a predictions file, in order.

    Raises:
        StorageError: If it cannot be read, or is none.
    """
    with _opened(path) as file:
        return _Columns.of(path, next(csv.reader(_lines(file, None)), [])).class_names


def read_axes(path: str | Path) -> tuple[CardAxis, ...]:
    """The axes of the classes of a predictions file; empty: it has one, or no row yet.

    Raises:
        StorageError: If it cannot be read, or is none.
    """
    with _opened(path) as file:
        rows = csv.reader(_lines(file, None))
        columns = _Columns.of(path, next(rows, []))
        return columns.axes(next(rows, []))


def read_predictions(
    path: str | Path,
    settings: StreamSettings,
    *,
    num_bytes: int | None = None,
    first_index: int = 0,
) -> Iterator[Prediction]:
    """The predictions in a file, one by one, as far as the file has them.

    All are final. What they cost, which clips were remembered, and why there are gaps is not in the
    file. What is no row, such as the last one of a run that was killed, is left out.

    Args:
        path: A predictions.csv.
        settings: Of the run; what a row says of its own comes first.
        num_bytes: Read so many bytes; `None`: all.
        first_index: Of the first row's window.

    Raises:
        StorageError: If it cannot be read, or is no file of predictions.
    """
    with _opened(path) as file:
        rows = csv.reader(_lines(file, num_bytes))
        columns = _Columns.of(path, next(rows, []))
        index = first_index
        try:
            for cells in rows:
                settings = columns.settings(cells, settings)
                prediction = columns.prediction(cells, index, settings)
                if prediction is not None:
                    yield prediction
                    index += 1
        except (csv.Error, OSError) as error:
            raise StorageError(f"{path} cannot be read any further: {error}") from error


@dataclass(frozen=True)
class _Columns:
    """Where in a row what stands."""

    class_names: tuple[str, ...]
    last: tuple[str, ...]

    @classmethod
    def of(cls, path: str | Path, header: list[str]) -> _Columns:
        if tuple(header[: len(FIRST_COLUMNS)]) != FIRST_COLUMNS:
            raise StorageError(f"{path} is no file of predictions: its header is another")
        ends = ((*LAST_COLUMNS, AXES_COLUMN), LAST_COLUMNS)
        last = next((one for one in ends if tuple(header[-len(one) :]) == one), ())
        names = header[len(FIRST_COLUMNS) : len(header) - len(last)]
        if not names:
            raise StorageError(f"{path} is no file of predictions: it has no class")
        return cls(tuple(map(unguarded, names)), last)

    def _last_cells(self, cells: list[str]) -> dict[str, str]:
        return dict(zip(self.last, cells[len(cells) - len(self.last) :], strict=False))

    def axes(self, cells: list[str]) -> tuple[CardAxis, ...]:
        """Those that a row names."""
        return _axes_of(self._last_cells(cells).get(AXES_COLUMN, ""), self.class_names)

    def settings(self, cells: list[str], before: StreamSettings) -> StreamSettings:
        """Those of a row; as before where it names none."""
        try:
            return before.with_summary(self._last_cells(cells).get("settings", ""))
        except SettingError:  # of a file that somebody has edited
            return before

    def prediction(
        self, cells: list[str], index: int, settings: StreamSettings
    ) -> Prediction | None:
        if len(cells) != len(FIRST_COLUMNS) + len(self.class_names) + len(self.last):
            return None
        last = self._last_cells(cells)
        try:
            start, end, probability = (float(cells[place]) for place in (0, 1, 3))
            scores = tuple(map(float, cells[len(FIRST_COLUMNS) : len(cells) - len(self.last)]))
            remembered = int(cells[4])
            unlikeness = float(last["unlikeness"]) if last.get("unlikeness") else None
        except ValueError:
            return None
        if not 0 <= start < end < math.inf or not all(map(math.isfinite, scores)):
            return None
        num_real = max(1, min(settings.clip_frames, round((end - start) * settings.fps)))
        return Prediction(
            index=index,
            window=Window(
                index=index,
                start_frame=round(start * settings.fps),
                num_frames=settings.clip_frames,
                num_real_frames=num_real,
                start_seconds=start,
                end_seconds=end,
                is_last=False,
            ),
            start_seconds=start,
            end_seconds=end,
            label=unguarded(cells[2]),
            probability=probability,
            probabilities=scores,
            class_names=self.class_names,
            axes=self.axes(cells),
            num_real_frames=num_real,
            num_remembered=remembered,
            remembered=(),
            l_mem=settings.l_mem,
            state_bytes=0,
            model_seconds=0.0,
            gaps=tuple(
                Gap(start_seconds=float(one), end_seconds=float(other), reason="")
                for one, other in _GAP.findall(last.get("gap", ""))
            ),
            unlikeness=unlikeness,
            model_name=unguarded(last.get("model", "")),
            settings=settings.summary,
        )


@lru_cache(maxsize=16)
def _axes_of(cell: str, class_names: tuple[str, ...]) -> tuple[CardAxis, ...]:
    """Of a row: all rows of a file have the same."""
    try:
        return tuple(CardAxis(axis, names) for axis, names in read_axes_cell(cell, class_names))
    except ValueError:  # of a file that somebody has edited
        return ()


def _opened(path: str | Path) -> IO[bytes]:
    try:
        return os.fdopen(open_regular(path), "rb")
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error


def _lines(file: IO[bytes], num_bytes: int | None) -> Iterator[str]:
    """Whole lines; what stands behind the last end of one is half a row."""
    left = math.inf if num_bytes is None else num_bytes
    while left > 0 and (line := file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
        left -= len(line)
        if left >= 0:
            yield line.decode("utf-8", "backslashreplace")
