"""Tables as people and programs save them: separators, quotes, times, cells that are formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidmem.errors import LabelError
from vidmem.labels.formats.collecting import Collector, number_or_none

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}

MAX_LINES = 5_000_000
"""Two days at 25 frames a second."""

MAX_COLUMNS = 10_000

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,9})?)")
_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:[.,]\d{0,18})?|[.,]\d{1,18})(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Row:
    """A row of a table, by its columns."""

    number: int
    """As spreadsheets count: the header is 1, where it is the first line."""

    cells: Mapping[str, str]
    """By the column's name in small letters; cells that are missing are empty."""

    @property
    def place(self) -> str:
        """For a problem."""
        return f"row {self.number}"

    def get(self, *names: str) -> str:
        """The cell of the first of these columns that there is, without space around it."""
        for name in names:
            if name in self.cells:
                return self.cells[name].strip()
        return ""


def delimiter_of(text: str) -> str:
    """What stands between the cells: what the first lines have most of, outside of quotes."""
    head = re.sub(r'"[^"]*"', "", text[:4096]).split("\n")[:20]
    counts = {one: sum(line.count(one) for line in head) for one in DELIMITERS}
    return max(counts, key=counts.__getitem__) if any(counts.values()) else ","


def read_rows(
    text: str, delimiter: str, max_columns: int = MAX_COLUMNS
) -> Iterator[tuple[int, list[str]]]:
    """The lines of a table with their number, from 1; a cell may have line breaks.

    Raises:
        LabelError: If a quote is never closed, a cell is longer than 128 KiB, or there are more
            lines or columns than anybody has.
    """
    if text.count("\n") > MAX_LINES:
        raise LabelError(f"it has more than {MAX_LINES} lines; split it")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    number = 1
    try:
        for cells in reader:
            if len(cells) > max_columns:
                raise LabelError(f"line {number} has more than {max_columns} cells")
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"line {reader.line_num} is no line of a table: {error}") from error


def table_of(collector: Collector, text: str, needed: Sequence[tuple[str, ...]] = ()) -> list[Row]:
    """A table whose first line names its columns, without empty lines.

    Args:
        collector: Takes notes and problems.
        text: The table.
        needed: Columns that it must have, each by any of its names.

    Raises:
        LabelError: If it is none, or lacks a column: the message names the file.
    """
    delimiter = delimiter_of(text)
    if delimiter == ";":
        collector.note("has semicolons between its cells")
    try:
        lines = [(n, one) for n, one in read_rows(text, delimiter) if any(c.strip() for c in one)]
    except LabelError as error:
        raise LabelError(f"{collector.path}: {error}") from error
    if not lines:
        raise LabelError(f"{collector.path} is empty; a table begins with the names of its columns")
    header = [name.strip().casefold() for name in lines[0][1]]
    for names in needed:
        if not set(names) & set(header):
            raise LabelError(
                f"{collector.path} has no column {names[0]}; its columns are "
                f"{', '.join(header)[:200]}"
            )
    return rows_of(collector, lines)


def rows_of(collector: Collector, lines: Sequence[tuple[int, list[str]]]) -> list[Row]:
    """Rows below a header, by its columns; cells beyond them are named as a problem."""
    header = [name.strip().casefold() for name in lines[0][1]]
    rows = []
    for number, cells in lines[1:]:
        if len(cells) > len(header) and any(one.strip() for one in cells[len(header) :]):
            what = f"has {len(cells)} cells, and the header names {len(header)} columns"
            collector.problem(f"row {number}", "damaged", what, "the cells beyond are left out")
        padded = [*cells, *[""] * (len(header) - len(cells))]
        # Of two columns of one name the first counts.
        pairs = zip(reversed(header), reversed(padded[: len(header)]), strict=True)
        rows.append(Row(number, dict(pairs)))
    return rows


def seconds_of(collector: Collector, text: str) -> float | None:
    """As `parse_seconds`; what is not plain seconds is noted once."""
    seconds = parse_seconds(text)
    if seconds is not None:
        if "," in text:
            collector.note("has decimal commas")
        if colons := text.count(":"):
            collector.note("has times as HH:MM:SS" if colons > 1 else "has times as MM:SS")
    return seconds


def parse_seconds(text: str) -> float | None:
    """A time in seconds: `12.5`, `12,5`, `MM:SS` or `HH:MM:SS.mmm`; `None`: it is none."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return number_or_none(text.replace(",", "."))
    if (found := _CLOCK.fullmatch(text)) is None:
        return None
    hours, minutes, seconds = found.groups()
    rest = float(seconds.replace(",", "."))
    return int(hours or 0) * 3600 + int(minutes) * 60 + rest if rest < 60 else None


def csv_text(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """A table as text, lines ended by a line feed; cells are quoted where they must be."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
    return text.getvalue()


def decimal(seconds: float, least: int = 3) -> str:
    """A number of seconds to the microsecond, with at least so many decimals."""
    whole, _, rest = f"{seconds:.6f}".partition(".")
    kept = rest.rstrip("0")
    return f"{whole}.{kept.ljust(least, '0')}" if least or kept else whole
