"""Labels sample by sample, as matrices have them: a row per sample, a column per behaviour.

    time       0    1    2    3    4
    lying      1    1    0    0   -1       1: it happens, 0: it does not, -1: nobody said
    standing   0    0    1    0   -1

A sample is a span of time that begins at its number. Edges go to the nearest sample's start, so
that bouts that touch still touch; what is shorter than half a sample vanishes, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.errors import LabelError
from vidmem.labels.bout import LabelledVideo
from vidmem.labels.ethogram import NONE_OF_THESE, NOT_SCORED, Behaviour, reserved_name
from vidmem.labels.formats.collecting import BoutEntry, Collector, SpanEntry
from vidmem.labels.formats.source import Source, path_for
from vidmem.labels.labels import Labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SAMPLES = 20_000_000
"""Of all behaviours of a video: nine days at 25 a second of one behaviour."""

UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class SampleMatrix:
    """What is said of one subject in one video, sample by sample."""

    names: tuple[str, ...]
    """Of the behaviours, `B` of them."""

    values: NDArray[np.int16]
    """`[N, B]`: 1, 0 or -1; of points how many."""

    vanished: int
    """Bouts shorter than half a sample."""


@dataclass(frozen=True)
class Sheet:
    """One of the files that labels become: a subject in a video."""

    path: Path
    video: LabelledVideo
    subject: str


def sheets_of(labels: Labels, path: Path) -> list[Sheet]:
    """A file per video and subject; where it is only one, at the path itself."""
    pairs = []
    for video in labels.videos:
        subjects = sorted({track.subject for track in labels.tracks if track.video == video.name})
        pairs += [(video, subject) for subject in subjects or [""]]
    return [
        Sheet(
            path_for(path, [video.name, *([subject] if subject else [])], len(pairs) == 1),
            video,
            subject,
        )
        for video, subject in pairs
    ]


def sample_labels(labels: Labels, sheet: Sheet, rate: float, num_samples: int) -> SampleMatrix:
    """Labels of one subject in one video as a matrix.

    Args:
        labels: All of them.
        sheet: Which subject and video.
        rate: Samples per second.
        num_samples: `N`.

    Raises:
        LabelError: If the matrix is too large.
    """
    import numpy as np

    names = labels.ethogram.names
    if num_samples * max(len(names), 1) > MAX_SAMPLES:
        raise LabelError(
            f"{num_samples} samples of {len(names)} behaviours are too many; write fewer a second"
        )
    values = np.full((num_samples, len(names)), UNLABELLED, dtype=np.int16)
    column = {name: index for index, name in enumerate(names)}
    vanished = 0
    for axis in labels.ethogram.axes:
        columns = [column[one.name] for one in labels.ethogram if one.axis == axis]
        for one in labels.timeline(sheet.video.name, axis, sheet.subject):
            if one.what == NOT_SCORED:
                continue
            start, end = round(one.start_seconds * rate), round(one.end_seconds * rate)
            values[start:end, columns] = 0
            if one.what != NONE_OF_THESE:
                values[start:end, column[one.what]] = 1
                vanished += end <= start
    points = labels.bouts_of(video=sheet.video.name, subject=sheet.subject)
    for point in (one for one in points if one.is_point):
        at = min(int(point.start_seconds * rate + 1e-6), num_samples - 1)
        index = column[point.behaviour]
        values[at, index] = max(values[at, index], 0) + 1
    return SampleMatrix(names, values, vanished)


def last_seconds(labels: Labels, video: LabelledVideo) -> float:
    """How long a video lasts; where that is not known, to its last label."""
    ends = [one.end_seconds for one in labels.bouts_of(video=video.name)]
    spans = (*labels.scored, *labels.not_scored)
    ends += [one.end_seconds for one in spans if one.video == video.name]
    return video.duration_seconds or max(ends, default=0.0)


def runs_of(values: NDArray[np.int16]) -> Iterator[tuple[int, int, int]]:
    """Start, end (not part of it) and value of samples in a row that are equal."""
    import numpy as np

    edges = np.flatnonzero(np.diff(values)) + 1
    starts = [0, *edges.tolist()] if len(values) else []
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        yield start, end, int(values[start])


@dataclass(frozen=True, eq=False)
class SampledFile:
    """What a matrix of a file says of one subject in one video."""

    video: str
    subject: str
    matrix: SampleMatrix
    edges_seconds: Sequence[float]
    """`N + 1`: where each sample begins, and where the last one ends."""

    first_row: int
    """In the file, of the first sample."""


def check_names(source: Source, names: list[str]) -> None:
    """See that each column is one behaviour.

    Raises:
        LabelError: If one has no name, or two have one.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or not all(names):
        what = f"two columns {twice[0]!r:.60}" if twice else "a column without a name"
        raise LabelError(f"{source.path} has {what}; each column is one behaviour")


def take_samples(collector: Collector, file: SampledFile) -> None:
    """Give a collector the bouts of a matrix, and where each behaviour was scored."""
    given = collector.options.ethogram
    times = file.edges_seconds
    for index, name in enumerate(file.matrix.names):
        column = file.matrix.values[:, index]
        is_point = given[name].kind == "point" if given and name in given else column.max() > 1
        if reserved_name(name) is None:  # also one that never happens
            collector.behaviour(Behaviour(name, kind="point" if is_point else "state"))
        for start, end, value in runs_of(column):
            is_nothing = times[end] <= times[start]  # a last row that only says where it ends
            if value < 0 or (is_nothing and not is_point):
                continue
            place = f"row {file.first_row + start}, column {name}"
            if not is_nothing:
                collector.span(_scored_span(file, place, name, start, end), is_scored=True)
            bouts = [(times[start], times[end])] if value else []
            if is_point:
                bouts = [(at, at) for at in _points_in(times, start, end, value)]
            for begin, stop in bouts:
                collector.entry(
                    BoutEntry(
                        place=place,
                        video=file.video,
                        behaviour=name,
                        start_seconds=begin,
                        end_seconds=stop,
                        kind="point" if is_point else "state",
                        subject=file.subject,
                    )
                )


def _points_in(times: Sequence[float], start: int, end: int, count: int) -> Iterator[float]:
    """So many in each sample; when in it nobody knows: evenly."""
    for n in range(start, end):
        for k in range(count):
            yield times[n] + k / count * (times[n + 1] - times[n])


def _scored_span(file: SampledFile, place: str, name: str, start: int, end: int) -> SpanEntry:
    return SpanEntry(
        place=place,
        video=file.video,
        start_seconds=file.edges_seconds[start],
        end_seconds=file.edges_seconds[end],
        subject=file.subject,
        behaviour=name,
    )
