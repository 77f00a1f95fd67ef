"""DeepEthogram's labels and predictions: a CSV per video, a row per frame.

    ,background,lying,standing
    0,0,1,0
    1,1,0,0
    2,-1,-1,-1

1 happens, 0 does not, -1 is unlabelled; background is 1 where nothing else is. The video is known
by the name of the file, `pen 2_labels.csv` or `pen 2_predictions.csv`, and the times by its frame
rate. DeepEthogram does not train on a video with a single -1 in it.
"""

from __future__ import annotations

import re
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
    Sheet,
    check_names,
    last_seconds,
    sample_labels,
    sheets_of,
    take_samples,
)
from vidmem.labels.formats.source import Source, safe_name, stem_of
from vidmem.labels.formats.tables import csv_text, delimiter_of, read_rows
from vidmem.labels.labels import Labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BACKGROUND = ("background", "none")
_NAME = re.compile(r"(.+?)_(?:labels|predictions)(?:\.csv)?", re.IGNORECASE)
SAME_LENGTH_SHARE = 0.01


def recognise(source: Source) -> bool:
    """Whether it is a matrix with a numbered row per frame, or with a numbered column per frame."""
    lines = source.head.split("\n", 2)
    cells = [one.strip(' "') for one in lines[0].split(",")]
    if len(lines) < 2 or len(cells) < 2 or cells[0] not in ("", "frame", "index"):
        return False
    first = [one.strip(' "') for one in lines[1].split(",")]
    is_long = first[0].isdecimal() and all(one in _VALUES for one in first[1:])
    is_wide = all(one.isdecimal() for one in cells[1:20]) and set(first[1:20]) <= _VALUES.keys()
    return is_long or (is_wide and not first[0].isdecimal())


_VALUES = {"1": 1, "0": 0, "-1": -1, "1.0": 1, "0.0": 0, "-1.0": -1}


def read(source: Source, collector: Collector) -> None:
    """Give the bouts of a video to a collector."""
    try:
        lines = list(read_rows(source.text, delimiter_of(source.text), MAX_SAMPLES))
    except LabelError as error:
        raise LabelError(f"{source.path}: {error}") from error
    lines = [(number, cells) for number, cells in lines if any(one.strip() for one in cells)]
    if len(lines) < 2 or len(lines[0][1]) < 2:
        raise LabelError(f"{source.path} is no matrix of frames: it has no rows or no columns")
    first_row = lines[1][0]
    rows = [cells for _, cells in lines]
    if all(one.strip().isdecimal() for one in rows[0][1:]):  # a column per frame
        width = len(rows[0])
        rows = [list(column) for column in zip(*(row[:width] for row in rows), strict=False)]
        collector.note("has a column per frame, and is turned")
    names = [clean_name(unguarded(one)) for one in rows[0][1:]]
    check_names(source, names)
    values = _values_of(collector, rows[1:], len(names), first_row)
    values, names = _without_background(collector, values, names, first_row)
    found = _NAME.fullmatch(source.path.name)
    video = collector.only_video(found[1] if found else "")
    fps = collector.fps(video, None)
    _check_length(collector, video, len(values), fps)
    times = [index / fps for index in range(len(values) + 1)]
    matrix = SampleMatrix(tuple(names), values, 0)
    take_samples(collector, SampledFile(video, "", matrix, times, first_row))


def _values_of(
    collector: Collector, rows: list[list[str]], width: int, first_row: int
) -> NDArray[np.int16]:
    """The cells as numbers; rows of which one is none are unlabelled."""
    import numpy as np

    if len(rows) * width > MAX_SAMPLES:
        raise LabelError(f"{collector.path} has more than {MAX_SAMPLES} cells; split it")
    values = np.full((len(rows), width), -1, dtype=np.int16)
    for index, row in enumerate(rows):
        numbers = [_VALUES.get(one.strip()) for one in row[1 : width + 1]]
        if len(row) != width + 1 or None in numbers:
            what = f"has other cells than {width} of 1, 0 or -1: {','.join(row)[:60]!r}"
            place = f"row {first_row + index}"
            collector.problem(place, "unreadable", what, "it is taken as unlabelled")
        else:
            values[index] = [one or 0 for one in numbers]
    return values


def _without_background(
    collector: Collector, values: NDArray[np.int16], names: list[str], first_row: int
) -> tuple[NDArray[np.int16], list[str]]:
    """All but the background, which is what is left where nothing happens."""
    import numpy as np

    at = [index for index, name in enumerate(names) if name.casefold() in BACKGROUND]
    rest = [index for index in range(len(names)) if index not in at]
    for index in at:
        both = (values[:, index] == 1) & (values[:, rest] == 1).any(axis=1)
        for row in np.flatnonzero(both).tolist():
            what = f"is {names[index]} and a behaviour at once"
            place = f"row {first_row + row}"
            collector.problem(place, "damaged", what, "the behaviour is taken")
    return values[:, rest], [names[index] for index in rest]


def _check_length(collector: Collector, video: str, num_frames: int, fps: float) -> None:
    duration = collector.facts(video).duration_seconds
    if not duration or abs(num_frames / fps - duration) <= max(1.0, SAME_LENGTH_SHARE * duration):
        return
    what = (
        f"has {num_frames} frames, {num_frames / fps:.10g} s at {fps:g} a second, but {video} "
        f"lasts {duration:.10g} s; {num_frames / duration:.4g} a second would fit"
    )
    collector.problem("", "frame rate", what, f"its frames are taken as {fps:g} per second")


def write(labels: Labels, path: Path, options: WriteOptions) -> Drafted:
    """A file per video and subject, named as DeepEthogram wants it."""
    reserved = [name for name in labels.ethogram.names if name.casefold() in BACKGROUND]
    if reserved:
        raise LabelError(
            f"DeepEthogram calls what is nothing else {reserved[0]}; rename that behaviour first"
        )
    files: dict[Path, bytes] = {}
    losses: list[str] = []
    notes: list[str] = []
    for sheet in sheets_of(labels, path):
        fps = options.fps_of(sheet.video, FORMAT.title)
        num_frames = max(round(last_seconds(labels, sheet.video) * fps), 1)
        matrix = sample_labels(labels, sheet, fps, num_frames)
        at = _path_of(path, sheet)
        if at in files:
            raise LabelError(f"two videos would be written to {at}; rename one of them")
        files[at] = _text_of(matrix).encode()
        if matrix.vanished:
            losses.append(
                f"{matrix.vanished} bouts of {sheet.video.name} shorter than half a frame"
            )
        if (matrix.values < 0).any():
            notes.append(
                f"DeepEthogram does not train on {sheet.video.name}: not all of it is labelled"
            )
    return Drafted(files, tuple(losses), tuple(notes))


def _path_of(path: Path, sheet: Sheet) -> Path:
    """`<video>_labels.csv` beside the path; the path itself where it is called so and alone."""
    if sheet.path == path:
        return path
    name = stem_of(sheet.video.name) + (f"_{sheet.subject}" if sheet.subject else "")
    return path.with_name(f"{safe_name(name)}_labels.csv")


def _text_of(matrix: SampleMatrix) -> str:
    import numpy as np

    values = np.minimum(matrix.values, 1)
    is_busy, is_free = (values == 1).any(axis=1), (values == 0).all(axis=1)
    background = np.where(is_busy, 0, np.where(is_free, 1, -1))
    rows = np.column_stack([np.arange(len(values)), background, values]).tolist()
    header = ["", BACKGROUND[0], *map(guarded, matrix.names)]
    return csv_text([header]) + "".join(f"{','.join(map(str, row))}\n" for row in rows)


FORMAT = Format(
    name="deepethogram",
    title="DeepEthogram",
    endings=("_labels.csv", "_predictions.csv"),
    holds=Holds(unlabelled=True, resolution="a frame"),
    needs_fps=True,
    recognise=recognise,
    read=read,
    write=write,
)
