"""What `vidmem watch` writes, `predictions.csv`, as bouts; read only.

    start_seconds,end_seconds,label,probability,remembered,lying,standing,gap,...,model,settings
    0.000,2.000,lying,0.930000,0,0.930000,0.070000,,0.41,memvit,fps=4

A row is a window, and windows may overlap: over each moment the probabilities of all its windows
are averaged, as the app does, and bouts are made of the moments with the given post-processing
(`vidmem.labels.postprocess`; as it is, the most probable behaviour). Time that windows cover was
scored; stretches without a picture were not, and no bout reaches over a change of the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from vidmem.errors import LabelError
from vidmem.files import unguarded
from vidmem.labels.ethogram import Behaviour, reserved_name
from vidmem.labels.formats.collecting import (
    BoutEntry,
    Collector,
    SpanEntry,
    clean_name,
    number_or_none,
    score_or_none,
)
from vidmem.labels.formats.format import About, Format, Holds, ProblemKind
from vidmem.labels.formats.source import Source
from vidmem.labels.formats.tables import read_rows
from vidmem.labels.postprocessing import ClassProbabilities, PostProcessing, postprocess
from vidmem.labels.spans import Interval, united

FIRST_COLUMNS = ("start_seconds", "end_seconds", "label", "probability", "remembered")
LAST_COLUMNS = ("gap", "unlikeness", "model", "settings")
"""As `vidmem.streaming` writes them; files of earlier versions end with the classes."""

MAX_WINDOWS = 500_000
_GAP = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class _Window:
    start: float
    end: float
    probabilities: tuple[float, ...]
    gaps: tuple[Interval, ...]
    model: str
    settings: str


def recognise(source: Source) -> bool:
    """Whether its header is that of predictions."""
    return source.head.startswith(",".join(FIRST_COLUMNS))


def read(source: Source, collector: Collector) -> None:
    """Give the bouts of a run to a collector."""
    names, windows = _windows_of(source, collector.problem)
    for name in names:
        if reserved_name(name) is None:  # also one that was never predicted
            collector.behaviour(Behaviour(name))
    # After `pen 2.predictions.csv`, as `vidmem watch` names it.
    stem = source.path.name.casefold().removesuffix(".csv").removesuffix(".predictions")
    video = collector.only_video(source.path.name[: len(stem)])
    _take_bouts(collector, video, names, windows)


def read_probabilities(path: str | Path) -> ClassProbabilities | None:
    """What a predictions.csv has, moment by moment, over all its windows; rows that are none apart.

    Returns:
        `None` if the file is no predictions.csv.

    Raises:
        LabelError: If it cannot be read, or has no predictions.
    """
    source = Source.open(Path(path))
    if not recognise(source):
        return None
    names, windows = _windows_of(source, lambda place, kind, what: None)
    moments = _moments_of(names, windows, float("inf")) if windows else None
    if moments is None:
        raise LabelError(f"{source.path} has no predictions")
    return moments


def _windows_of(
    source: Source, on_problem: Callable[[str, ProblemKind, str], None]
) -> tuple[list[str], list[_Window]]:
    """The names of the classes, and the rows."""
    try:
        lines = list(read_rows(source.text, ","))
    except LabelError as error:
        raise LabelError(f"{source.path}: {error}") from error
    header = lines[0][1] if lines else []
    names = _classes_of(source, header)
    if len(lines) > MAX_WINDOWS:
        raise LabelError(f"{source.path} has more than {MAX_WINDOWS} rows; split it")
    windows = []
    for number, cells in lines[1:]:
        window = _window_of(cells, len(header), len(names)) if any(cells) else None
        if window is None and any(cells):
            what = f"is no prediction: {','.join(cells)[:60]!r}"
            on_problem(f"row {number}", "unreadable", what)
        windows += [window] if window else []
    return names, windows


def _classes_of(source: Source, header: list[str]) -> list[str]:
    """The names of the classes, between the first and the last columns."""
    if tuple(header[: len(FIRST_COLUMNS)]) != FIRST_COLUMNS:
        raise LabelError(f"{source.path} is no predictions.csv: its header is another")
    has_last = tuple(header[-len(LAST_COLUMNS) :]) == LAST_COLUMNS
    classes = header[len(FIRST_COLUMNS) : len(header) - len(LAST_COLUMNS) * has_last]
    names = [clean_name(unguarded(one)) for one in classes]
    if not names or len(set(names)) < len(names) or not all(names):
        raise LabelError(f"{source.path} has no classes, or two of one name")
    return names


def _window_of(cells: list[str], num_columns: int, num_classes: int) -> _Window | None:
    """A row; `None`: it is none, such as the last one of a run that was killed."""
    first = len(FIRST_COLUMNS)
    if len(cells) != num_columns:
        return None
    start, end = number_or_none(cells[0]), number_or_none(cells[1])
    scores = [score_or_none(one) for one in cells[first : first + num_classes]]
    # Nothing is predicted of less than a microsecond, or of half a life.
    if start is None or end is None or None in scores or not 0 <= start < end - 2e-6 < 1e9:
        return None
    last = dict(zip(LAST_COLUMNS, cells[first + num_classes :], strict=False))
    gaps = [(float(a), float(b)) for a, b in _GAP.findall(last.get("gap", ""))]
    return _Window(
        start,
        end,
        tuple(one or 0.0 for one in scores),
        tuple((a, b) for a, b in gaps if a < b),
        clean_name(unguarded(last.get("model", ""))),
        clean_name(last.get("settings", "")),
    )


def _take_bouts(collector: Collector, video: str, names: list[str], windows: list[_Window]) -> None:
    processing = collector.options.processing or PostProcessing()
    runs = [list(group) for _, group in groupby(windows, key=lambda one: one.model)]
    for index, run in enumerate(runs):
        before = runs[index + 1][0].start if index + 1 < len(runs) else float("inf")
        moments = _moments_of(names, run, before)
        if moments is None:
            continue
        pairs = zip(moments.start_seconds.tolist(), moments.end_seconds.tolist(), strict=True)
        for start, end in united(pairs):
            span = SpanEntry(place="", video=video, start_seconds=start, end_seconds=end)
            collector.span(span, is_scored=True)
        for bout in postprocess(moments, processing, video=video, author=run[0].model):
            collector.entry(
                BoutEntry(
                    place=f"at {bout.start_seconds:.10g} s",
                    video=video,
                    behaviour=bout.behaviour,
                    start_seconds=bout.start_seconds,
                    end_seconds=bout.end_seconds,
                    kind="state",
                    author=bout.author,
                    score=bout.score,
                    source="model",
                )
            )
    models = dict.fromkeys(one.model for one in windows if one.model)
    settings = dict.fromkeys(one.settings for one in windows if one.settings)
    collector.about = About(
        model=", ".join(models), settings=" | ".join([*settings, processing.summary()])
    )
    collector.note(f"has {len(windows)} predictions; bouts: {processing.summary()}")


def _moments_of(
    names: list[str], windows: list[_Window], before: float
) -> ClassProbabilities | None:
    """Each moment with the mean of the windows over it; those after a time are left out."""
    import numpy as np

    gaps = united([gap for one in windows for gap in one.gaps])
    ends = [x for one in windows for x in (one.start, one.end)]
    ends += [x for gap in gaps for x in gap] + [before] * (before < float("inf"))
    edges = np.unique(np.round(np.array(ends, dtype=np.float64), 6)).astype(np.float64)
    sums = np.zeros((len(edges) - 1, len(names)))
    counts = np.zeros(len(edges) - 1, dtype=np.int64)
    for one in windows:
        first, last = np.searchsorted(edges, np.round([one.start, one.end], 6))
        sums[first:last] += one.probabilities
        counts[first:last] += 1
    starts, stops = edges[:-1], edges[1:]
    # What is shorter than a microsecond or two is an edge that was said in two ways.
    is_kept = (counts > 0) & (stops <= before + 1e-9) & (stops - starts > 2e-6)
    for start, end in gaps:
        is_kept &= ~((starts >= start - 1e-9) & (stops <= end + 1e-9))
    if not is_kept.any():
        return None
    means = np.clip(sums[is_kept] / counts[is_kept, None], 0.0, 1.0)
    return ClassProbabilities(tuple(names), means, starts[is_kept], stops[is_kept])


FORMAT = Format(
    name="predictions",
    title="vidmem predictions",
    endings=(".predictions.csv",),
    holds=Holds(scores=True, unlabelled=True, authors=True),
    recognise=recognise,
    read=read,
)
