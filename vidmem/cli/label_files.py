"""Labels and predictions from files, for the commands that score them.

A STAND-IN, until `vidmem.labels.read` is merged: `read_labels` becomes a call of it, and what reads
the two tables here goes. `read_probabilities` and `on_videos_of` stay.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import LabelError, SettingError
from vidmem.files import read_bounded
from vidmem.labels import (
    NONE_OF_THESE,
    NOT_SCORED,
    Behaviour,
    Bout,
    ClassProbabilities,
    Ethogram,
    LabelledVideo,
    Labels,
    Span,
    postprocess,
    reserved_name,
)

if TYPE_CHECKING:
    from vidmem.streaming import MomentScore

MAX_BYTES = 256 * 2**20
LABEL_COLUMNS = ("start_seconds", "end_seconds", "label")

Row = Mapping[str, str]


def read_labels(path: Path) -> Labels:
    """Labels of a table of bouts, or the most probable behaviours of a predictions.csv.

    Raises:
        LabelError: If it cannot be read, or is no such table.
    """
    columns, rows = _table(path)
    given = read_probabilities(path)
    if given is None and set(LABEL_COLUMNS) <= set(columns):
        return _labels(path, rows)
    if given is None:
        raise LabelError(
            f"{path} has the columns {', '.join(columns)[:200] or 'of no table'}; expected "
            f"video, {', '.join(LABEL_COLUMNS)} of labels, or those of vidmem's predictions"
        )
    name = _stem(path.name)
    bouts = postprocess(given, video=name)
    names = [one for one in given.class_names if reserved_name(one) is None]
    # A model was asked about all that it gave probabilities of: none of these is an answer too.
    times = zip(given.start_seconds.tolist(), given.end_seconds.tolist(), strict=True)
    scored = tuple(Span(name, start, end) for start, end in times)
    return Labels(Ethogram.of(*names), bouts, scored=scored, videos=(LabelledVideo(name),))


def read_probabilities(path: Path) -> ClassProbabilities | None:
    """What a predictions.csv has, moment by moment, over all windows; `None`: it is another table.

    Raises:
        LabelError: If it cannot be read.
    """
    columns, rows = _table(path)
    class_columns = _class_columns(columns)
    if not class_columns:
        return None
    moments = _moments(path, rows, class_columns)
    if not moments:
        raise LabelError(f"{path} has no predictions")
    try:
        return ClassProbabilities(
            tuple(map(_unguarded, class_columns)),
            [one.probabilities for one in moments],  # type: ignore[arg-type]  # made an array there
            [one.start_seconds for one in moments],  # type: ignore[arg-type]
            [one.end_seconds for one in moments],  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise LabelError(f"{path}: {error}") from error


def on_videos_of(labels: Labels, other: Labels, *, chosen: str | None, what: str) -> Labels:
    """Labels under the names that other labels have for their videos.

    Those of one video, such as what a model predicted in a file, need not name it as the others do:
    `pen.predictions.csv` is about `pen.mp4`, or about the only video that there is.

    Args:
        labels: To be renamed.
        other: Whose names count.
        chosen: The video that is meant; `None`: by name.
        what: The file, for a message.

    Raises:
        SettingError: If it cannot be told which video is meant.
    """
    mine, theirs = _videos(labels), _videos(other)
    is_same = chosen in mine if chosen else set(mine) & set(theirs)
    if is_same or not mine or not theirs:
        return labels
    near = [name for name in theirs if len(mine) == 1 and _stem(name) == _stem(mine[0])]
    wanted = [chosen] if chosen else near if len(near) == 1 else theirs
    if len(mine) != 1 or len(wanted) != 1:
        raise SettingError(
            f"{what} is about {_listed(mine)}, the labels about {_listed(theirs)}; say with "
            "--video which one is meant"
        )
    return _renamed(labels, mine[0], wanted[0])


def _videos(labels: Labels) -> list[str]:
    return sorted({track.video for track in labels.tracks})


def _stem(video: str) -> str:
    name = Path(video).name.removesuffix(".csv")
    for ending in (".predictions", ".labels"):
        name = name.removesuffix(ending)
    return Path(name).stem


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)[:200] or "no video"


def _renamed(labels: Labels, old: str, new: str) -> Labels:
    def move(one: Bout | Span) -> Bout | Span:
        return one.changed(video=new) if one.video == old else one

    videos = tuple(
        replace(one, name=new) if one.name == old else one
        for one in labels.videos
        if one.name != new
    )
    return Labels(
        labels.ethogram,
        tuple(map(move, labels.bouts)),  # type: ignore[arg-type]
        not_scored=tuple(map(move, labels.not_scored)),  # type: ignore[arg-type]
        scored=tuple(map(move, labels.scored)),  # type: ignore[arg-type]
        videos=videos,
    )


# The stand-in.


def _table(path: Path) -> tuple[list[str], list[Row]]:
    try:
        text = read_bounded(path, MAX_BYTES).decode("utf-8-sig")
        lines = [line for line in io.StringIO(text, newline="") if not line.startswith("#")]
        reader = csv.DictReader(lines, restval="", strict=True)
        return list(reader.fieldnames or ()), list(reader)
    except OSError as error:
        raise LabelError(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"{path} is no table in UTF-8: {error}") from error


def _labels(path: Path, rows: Sequence[Row]) -> Labels:
    kinds: dict[str, Behaviour] = {}
    bouts: list[Bout] = []
    spans: dict[str, list[Span]] = {NOT_SCORED: [], NONE_OF_THESE: []}
    for number, row in enumerate(rows, 2):
        start, end = (_seconds(path, number, row, name) for name in LABEL_COLUMNS[:2])
        name, subject = _unguarded(row["label"]).strip(), (row.get("subject") or "").strip()
        video = _unguarded(row.get("video") or "").strip() or _stem(path.name)
        if reserved := reserved_name(name):
            spans[reserved].append(Span(video, start, end, subject))
            continue
        author, comment = ((row.get(key) or "").strip() for key in ("author", "comment"))
        bouts.append(Bout(video, start, end, name, subject, author, comment))
        kinds.setdefault(name, Behaviour(name, kind="point" if start == end else "state"))
    none = spans[NONE_OF_THESE]
    return Labels(
        Ethogram(tuple(kinds.values())), tuple(bouts), tuple(spans[NOT_SCORED]), tuple(none)
    )


def _class_columns(columns: Sequence[str]) -> list[str]:
    from vidmem.streaming.saving.predictions_csv import FIRST_COLUMNS, LAST_COLUMNS

    if tuple(columns[: len(FIRST_COLUMNS)]) != FIRST_COLUMNS:
        return []
    return [one for one in columns[len(FIRST_COLUMNS) :] if one not in LAST_COLUMNS]


def _moments(path: Path, rows: Sequence[Row], classes: Sequence[str]) -> list[MomentScore]:
    from vidmem.streaming import ScoreMerger

    merger = ScoreMerger()
    moments = []
    for number, row in enumerate(rows, 2):
        start, end = (_seconds(path, number, row, name) for name in LABEL_COLUMNS[:2])
        moments += merger.add_window(start, end, [_seconds(path, number, row, x) for x in classes])
    return moments + merger.flush()


def _seconds(path: Path, number: int, row: Row, column: str) -> float:
    try:
        return float(row[column])
    except (ValueError, TypeError) as error:
        raise LabelError(
            f"{path}, row {number}: {column} must be a number, got {row[column]!r:.40}"
        ) from error


def _unguarded(text: str) -> str:
    """A name without the `'` that keeps spreadsheets from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text
