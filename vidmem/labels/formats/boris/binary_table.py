"""BORIS's binary table, which A-SOiD takes: a row per time step, a column per behaviour.

    time,lying,standing,drinking
    0.000,1,0,0
    0.100,1,0,1
    0.200,0,1,0

States are 1 or 0, points are counted. Steps begin at 0 and go on to the end of the video, inclusive
of it, so that the last row only says where it ends. A file is of one subject in one video.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import LabelError
from vidmem.files import guarded, unguarded
from vidmem.labels.formats.collecting import Collector, clean_name
from vidmem.labels.formats.format import Drafted, Format, Holds, WriteOptions
from vidmem.labels.formats.sampled import (
    MAX_SAMPLES,
    SampledFile,
    SampleMatrix,
    check_names,
    last_seconds,
    sample_labels,
    sheets_of,
    take_samples,
)
from vidmem.labels.formats.source import Source
from vidmem.labels.formats.tables import (
    csv_text,
    decimal,
    delimiter_of,
    read_rows,
    seconds_of,
)
from vidmem.labels.labels import Labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEPS_PER_SECOND = 10.0
"""Where nobody says otherwise: what A-SOiD wants."""

MAX_COUNT = 1000


def recognise(source: Source) -> bool:
    """Whether it has a time and otherwise counts alone."""
    lines = source.head.split("\n", 2)
    delimiter = delimiter_of(lines[0])
    names = [one.strip(' "').casefold() for one in lines[0].split(delimiter)]
    cells = [one.strip(' "') for one in lines[1].split(delimiter)] if len(lines) > 1 else []
    is_counts = len(cells) > 1 and all(_count_of(one) is not None for one in cells[1:])
    return names[0] == "time" and is_counts


def _count_of(cell: str) -> int | None:
    text = cell.strip().removesuffix(".0")
    is_count = text.isascii() and text.isdecimal() and len(text) < 5
    return int(text) if is_count and int(text) <= MAX_COUNT else None


def read(source: Source, collector: Collector) -> None:
    """Give the bouts of a subject to a collector; which one the file does not say."""
    try:
        lines = list(read_rows(source.text, delimiter_of(source.text)))
    except LabelError as error:
        raise LabelError(f"{source.path}: {error}") from error
    lines = [(number, cells) for number, cells in lines if any(one.strip() for one in cells)]
    names = [clean_name(unguarded(one)) for one in lines[0][1][1:]] if lines else []
    if not names or lines[0][1][0].strip().casefold() != "time":
        raise LabelError(f"{source.path} has no time in its first column, or no other column")
    check_names(source, names)
    if len(lines) * len(names) > MAX_SAMPLES:
        raise LabelError(f"{source.path} has more than {MAX_SAMPLES} cells; split it")
    times, values = _samples_of(collector, lines[1:], len(names))
    if len(times) < 2:
        raise LabelError(f"{source.path} has fewer than two rows that can be read, so no time step")
    # The last row says where it ends, so it lasts no time; a point there still counts.
    matrix = SampleMatrix(tuple(names), _matrix(values), 0)
    video = collector.only_video()
    take_samples(collector, SampledFile(video, "", matrix, [*times, times[-1]], lines[1][0]))


def _samples_of(
    collector: Collector, lines: list[tuple[int, list[str]]], width: int
) -> tuple[list[float], list[list[int]]]:
    """Times and counts of the rows that have both."""
    times: list[float] = []
    values: list[list[int]] = []
    for number, cells in lines:
        seconds = seconds_of(collector, cells[0])
        counts = [_count_of(one) for one in cells[1:]]
        if seconds is None or (times and seconds <= times[-1]):
            what = f"time {cells[0][:40]!r} is none, or not after the row before"
            collector.problem(f"row {number}", "no time", what)
        elif None in counts or len(counts) != width:
            what = f"has other cells than {width} counts: {','.join(cells)[:60]!r}"
            collector.problem(f"row {number}", "unreadable", what)
        else:
            times.append(seconds)
            values.append([one or 0 for one in counts])
    return times, values


def _matrix(rows: list[list[int]]) -> NDArray[np.int16]:
    import numpy as np

    return np.array(rows, dtype=np.int16)


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A file per video and subject."""
    import numpy as np

    rate = options.fps or STEPS_PER_SECOND
    files: dict[Path, bytes] = {}
    losses = []
    for sheet in sheets_of(labels, path):
        seconds = last_seconds(labels, sheet.video)
        num_steps = math.floor(seconds * rate + 1e-6) + 1
        matrix = sample_labels(labels, sheet, rate, num_steps)
        values = np.maximum(matrix.values, 0)
        states = [i for i, one in enumerate(labels.ethogram) if one.is_state]
        if num_steps > 1:  # what goes on to the end does so at the end, too
            values[-1, states] = values[-2, states]
        rows = values.tolist()
        cells = [[decimal(n / rate), *map(str, row)] for n, row in enumerate(rows)]
        header = ["time", *map(guarded, matrix.names)]
        files[sheet.path] = csv_text([header, *cells], _delimiter(path)).encode()
        if matrix.vanished:
            losses.append(f"{matrix.vanished} bouts of {sheet.video.name} shorter than half a step")
    return Drafted(files, tuple(losses))


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.casefold() == ".tsv" else ","


FORMAT = Format(
    name="boris-binary",
    title="BORIS binary table, A-SOiD",
    endings=(".binary.csv", ".binary.tsv"),
    holds=Holds(points=True, resolution="a step"),
    recognise=recognise,
    read=read,
    write=write,
)
